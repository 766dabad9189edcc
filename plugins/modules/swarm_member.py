#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes this host the first manager of a new Swarm, or a member of one that exists."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_member
short_description: Make a Swarm with this host, or let it join one
version_added: "0.1.0"
description:
  - A host that is in no Swarm makes a new one (O(manager_addresses) empty) or joins, and the module waits until it is
    an active member, as a manager one that the others reach.
  - A host that is in a Swarm already stays as it is. Whether that is the right Swarm is decided before, from all hosts
    together, by P(sophia.platform.swarm_plan#filter).
options:
  role:
    description: What the host becomes. With a join, the token decides.
    type: str
    choices: [manager, worker]
    required: true
  manager_addresses:
    description: Managers to join. Empty makes a new Swarm.
    type: list
    elements: str
    default: []
  join_token:
    description: The token of the role.
    type: str
    default: ""
  advertise_address:
    description: Address under which the others reach this host. Empty lets the engine choose.
    type: str
    default: ""
  data_path_address:
    description: Address of the overlay networks' traffic. Empty is the advertised one.
    type: str
    default: ""
  data_path_port:
    description: UDP port of the overlay networks' traffic, for a new Swarm.
    type: int
    default: 4789
  listen_port:
    description: Port of the managers.
    type: int
    default: 2377
  address_pool:
    description: Network that overlay networks are cut from, for a new Swarm.
    type: str
    default: 10.200.0.0/16
  subnet_size:
    description: Prefix length of each overlay network, for a new Swarm.
    type: int
    default: 24
  timeout_seconds:
    description: How long to wait for the membership.
    type: int
    default: 90
  socket_path:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode: {support: full, description: Changes nothing; a host without an engine counts as one in no Swarm.}
  diff_mode: {support: full, description: Shows the membership before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Join as a manager
  sophia.platform.swarm_member:
    role: manager
    manager_addresses: [10.0.0.11]
    join_token: "{{ tokens.manager }}"
    advertise_address: 10.0.0.12
"""

RETURN = r"""
node_id:
  description: The host's node id; empty in check mode when it is in no Swarm.
  returned: always
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster import membership

SPEC = {
    "role": {"type": "str", "choices": ["manager", "worker"], "required": True},
    "manager_addresses": {"type": "list", "elements": "str", "default": []},
    "join_token": {"type": "str", "default": "", "no_log": True},
    "advertise_address": {"type": "str", "default": ""},
    "data_path_address": {"type": "str", "default": ""},
    "data_path_port": {"type": "int", "default": 4789},
    "listen_port": {"type": "int", "default": 2377},
    "address_pool": {"type": "str", "default": "10.200.0.0/16"},
    "subnet_size": {"type": "int", "default": 24},
    "timeout_seconds": {"type": "int", "default": 90},
    "socket_path": {"type": "path", "default": "/var/run/docker.sock"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = module.params
    engine = Engine(options["socket_path"], timeout_seconds=60)
    seen = membership.observe(engine)
    if not seen["answers"] and not module.check_mode:
        module.fail_json(msg=f"The Docker engine does not answer: {seen['error']}. Run the role docker first.")
    swarm = seen["swarm"]
    if swarm["state"] == "active":
        module.exit_json(changed=False, node_id=swarm["node_id"])
    if swarm["state"] != "inactive":
        module.fail_json(
            msg=f"This host's Swarm state is {swarm['state']!r} ({swarm['error']}); it cannot join from there."
        )
    step, after = membership.join, f"joins {', '.join(options['manager_addresses'])} as {options['role']}\n"
    if not options["manager_addresses"]:
        step, after = membership.init, "makes a new Swarm and is its first manager\n"
    if not module.check_mode:
        try:
            step(engine, options)
            swarm = membership.wait_until_member(engine, options["role"] == "manager", options["timeout_seconds"])
        except (EngineError, membership.MembershipError) as error:
            module.fail_json(msg=str(error))
    diff = {"before": "in no Swarm\n", "after": after}
    module.exit_json(changed=True, node_id=swarm["node_id"], diff=diff)


if __name__ == "__main__":
    main()
