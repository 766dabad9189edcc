# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of an inventory, sorted by what they are, and what is wrong with them as a Swarm. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Member = Mapping[str, Any]

LEAVE = "`docker swarm leave --force`"
ADVICE = {
    "locked": "its Swarm keys are locked: unlock them with `docker swarm unlock` there",
    "pending": f"it is still joining a Swarm, or cannot reach one: see to its managers, or {LEAVE} there",
    "error": f"its membership is broken: repair what the error names, or {LEAVE} there",
}


class View:
    """Members (see `plan.make_plan`) in the groups that decisions are made of."""

    def __init__(self, members: Sequence[Member], check_mode: bool) -> None:
        self.check_mode = check_mode
        self.members = list(members)
        self.known = [member for member in members if member["observed"]]
        self.unknown = [member for member in members if not member["observed"]]
        self.active = [member for member in self.known if swarm_of(member)["state"] == "active"]
        self.managers = [member for member in self.active if swarm_of(member)["control_available"]]
        self.quorate = [member for member in self.managers if swarm_of(member)["quorum"]]
        self.nodes = {node["id"]: node for member in self.quorate for node in swarm_of(member)["nodes"]}

    def is_fresh(self, member: Member) -> bool:
        """Say whether a host is known to be in no Swarm."""
        if not member["observed"]:
            return False
        if not member["observed"]["answers"]:
            return self.check_mode and not member["observed"]["swarm_state_on_disk"]
        return swarm_of(member)["state"] == "inactive"

    def clusters(self) -> dict[str, list[str]]:
        """Give the Swarms that are known to be whole: id -> names of their managers."""
        found: dict[str, list[str]] = {}
        for member in self.quorate:
            found.setdefault(swarm_of(member)["cluster_id"], []).append(member["name"])
        return found

    def problems(self, remove_absent_nodes: bool) -> list[str]:
        """Name everything that a person has to look at before a Swarm is made, joined or changed."""
        found = self._silent() + self._broken() + self._without_quorum() + self._strangers() + self._moved()
        found += self._unreachable(remove_absent_nodes)
        if not any(member["role"] == "manager" for member in self.members):
            found.append("No host is in the group of managers: a Swarm needs one, better three.")
        if not found and not self.clusters() and self.unknown:
            found.append(
                f"No host that was asked is in a Swarm, but {names_of(self.unknown)} could not be asked and may be in "
                "one. Make every host reachable, and use no --limit, for the run that makes the Swarm."
            )
        return found

    def _silent(self) -> list[str]:
        return [
            f"{member['name']}: the Docker engine does not answer ({member['observed']['error']}). "
            "Run playbooks/hosts.yml first."
            for member in self.known
            if not member["observed"]["answers"] and not self.is_fresh(member)
        ]

    def _broken(self) -> list[str]:
        whole = "; ".join(f"{', '.join(names)} in Swarm {cluster}" for cluster, names in self.clusters().items())
        half = f" The Swarm is half formed: {whole}." if whole else ""
        return [
            f"{member['name']} is in state {swarm_of(member)['state']!r} "
            f"({swarm_of(member)['error'] or 'no error text'}): {ADVICE[swarm_of(member)['state']]}.{half}"
            for member in self.known
            if swarm_of(member)["state"] in ADVICE
        ]

    def _without_quorum(self) -> list[str]:
        return [
            f"{member['name']} ({swarm_of(member)['node_address']}) is a manager of a Swarm without quorum "
            f"({swarm_of(member)['error'] or 'no leader'}). It knows managers at "
            f"{', '.join(swarm_of(member)['manager_addresses'])}: bring these back. Only when they are lost for good, "
            "`docker swarm init --force-new-cluster` on one that is left."
            for member in self.managers
            if member not in self.quorate
        ]

    def _strangers(self) -> list[str]:
        clusters, problems = self.clusters(), []
        if len(clusters) > 1:
            listing = "; ".join(f"{', '.join(names)} in {cluster}" for cluster, names in clusters.items())
            problems.append(
                f"These hosts are in {len(clusters)} different Swarms: {listing}. "
                f"Decide which one stays and run {LEAVE} on the hosts of the other."
            )
        ours = f"ours is {', '.join(clusters)}" if clusters else "none of our hosts that was asked is one of these"
        return problems + [
            f"{member['name']} (node {swarm_of(member)['node_id']}) is a worker of another Swarm, with managers at "
            f"{', '.join(swarm_of(member)['manager_addresses'])}; {ours}. If it is to join, run {LEAVE} there first."
            for member in self.active
            if member not in self.managers and swarm_of(member)["node_id"] not in self.nodes
        ]

    def _moved(self) -> list[str]:
        return [
            f"{member['name']} takes part in its Swarm as {swarm_of(member)['node_address']}, the inventory says "
            f"{member['address']}. Addresses count only when a node joins: run {LEAVE} there, remove the old node "
            "(`docker node rm`), and run again."
            for member in self.active
            if member["address"] and swarm_of(member)["node_address"] not in ("", member["address"])
        ]

    def _unreachable(self, remove_absent_nodes: bool) -> list[str]:
        active = {swarm_of(member)["node_id"] for member in self.active}
        problems = []
        for node in self.nodes.values():
            if node["role"] != "manager" or node["reachability"] == "reachable" or node["id"] in active:
                continue
            host = next((member for member in self.members if node["address"] == member["address"]), None)
            if host is not None or not remove_absent_nodes:
                problems.append(
                    f"The manager {node['hostname']} ({node['address']}, node {node['id']}) is "
                    f"{node['reachability'] or 'not reachable'}: {self._why_unreachable(host, node['id'])}"
                )
        return problems

    def _why_unreachable(self, host: Member | None, node_id: str) -> str:
        removal = f"`docker node demote {node_id}` and `docker node rm --force {node_id}` on another manager"
        if host is None:
            return f"no host of the inventory is this node. Bring it back, or remove it with {removal}."
        if self.is_fresh(host):
            return f"{host['name']} has left the Swarm. Remove the old node with {removal}; then it can join again."
        return f"{host['name']} could not be asked either. Bring it back, or replace it: {removal}."


def swarm_of(member: Member) -> Mapping[str, Any]:
    """Give what was seen of a known member's Swarm."""
    return member["observed"]["swarm"]


def names_of(members: Sequence[Member]) -> str:
    """Give the members' names as text."""
    return ", ".join(member["name"] for member in members)
