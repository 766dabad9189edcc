# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides who makes the Swarm and who joins it, from what every host is. Pure.

A member is what the inventory says of a host together with what was seen there:
`{name, role, address, labels, availability, observed}`. `observed` is the answer of `engine_info`, or None when the
host was not asked (unreachable, or left out by --limit). Whatever is not understood is a problem: nothing is made or
joined then, so that there is never a second Swarm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

Member = Mapping[str, Any]

STATES_WITH_ADVICE = {
    "locked": "its Swarm keys are locked: unlock it with `docker swarm unlock`",
    "pending": "it is still joining a Swarm or cannot reach one: see to its managers, or `docker swarm leave --force` there",
    "error": "its Swarm membership is broken: repair what the error names, or `docker swarm leave --force` there",
}


@dataclass
class Plan:
    """Who does what. With any problem, the rest is empty."""

    problems: list[str] = field(default_factory=list)
    cluster_id: str = ""
    manager: str = ""
    init: str = ""
    join: list[str] = field(default_factory=list)
    join_addresses: list[str] = field(default_factory=list)
    members: list[dict[str, Any]] = field(default_factory=list)


def make_plan(members: Sequence[Member], check_mode: bool = False, remove_absent_nodes: bool = False) -> dict[str, Any]:
    """Return the fields of Plan as a mapping.

    In check mode a host without an engine counts as one that would join, provided nothing of an earlier Swarm is left.
    """
    view = _View(members, check_mode)
    problems = view.silent_engines() + view.broken_states() + view.lost_quorum() + view.foreigners()
    problems += view.moved() + view.unreachable_managers(remove_absent_nodes)
    clusters = view.clusters()
    if not any(member["role"] == "manager" for member in members):
        problems.append("No host is in the group of managers: a Swarm needs one, better three.")
    if not clusters and not problems:
        problems += view.unknown_while_none_is_known()
    if problems:
        return vars(Plan(problems=problems))
    newcomers = [member["name"] for member in members if view.is_fresh(member)]
    if not clusters:
        init = next(member["name"] for member in members if member["role"] == "manager")
        joining = [name for name in view.managers_first(newcomers) if name != init]
        addresses = [view.by_name[init]["address"]]
        return vars(Plan(manager=init, init=init, join=joining, join_addresses=addresses, members=digest(members)))
    seat = view.quorate[0]
    addresses = [member["observed"]["swarm"]["node_address"] for member in view.quorate]
    return vars(
        Plan(
            cluster_id=next(iter(clusters)),
            manager=seat["name"],
            join=view.managers_first(newcomers),
            join_addresses=addresses,
            members=digest(members),
        )
    )


def digest(members: Sequence[Member]) -> list[dict[str, Any]]:
    """Give the members as `swarm_settings` takes them: what the inventory says, with node id and host name as seen."""
    keys = ("name", "role", "address", "labels", "availability")
    return [
        {
            **{key: member[key] for key in keys},
            "hostname": (member["observed"] or {}).get("hostname", ""),
            "node_id": (member["observed"] or {}).get("swarm", {}).get("node_id", ""),
        }
        for member in members
    ]


