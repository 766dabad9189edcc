# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares a Swarm's nodes, networks and settings with what they should be. Pure: API answers in, requests out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MTU_OPTION = "com.docker.network.driver.mtu"


@dataclass(frozen=True)
class Change:
    """One request to a manager, with its text for people."""

    what: str
    before: Any
    after: Any
    method: str
    path: str
    query: Mapping[str, Any]
    body: Any = None


@dataclass
class Plan:
    """The requests, in order, and what only a person can put right."""

    changes: list[Change] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def node_address(node: Mapping[str, Any]) -> str:
    """Give the address a node takes part with."""
    manager = (node.get("ManagerStatus") or {}).get("Addr", "")
    return manager.rsplit(":", 1)[0].strip("[]") or node.get("Status", {}).get("Addr", "")


def find_nodes(
    members: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    """Match members to nodes by node id, address and host name, in this order; also returns the members left over."""
    found: dict[str, Mapping[str, Any]] = {}
    ready_first = sorted(nodes, key=lambda node: node["Status"].get("State") != "ready")
    for member in members:
        tests = (
            lambda node, member=member: bool(member.get("node_id")) and node["ID"] == member["node_id"],
            lambda node, member=member: bool(member.get("address")) and node_address(node) == member["address"],
            lambda node, member=member: node["Description"]["Hostname"] in (member.get("hostname"), member["name"]),
        )
        match = next((node for test in tests for node in ready_first if test(node)), None)
        if match is not None:
            found[member["name"]] = match
    return found, [member["name"] for member in members if member["name"] not in found]


def plan_nodes(
    members: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]], remove_absent_nodes: bool
) -> Plan:
    """Plan labels, roles and availability, promotions first; and the removal of nodes that are no member."""
    plan = Plan()
    found, _ = find_nodes(members, nodes)
    updates: list[tuple[bool, Change]] = []
    for member in members:
        node = found.get(member["name"])
        if node is None:
            continue
        spec = node["Spec"]
        want = {
            **spec,
            "Labels": {key: str(value) for key, value in (member.get("labels") or {}).items()},
            "Role": member["role"],
            "Availability": member.get("availability") or "active",
        }
        before = {key: spec.get(key) or {} for key in ("Role", "Availability", "Labels")}
        after = {key: want[key] for key in before}
        if before != after:
            demotion = before["Role"] == "manager" and after["Role"] == "worker"
            updates.append((demotion, _node_update(member["name"], node, before, after, want)))
    plan.changes = [change for _, change in sorted(updates, key=lambda pair: pair[0])]
    if remove_absent_nodes:
        kept = {node["ID"] for node in found.values()}
        _plan_removals(plan, [node for node in nodes if node["ID"] not in kept])
    return plan


def _plan_removals(plan: Plan, absent: Sequence[Mapping[str, Any]]) -> None:
    for node in absent:
        name = node["Description"]["Hostname"] or node["ID"]
        if node["Status"].get("State") == "ready":
            plan.problems.append(
                f"Node {name} ({node['ID']}) is in no inventory but still runs. "
                "Drain it, `docker swarm leave` on it, then run again."
            )
            continue
        if node["Spec"]["Role"] == "manager":
            demoted = {**node["Spec"], "Role": "worker"}
            plan.changes.append(_node_update(name, node, "manager", "worker", demoted))
        path = f"/nodes/{node['ID']}"
        plan.changes.append(Change(f"node {name}", "down", "absent", "DELETE", path, {"force": "true"}))


def _node_update(name: str, node: Mapping[str, Any], before: Any, after: Any, spec: Mapping[str, Any]) -> Change:
    query = {"version": node["Version"]["Index"]}
    return Change(f"node {name}", before, after, "POST", f"/nodes/{node['ID']}/update", query, spec)


