#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what may reach a host and its containers, without locking out whoever runs it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_firewall
short_description: Filter what reaches a host and its containers, and set sshd's rules, under a lock-out guard
version_added: "0.1.0"
description:
  - Owns the nft table C(inet sophia), the chains C(SOPHIA-DOCKER) below Docker's C(DOCKER-USER), the units that load
    both at boot and with the engine, and sshd's drop-in C(00-sophia.conf). Touches no other rule, and flushes nothing.
  - Judges everything before anything is changed, the rules by C(nft -c), C(iptables-restore --test) and by loading them
    into an empty network namespace, sshd's files as a whole by C(sshd -t). All problems come at once.
  - Compares with what is loaded, not only with files. A table or a chain that somebody emptied is put back.
  - Keeps the old state and starts a timer of systemd before it changes anything. Unless a later call with O(confirm)
    over a new connection stops it, the timer puts the old state back. A boot under a guard does so too.
  - Refuses rules that shut out the SSH connection that it runs over, and sshd settings that shut out its user.
  - A call while an earlier change waits for its confirmation waits for the end of that first.
  - Installs the package C(nftables) where it is missing.
options:
  enabled:
    description: Whether there are rules at all. V(false) takes everything of ours away, under the same guard.
    type: bool
    default: true
  confirm:
    description: Keep the change that waits for its confirmation. All other options are then left alone.
    type: bool
    default: false
  published:
    description: Ports of containers that are open. The same port with different sources is refused.
    type: list
    elements: dict
    default: []
    suboptions: &opening
      port: {description: The port., type: int, required: true}
      protocol: {description: V(tcp) or V(udp)., type: str, default: tcp}
      sources: {description: Networks in CIDR form. None means everyone., type: list, elements: str, default: []}
      service: {description: Whose port it is, type: str, default: ""}
  allow:
    description: Ports of the host's own programs that are open.
    type: list
    elements: dict
    default: []
    suboptions: *opening
  peers:
    description: Addresses of all hosts of the Swarm, this one included. Its ports are open to them only.
    type: list
    elements: str
    default: []
  is_manager:
    description: Whether the port of Swarm's managers is open to the peers.
    type: bool
    default: false
  data_path_port:
    description: UDP port of overlay networks.
    type: int
    default: 4789
  encrypted:
    description: Whether encrypted overlay networks (ESP) get in from the peers.
    type: bool
    default: false
  interfaces:
    description: Interfaces that are filtered. None means those that carry a default route.
    type: list
    elements: str
    default: []
  replace_nftables_service:
    description: Whether the distribution's C(nftables.service) may be disabled. Never stopped, for that flushes all.
    type: bool
    default: false
  ssh_port:
    description: Port of sshd.
    type: int
    default: 22
  ssh_sources:
    description: Networks that SSH is open to.
    type: list
    elements: str
    default: [0.0.0.0/0, "::/0"]
  ssh_users:
    description: Users that may log in. None means all.
    type: list
    elements: str
    default: []
  ssh_permit_root:
    description: Whether root may log in, in sshd's words.
    type: str
    choices: ["no", prohibit-password, forced-commands-only, "yes"]
    default: "no"
  ssh_settings:
    description: Other keys of sshd's configuration. Lists are written with blanks between.
    type: dict
    default: {}
  guard_seconds:
    description: How long a change waits for its confirmation.
    type: int
    default: 60
attributes:
  check_mode: {support: full, description: Judges everything and changes nothing.}
  diff_mode: {support: full, description: Shows files and what is loaded before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Filter
  sophia.platform.host_firewall:
    published:
      - {port: 443, protocol: tcp, service: edge}
      - {port: 5432, protocol: tcp, sources: [10.0.0.0/8], service: postgres}
    peers: [10.0.0.11, 10.0.0.12]
    is_manager: true
  register: firewall

- name: Open a new connection
  ansible.builtin.meta: reset_connection

- name: Keep it
  sophia.platform.host_firewall:
    confirm: true
"""

RETURN = r"""
guard:
  description: Whether a change waits for its confirmation now.
  returned: always
  type: bool
uplinks:
  description: The interfaces that are filtered.
  returned: when not confirming
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.firewall import guard, reconcile, view
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError

OPENING = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "default": "tcp"},
    "sources": {"type": "list", "elements": "str", "default": []},
    "service": {"type": "str", "default": ""},
}
OPENINGS = {"type": "list", "elements": "dict", "default": [], "options": OPENING}
STRINGS = {"type": "list", "elements": "str", "default": []}
SPEC = {
    "enabled": {"type": "bool", "default": True},
    "confirm": {"type": "bool", "default": False},
    "published": OPENINGS,
    "allow": OPENINGS,
    "peers": STRINGS,
    "is_manager": {"type": "bool", "default": False},
    "data_path_port": {"type": "int", "default": 4789},
    "encrypted": {"type": "bool", "default": False},
    "interfaces": STRINGS,
    "replace_nftables_service": {"type": "bool", "default": False},
    "ssh_port": {"type": "int", "default": 22},
    "ssh_sources": {**STRINGS, "default": ["0.0.0.0/0", "::/0"]},
    "ssh_users": STRINGS,
    "ssh_permit_root": {
        "type": "str",
        "choices": ["no", "prohibit-password", "forced-commands-only", "yes"],
        "default": "no",
    },
    "ssh_settings": {"type": "dict", "default": {}},
    "guard_seconds": {"type": "int", "default": 60},
}


def confirm(module: AnsibleModule) -> dict:
    """Keep a change. The host stays as it is, so nothing has changed."""
    if not module.check_mode:
        client = view.client()
        guard.confirm(client.connection if client else "")
    return {"changed": False, "guard": guard.pending() is not None}


def converge(module: AnsibleModule) -> dict:
    """Compare, and change under the guard."""
    waiting = guard.pending()
    if module.check_mode and waiting:
        module.warn(f"An earlier change waits for its confirmation, for {waiting.left_seconds} s more; it is compared.")
    for text in [] if module.check_mode else guard.settle():
        module.warn(text)
    change = reconcile.plan(module.params)
    if guard.taken_back():
        module.warn(f"An earlier change was taken back at {guard.taken_back()} (host time): nothing had confirmed it.")
        if not module.check_mode:
            guard.told()
    for text in change.warnings:
        module.warn(text)
    if change.is_needed and not module.check_mode:
        reconcile.apply(change, module.params)
    return {
        "changed": change.is_needed,
        "guard": guard.pending() is not None,
        "uplinks": change.uplinks,
        "diff": change.described(),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = confirm(module) if module.params["confirm"] else converge(module)
    except reconcile.Refused as error:
        module.fail_json(msg=f"Nothing was changed.\n{error}", problems=error.problems)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
