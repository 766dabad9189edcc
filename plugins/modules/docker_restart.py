#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a running engine take up its settings without costing its Swarm the quorum."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_restart
short_description: Restart or reload the Docker engine so that its Swarm keeps a quorum
version_added: "0.1.0"
description:
  - Before a restart on a manager it makes sure that the other managers are a quorum without it, and refuses when one of
    them is away and they would not be. It waits O(quorum_wait_seconds) for that, since a manager that was restarted
    just now takes seconds to be seen again.
  - Runs C(systemctl daemon-reload) first when systemd says that units have changed, and restarts containerd too when
    its package was changed under it.
  - Afterwards it waits until the engine answers and does what O(settings) say, until this node has its place in the
    Swarm again, and, on a manager, until there is a leader, and every node that was ready and every manager that was
    reachable is so again. A handler with C(throttle) of 1 takes one manager at a time.
  - A reload sends SIGHUP; no container is touched, and the Swarm is not asked beforehand.
  - An engine that does not run is left alone.
options:
  action:
    description: What M(sophia.platform.docker_engine) said to be needed.
    type: str
    choices: [restart, reload]
    default: restart
  settings:
    description: Content of C(daemon.json) that must be in force afterwards.
    type: dict
    default: {}
  version:
    description: Version that must run afterwards, whole or its beginning.
    type: str
    default: ""
  without_quorum:
    description: Whether the engine is restarted even where the Swarm loses its quorum by it, or has lost it.
    type: bool
    default: false
  quorum_wait_seconds:
    description: How long the other managers may take to be reachable before the restart is refused.
    type: int
    default: 60
  timeout_seconds:
    description: How long the engine and its node may take to be back.
    type: int
    default: 180
attributes:
  check_mode: {support: full, description: Asks the Swarm once and restarts nothing.}
  diff_mode: {support: full, description: Names the unit and the action.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Restart docker
  sophia.platform.docker_restart:
    action: "{{ docker_engine.action }}"
    settings: "{{ docker_engine.settings }}"
  throttle: 1
"""

RETURN = r"""
units:
  description: The units that were restarted or reloaded.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import restart
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.judge import UNIT
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.host.units import unit_state
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "action": {"type": "str", "choices": ["restart", "reload"], "default": "restart"},
            "settings": {"type": "dict", "default": {}},
            "version": {"type": "str", "default": ""},
            "without_quorum": {"type": "bool", "default": False},
            "quorum_wait_seconds": {"type": "int", "default": 60},
            "timeout_seconds": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    options, engine, units = module.params, Engine(), []
    action = options["action"]
    try:
        active = unit_state(UNIT)["active"]
        if active and action == "restart" and not options["without_quorum"]:
            restart.allowed(engine, 0 if module.check_mode else options["quorum_wait_seconds"])
        if active and not module.check_mode:
            units = restart.apply(engine, action, options["settings"], options["version"], options["timeout_seconds"])
    except (HostError, EngineError) as error:
        module.fail_json(msg=str(error))
    diff = {"before": f"{UNIT}: runs with its earlier settings\n", "after": f"{UNIT}: {action}\n"}
    module.exit_json(changed=active, units=list(units), diff=diff if active else {"before": "", "after": ""})


if __name__ == "__main__":
    main()
