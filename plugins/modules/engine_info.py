#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what a host's Docker engine is and which place it has in a Swarm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_info
short_description: What a host's Docker engine is, and its place in a Swarm
version_added: "0.1.0"
description:
  - Reads the engine's own account of itself. An engine that does not answer is a finding (RV(answers)), not an error.
  - Compares the running engine with the settings and the version it should have, when these are given.
  - Never returns join tokens or keys.
options:
  socket_path:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
  settings:
    description: Content of C(daemon.json) that should be in force, as M(sophia.platform.docker_engine) returns it.
    type: dict
    default: {}
  version:
    description: Version that the engine should have, whole or its beginning.
    type: str
    default: ""
  wait_seconds:
    description: How long to wait for an answer.
    type: int
    default: 0
attributes:
  check_mode: {support: full, description: Only reads.}
  diff_mode: {support: none, description: Only reads.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: See what every host is
  sophia.platform.engine_info:
  register: swarm_observed
"""

RETURN = r"""
answers:
  description: Whether the engine answers.
  returned: always
  type: bool
error:
  description: Why it does not.
  returned: always
  type: str
hostname:
  description: The host's name.
  returned: always
  type: str
version:
  description: The engine's version.
  returned: always
  type: str
  sample: 26.1.5+dfsg1
storage_driver:
  description: Its storage driver.
  returned: always
  type: str
  sample: overlay2
problems:
  description: What is not as asked, as sentences; also that the engine does not answer.
  returned: always
  type: list
  elements: str
swarm:
  description: >-
    C(state), C(error), C(cluster_id), C(node_id), C(node_address), C(control_available), C(quorum),
    C(manager_addresses) and, on a manager, C(nodes).
  returned: always
  type: dict
swarm_state_on_disk:
  description: Whether the host keeps state of a Swarm, whatever the engine says.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import problems_of
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.membership import observe


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "socket_path": {"type": "path", "default": "/var/run/docker.sock"},
            "settings": {"type": "dict", "default": {}},
            "version": {"type": "str", "default": ""},
            "wait_seconds": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    options = module.params
    seen = observe(Engine(options["socket_path"]), options["wait_seconds"])
    info = seen.pop("info")
    problems = problems_of(options["settings"], options["version"], info) if seen["answers"] else [seen["error"]]
    module.exit_json(
        changed=False,
        version=info.get("ServerVersion", ""),
        storage_driver=info.get("Driver", ""),
        problems=problems,
        **seen,
    )


if __name__ == "__main__":
    main()