class _View:
    """The hosts, sorted by what they are."""

    def __init__(self, members: Sequence[Member], check_mode: bool) -> None:
        self.check_mode = check_mode
        self.members = list(members)
        self.by_name = {member["name"]: member for member in members}
        self.unknown = [member for member in members if not member["observed"]]
        self.known = [member for member in members if member["observed"]]
        self.active = [member for member in self.known if self.state(member) == "active"]
        self.managers = [member for member in self.active if member["observed"]["swarm"]["control_available"]]
        self.quorate = [member for member in self.managers if member["observed"]["swarm"]["quorum"]]

    @staticmethod
    def state(member: Member) -> str:
        return member["observed"]["swarm"]["state"]

    def is_fresh(self, member: Member) -> bool:
        if not member["observed"]:
            return False
        if not member["observed"]["answers"]:
            return self.check_mode and not member["observed"]["swarm_state_on_disk"]
        return self.state(member) == "inactive"

    def managers_first(self, names: Sequence[str]) -> list[str]:
        return sorted(names, key=lambda name: self.by_name[name]["role"] != "manager")

    def clusters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for member in self.quorate:
            found.setdefault(member["observed"]["swarm"]["cluster_id"], []).append(member["name"])
        return found

    def nodes(self) -> dict[str, Mapping[str, Any]]:
        return {node["id"]: node for member in self.quorate for node in member["observed"]["swarm"]["nodes"]}

    def silent_engines(self) -> list[str]:
        return [
            f"{member['name']}: the Docker engine does not answer ({member['observed']['error']}). Run the role docker there first."
            for member in self.known
            if not member["observed"]["answers"] and not self.is_fresh(member)
        ]

    def broken_states(self) -> list[str]:
        rest = ", ".join(f"{name} in Swarm {cluster}" for cluster, names in self.clusters().items() for name in names)
        half = f" The Swarm is half formed: {rest}." if rest else ""
        return [
            f"{member['name']} is in state {self.state(member)!r} ({member['observed']['swarm']['error'] or 'no error text'}): "
            f"{STATES_WITH_ADVICE[self.state(member)]}.{half}"
            for member in self.known
            if self.state(member) in STATES_WITH_ADVICE
        ]

    def lost_quorum(self) -> list[str]:
        return [
            f"{member['name']} ({member['observed']['swarm']['node_address']}) is a manager without a quorum "
            f"({member['observed']['swarm']['error'] or 'no leader'}); it knows managers at "
            f"{', '.join(member['observed']['swarm']['manager_addresses'])}. Bring these back; only when they are lost for good, "
            f"`docker swarm init --force-new-cluster` on one that is left."
            for member in self.managers
            if member not in self.quorate
        ]

    def foreigners(self) -> list[str]:
        clusters, nodes, problems = self.clusters(), self.nodes(), []
        if len(clusters) > 1:
            listing = "; ".join(f"{', '.join(names)} in {cluster}" for cluster, names in clusters.items())
            problems.append(
                f"These hosts are in {len(clusters)} different Swarms: {listing}. Decide which one stays and run "
                "`docker swarm leave --force` on the hosts of the other."
            )
        for member in self.active:
            swarm = member["observed"]["swarm"]
            if member in self.managers or swarm["node_id"] in nodes:
                continue
            ours = f"ours is {', '.join(clusters)}" if clusters else "no host of the inventory that was asked is a manager of it"
            problems.append(
                f"{member['name']} (node {swarm['node_id']}) is a worker of another Swarm, with managers at "
                f"{', '.join(swarm['manager_addresses'])}; {ours}. If it is to join, run `docker swarm leave` on it first."
            )
        return problems

    def moved(self) -> list[str]:
        return [
            f"{member['name']} takes part in the Swarm as {member['observed']['swarm']['node_address']}, the inventory says "
            f"{member['address']}. Addresses count only when a node joins: let it leave (`docker swarm leave`) and join again."
            for member in self.active
            if member["address"] and member["observed"]["swarm"]["node_address"] not in ("", member["address"])
        ]

    def unreachable_managers(self, remove_absent_nodes: bool) -> list[str]:
        active = {member["observed"]["swarm"]["node_id"] for member in self.active}
        problems = []
        for node in self.nodes().values():
            if node["role"] != "manager" or node["reachability"] == "reachable" or node["id"] in active:
                continue
            host = next((member for member in self.members if node["address"] == member["address"]), None)
            if host is None and remove_absent_nodes:
                continue
            problems.append(
                f"The manager {node['hostname']} ({node['address']}, node {node['id']}) is {node['reachability']}: "
                + self._why_unreachable(host, node)
            )
        return problems

    def _why_unreachable(self, host: Member | None, node: Mapping[str, Any]) -> str:
        removal = f"`docker node demote {node['id']}` and `docker node rm --force {node['id']}` on a manager"
        if host is None:
            return f"no host of the inventory is this node. Bring it back, or remove it with {removal}."
        if self.is_fresh(host):
            return f"{host['name']} is no longer in a Swarm. Remove the old node with {removal}; then it can join again."
        return f"{host['name']} could not be asked either. Bring it back, or take it out of the inventory and use {removal}."

    def unknown_while_none_is_known(self) -> list[str]:
        if not self.unknown:
            return []
        names = ", ".join(member["name"] for member in self.unknown)
        return [
            f"No host that was asked is in a Swarm, but {names} could not be asked and may be in one. "
            "Make every host reachable (and use no --limit) for the first run."
        ]
