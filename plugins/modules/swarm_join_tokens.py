#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the join tokens of a Swarm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_join_tokens
short_description: Read the join tokens of a Swarm
version_added: "0.1.0"
description:
  - Runs on a manager. The tokens let any host join, so the task needs C(no_log), and the result must stay in memory.
  - In check mode a host in no Swarm gives empty tokens.
options:
  socket_path:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode: {support: full, description: Only reads.}
  diff_mode: {support: none, description: Only reads.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Read the join tokens
  sophia.platform.swarm_join_tokens:
  register: swarm_join
  no_log: true
"""

RETURN = r"""
tokens:
  description: The tokens C(manager) and C(worker).
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"socket_path": {"type": "path", "default": "/var/run/docker.sock"}}, supports_check_mode=True
    )
    try:
        tokens = Engine(module.params["socket_path"]).get("/swarm")["JoinTokens"]
    except EngineError as error:
        if not module.check_mode:
            module.fail_json(msg=f"No join tokens can be read here, which should be a manager: {error}")
        tokens = {"Manager": "", "Worker": ""}
    module.exit_json(changed=False, tokens={"manager": tokens["Manager"], "worker": tokens["Worker"]})


if __name__ == "__main__":
    main()
