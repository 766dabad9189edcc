# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts together what the inventory says of hosts and what was seen there."""

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_members
short_description: What the inventory says of hosts, with what was seen there
version_added: "0.1.0"
description:
  - Gives one entry a host, for a playbook that registered M(sophia.platform.engine_info) as C(swarm_observed).
  - Of each host's variables it reads C(private_address), C(swarm_labels), C(swarm_availability), C(swarm_observed) and
    C(gpu_count), for a host with GPUs gets the label C(gpu=true).
positional: hostvars, managers
options:
  _input:
    description: Names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The magic variable of this name.
    type: dict
    required: true
  managers:
    description: Names of those that are managers. The others are workers.
    type: list
    elements: str
    required: true
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Show what is known
  ansible.builtin.debug:
    msg: "{{ groups['swarm'] | sophia.platform.swarm_members(hostvars, groups['managers']) }}"
"""

RETURN = r"""
_value:
  description: >-
    A mapping a host with C(name), C(role), C(address), C(labels), C(availability) and C(observed) (null when it was
    not asked).
  type: list
  elements: dict
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.labels import node_labels


def swarm_members(names: Sequence[str], hostvars: Mapping[str, Any], managers: Sequence[str]) -> list[dict[str, Any]]:
    """Return one mapping a host."""
    return [_member(name, hostvars[name], name in managers) for name in names]


def _member(name: str, variables: Mapping[str, Any], manager: bool) -> dict[str, Any]:
    observed = variables.get("swarm_observed") or {}
    return {
        "name": name,
        "role": "manager" if manager else "worker",
        "address": variables.get("private_address", ""),
        "labels": node_labels(variables),
        "availability": variables.get("swarm_availability", "active"),
        "observed": observed if "answers" in observed else None,
    }


class FilterModule:
    """The filter."""

    def filters(self) -> dict:
        """Give the filter by name."""
        return {"swarm_members": swarm_members}
