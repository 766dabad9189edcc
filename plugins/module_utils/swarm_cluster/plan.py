# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides who makes the Swarm and who joins it, from what every host is. Pure.

A member is what the inventory says of a host together with what was seen there: `{name, role, address, labels,
availability, observed}`. `observed` is the answer of the module `engine_info`, or None when the host was not asked
(unreachable, or left out by --limit). Whatever is not understood is a problem, and then nothing is made or joined:
there is never a second Swarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.view import Member, View, swarm_of


def make_plan(members: Sequence[Member], check_mode: bool = False, remove_absent_nodes: bool = False) -> dict[str, Any]:
    """Return `{problems, cluster_id, manager, init, join, join_addresses, members}`.

    `manager` is the member through which the Swarm is changed, `init` the one that makes it (empty when there is one),
    `join` those that join, managers first. With any problem the rest is empty. In check mode a host without an engine
    counts as one that would join, provided nothing of an earlier Swarm is left on it.
    """
    view = View(members, check_mode)
    plan = {
        "problems": view.problems(remove_absent_nodes),
        "cluster_id": "",
        "manager": "",
        "init": "",
        "join": [],
        "join_addresses": [],
        "members": digest(members),
    }
    if plan["problems"]:
        return plan
    newcomers = sorted((member for member in members if view.is_fresh(member)), key=_managers_first)
    if view.quorate:
        first = view.quorate[0]
        plan["cluster_id"] = swarm_of(first)["cluster_id"]
        plan["join_addresses"] = [swarm_of(member)["node_address"] for member in view.quorate]
    else:
        first = newcomers.pop(0)
        plan["init"] = first["name"]
        plan["join_addresses"] = [first["address"]]
    plan["manager"] = first["name"]
    plan["join"] = [member["name"] for member in newcomers]
    return plan


def _managers_first(member: Member) -> bool:
    return member["role"] != "manager"


def digest(members: Sequence[Member]) -> list[dict[str, Any]]:
    """Give the members as `swarm_settings` takes them: what the inventory says, with node id and host name as seen."""
    keys = ("name", "role", "address", "labels", "availability")
    return [
        {
            **{key: member[key] for key in keys},
            "hostname": (member["observed"] or {}).get("hostname", ""),
            "node_id": swarm_of(member)["node_id"] if member["observed"] else "",
        }
        for member in members
    ]
