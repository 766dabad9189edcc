#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the work of a Swarm node away, and gives the node back the availability that it had."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_node
short_description: Set the availability of one Swarm node
version_added: "0.1.0"
description:
  - Runs on a manager. With O(availability=drain) it waits until no task of the node runs.
  - A manager is not drained while another one cannot be reached, or when the others are no quorum; the only manager is.
  - On a host whose engine is in no Swarm, or that has none, it does nothing and says so.
  - A manager that has just started gets time to answer.
options:
  node:
    description: The node's id or its host name. Empty is the engine's own node.
    type: str
    default: ""
  availability:
    description: Whether the node gets tasks.
    type: str
    choices: [active, pause, drain]
    required: true
  steady_seconds:
    description:
      - How long the node, and all that were ready, must have been ready without a break before this returns.
      - Engines whose hosts restart in quick succession lose names of their overlay networks, and do not find them again
        by themselves (moby issue 47728); so the next host should not follow at once.
    type: int
    default: 0
  timeout_seconds:
    description: How long tasks may take to end, and a manager to answer.
    type: int
    default: 300
  socket_path:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode: {support: full, description: Changes nothing and waits for nothing.}
  diff_mode: {support: full, description: Shows the availability before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Take the work of a node away
  sophia.platform.swarm_node:
    node: sophia-2
    availability: drain
  delegate_to: sophia-1
  register: drained

- name: Give the node back the availability that it had
  sophia.platform.swarm_node:
    node: sophia-2
    availability: "{{ drained.previous }}"
  delegate_to: sophia-1
"""

RETURN = r"""
previous:
  description: The availability that the node had. Told when the module fails too, once it is known.
  returned: when the engine is in a Swarm
  type: str
node_id:
  description: The node's id.
  returned: when the engine is in a Swarm
  type: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.availability import (
    AvailabilityError,
    Nodes,
    drain_problem,
    find,
)

SPEC = {
    "node": {"type": "str", "default": ""},
    "availability": {"type": "str", "choices": ["active", "pause", "drain"], "required": True},
    "steady_seconds": {"type": "int", "default": 0},
    "timeout_seconds": {"type": "int", "default": 300},
    "socket_path": {"type": "path", "default": "/var/run/docker.sock"},
}


def reconcile(module: AnsibleModule, told: dict) -> dict:
    """Find the node, refuse or change it, and wait; `told` keeps what is known if this fails."""
    options = module.params
    if not Path(options["socket_path"]).exists():
        return {"changed": False, "msg": "There is no Docker engine on this host, so it is in no Swarm."}
    nodes = Nodes(Engine(options["socket_path"]), options["timeout_seconds"])
    if nodes.own_state() == "inactive":
        return {"changed": False, "msg": "The Docker engine of this host is in no Swarm."}
    everyone = nodes.list()
    node = find(everyone, options["node"] or nodes.own_id())
    drain = options["availability"] == "drain"
    told.update(previous=node["availability"], node_id=node["id"])
    problem = drain_problem(everyone, node) if drain else ""
    if problem:
        raise AvailabilityError(problem)
    changed = node["availability"] != options["availability"]
    if changed and not module.check_mode:
        nodes.set(node["id"], options["availability"])
    if drain and not module.check_mode:
        nodes.wait_until_empty(node)
    if options["steady_seconds"] and not module.check_mode:
        nodes.wait_until_steady(node, options["steady_seconds"])
    sides = {"before": node["availability"], "after": options["availability"]}
    return {"changed": changed, "diff": {side: f"node {node['hostname']}: {text}\n" for side, text in sides.items()}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    told: dict = {}
    try:
        result = reconcile(module, told)
    except (AvailabilityError, EngineError) as error:
        module.fail_json(msg=str(error), **told)
    module.exit_json(**told, **result)


if __name__ == "__main__":
    main()
