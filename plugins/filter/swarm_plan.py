# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides who makes a Swarm and who joins it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: swarm_plan
short_description: Decide who makes the Swarm and who joins it
version_added: "0.1.0"
description:
  - Compares what every host is with what it should be. A half-formed Swarm, two Swarms, a host that belongs to another
    one, a manager that cannot be reached or a lost quorum are problems, and nothing else is planned then.
  - As long as a host could not be asked, no new Swarm is made.
positional: check_mode, remove_absent_nodes
options:
  _input:
    description: The members, as P(sophia.platform.swarm_members#filter) gives them.
    type: list
    elements: dict
    required: true
  check_mode:
    description: Whether a host without an engine counts as one that will have one.
    type: bool
    default: false
  remove_absent_nodes:
    description: Whether nodes that are no member will be removed, so that an unreachable one among them is no problem.
    type: bool
    default: false
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Refuse what is not understood
  ansible.builtin.assert:
    that: (swarm_members | sophia.platform.swarm_plan).problems == []
"""

RETURN = r"""
_value:
  description: >-
    C(problems), C(cluster_id), C(manager) (the member through which the Swarm is changed), C(init) (who makes it, if
    anyone), C(join) (who joins, managers first), C(join_addresses) and C(members) (as
    M(sophia.platform.swarm_settings) takes them).
  type: dict
"""

from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.plan import make_plan


class FilterModule:
    """The filter."""

    def filters(self) -> dict:
        """Give the filter by name."""
        return {"swarm_plan": make_plan}
