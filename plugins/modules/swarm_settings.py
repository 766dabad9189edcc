#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a Swarm its node labels, roles, availability, overlay networks and settings in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_settings
short_description: Node labels, roles, overlay networks and settings of a Swarm
version_added: "0.1.0"
description:
  - Runs on one manager, once for the whole Swarm. Reads everything, plans, and writes only what differs.
  - Settings that it is not told about, such as autolock, stay as they are.
  - What Docker cannot change (options of a network, address pools) is an error, and nothing is written then.
options:
  members:
    description: The nodes that should be there.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: The host's name in the inventory., type: str, required: true}
      role: {description: Its role., type: str, choices: [manager, worker], required: true}
      address: {description: The address it takes part with., type: str, default: ""}
      hostname: {description: Its host name., type: str, default: ""}
      node_id: {description: Its node id when known., type: str, default: ""}
      labels: {description: All labels it should have. Others are removed., type: dict, default: {}}
      availability: {description: Whether it gets tasks., type: str, choices: [active, pause, drain], default: active}
  networks:
    description:
      - Overlay networks by name. Options are C(encrypted), C(internal), C(attachable) (all false by default) and C(mtu)
        (Docker's own by default).
    type: dict
    default: {}
  task_history_limit:
    description: How many old tasks of each slot are kept.
    type: int
    default: 10
  address_pool:
    description: The network that overlay networks should be cut from. It is only compared.
    type: str
    default: 10.200.0.0/16
  subnet_size:
    description: Their prefix length. It is only compared.
    type: int
    default: 24
  remove_absent_nodes:
    description: Whether nodes that are no member are removed. One that still runs is an error.
    type: bool
    default: false
  timeout_seconds:
    description: How long to wait until every member is ready.
    type: int
    default: 60
  socket_path:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode: {support: full, description: Changes nothing; without a Swarm it predicts what a new one would get.}
  diff_mode: {support: full, description: Shows every changed thing before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Label the nodes and make the networks
  sophia.platform.swarm_settings:
    members:
      - {name: sophia-1, role: manager, address: 10.0.0.11, labels: {postgres: "1"}}
    networks:
      data: {encrypted: true, internal: true}
"""

RETURN = r"""
changes:
  description: What was, or would be, changed.
  returned: always
  type: list
  elements: str
nodes:
  description: The nodes afterwards.
  returned: always
  type: list
  elements: dict
cluster_id:
  description: The Swarm's id; empty when check mode found none.
  returned: always
  type: str
problems:
  description: Members that are not ready, as sentences. Empty in check mode.
  returned: always
  type: list
  elements: str
"""

import json

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster import reconcile
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.membership import summarise

MEMBER = {
    "name": {"type": "str", "required": True},
    "role": {"type": "str", "choices": ["manager", "worker"], "required": True},
    "address": {"type": "str", "default": ""},
    "hostname": {"type": "str", "default": ""},
    "node_id": {"type": "str", "default": ""},
    "labels": {"type": "dict", "default": {}},
    "availability": {"type": "str", "choices": ["active", "pause", "drain"], "default": "active"},
}
SPEC = {
    "members": {"type": "list", "elements": "dict", "required": True, "options": MEMBER},
    "networks": {"type": "dict", "default": {}},
    "task_history_limit": {"type": "int", "default": 10},
    "address_pool": {"type": "str", "default": "10.200.0.0/16"},
    "subnet_size": {"type": "int", "default": 24},
    "remove_absent_nodes": {"type": "bool", "default": False},
    "timeout_seconds": {"type": "int", "default": 60},
    "socket_path": {"type": "path", "default": "/var/run/docker.sock"},
}


def read(module: AnsibleModule, engine: Engine) -> dict:
    """Read the Swarm; in check mode with what it would have become."""
    try:
        have = reconcile.read(engine)
    except EngineError as error:
        if not module.check_mode or error.status not in (0, 503):
            raise
        have = None
    return reconcile.predicted(have, module.params["members"]) if module.check_mode else have


def run(module: AnsibleModule) -> dict:
    """Read, plan, write, wait."""
    want, engine = module.params, Engine(module.params["socket_path"])
    have = read(module, engine)
    plan = reconcile.make_plan(have, want)
    if plan.problems:
        module.fail_json(msg=" ".join(plan.problems))
    nodes, problems = have["nodes"], []
    if not module.check_mode:
        reconcile.apply(engine, plan, want)
        nodes, problems = reconcile.wait_until_fulfilled(engine, want["members"], want["timeout_seconds"])
    sides = {
        side: "".join(
            f"{change.what}: {json.dumps(getattr(change, side), sort_keys=True)}\n" for change in plan.changes
        )
        for side in ("before", "after")
    }
    return {
        "changed": bool(plan.changes),
        "changes": [change.what for change in plan.changes],
        "nodes": [] if module.check_mode else [summarise(node) for node in nodes],
        "cluster_id": have["swarm"]["ID"],
        "problems": problems,
        "diff": sides,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = run(module)
    except EngineError as error:
        module.fail_json(msg=f"The Swarm's manager refused a request: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