def plan_networks(wanted: Mapping[str, Mapping[str, Any]], networks: Sequence[Mapping[str, Any]]) -> Plan:
    """Plan overlay networks. One that exists with other options is a problem, for Docker ignores the change."""
    plan = Plan()
    have = {network["Name"]: network for network in networks if network.get("Scope") == "swarm"}
    for name, options in wanted.items():
        want = {
            "driver": "overlay",
            "encrypted": bool(options.get("encrypted", False)),
            "internal": bool(options.get("internal", False)),
            "attachable": bool(options.get("attachable", False)),
            "mtu": int(options.get("mtu", 0)),
        }
        if name not in have:
            plan.changes.append(
                Change(f"network {name}", "absent", want, "POST", "/networks/create", {}, _network_body(name, want))
            )
            continue
        now = _network_state(have[name])
        wrong = [f"{key} is {now[key]} and should be {value}" for key, value in want.items() if now[key] != value]
        if wrong:
            plan.problems.append(
                f"Network {name}: {', '.join(wrong)}. Docker cannot change a network: remove the stacks that use it, "
                f"`docker network rm {name}`, and run again."
            )
    return plan


def _network_state(network: Mapping[str, Any]) -> dict[str, Any]:
    options = network.get("Options") or {}
    return {
        "driver": network.get("Driver"),
        "encrypted": "encrypted" in options and options["encrypted"].lower() not in ("false", "0"),
        "internal": bool(network.get("Internal")),
        "attachable": bool(network.get("Attachable")),
        "mtu": int(options.get(MTU_OPTION, 0)),
    }


def _network_body(name: str, want: Mapping[str, Any]) -> dict[str, Any]:
    options = {"encrypted": ""} if want["encrypted"] else {}
    if want["mtu"]:
        options[MTU_OPTION] = str(want["mtu"])
    return {
        "Name": name,
        "Driver": want["driver"],
        "Internal": want["internal"],
        "Attachable": want["attachable"],
        "Options": options,
        "CheckDuplicate": True,
    }


def plan_cluster(wanted: Mapping[str, Any], swarm: Mapping[str, Any]) -> Plan:
    """Plan the Swarm's own settings (`task_history_limit`, `address_pool`, `subnet_size`). The rest stays as it is."""
    plan = Plan()
    spec = swarm["Spec"]
    history = (spec.get("Orchestration") or {}).get("TaskHistoryRetentionLimit")
    if history != wanted["task_history_limit"]:
        body = {
            **spec,
            "Orchestration": {
                **(spec.get("Orchestration") or {}),
                "TaskHistoryRetentionLimit": wanted["task_history_limit"],
            },
        }
        query = {"version": swarm["Version"]["Index"]}
        limit = wanted["task_history_limit"]
        plan.changes.append(Change("task history limit", history, limit, "POST", "/swarm/update", query, body))
    pools, size = swarm.get("DefaultAddrPool") or [], swarm.get("SubnetSize")
    if pools and (pools, size) != ([wanted["address_pool"]], wanted["subnet_size"]):
        plan.problems.append(
            f"The Swarm {swarm['ID']} cuts its overlay networks of /{size} from {', '.join(pools)}; the inventory says "
            f"/{wanted['subnet_size']} from {wanted['address_pool']}. That is fixed when a Swarm is made: "
            "make the inventory say what is there."
        )
    return plan


def unfulfilled(members: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name every member that is not (yet) a node, ready, of the wanted role, and reachable if it is a manager."""
    found, missing = find_nodes(members, nodes)
    problems = [f"{name} is no node of the Swarm" for name in missing]
    for member in members:
        node = found.get(member["name"])
        if node is None:
            continue
        state = node["Status"].get("State")
        reachability = (node.get("ManagerStatus") or {}).get("Reachability", "none")
        if state != "ready":
            problems.append(f"{member['name']} is {state} ({node['Status'].get('Message') or 'no message'})")
        elif member["role"] == "manager" and reachability != "reachable":
            problems.append(f"{member['name']} is not reachable as a manager ({reachability})")
        elif member["role"] == "worker" and node.get("ManagerStatus"):
            problems.append(f"{member['name']} is still a manager")
    return problems
