# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node of a Swarm may be drained, and what still runs on it. Pure, but for `Nodes`, which asks a manager."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.membership import summarise

POLL_SECONDS = 1.0
ENDED = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")

Node = Mapping[str, Any]


class AvailabilityError(Exception):
    """A node's availability was not changed, or its tasks did not end; the text says why and what to do."""


def find(nodes: Sequence[Node], wanted: str) -> Node:
    """Find a node by its id, or by a host name that only one node has."""
    found = [node for node in nodes if node["id"] == wanted] or [node for node in nodes if node["hostname"] == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{node['hostname']} ({node['id']})" for node in nodes)
    what = f"{len(found)} nodes have the host name {wanted}; use the node id" if found else f"no node is {wanted}"
    raise AvailabilityError(f"In this Swarm {what}. Its nodes: {names}.")


def drain_problem(nodes: Sequence[Node], node: Node) -> str:
    """Say why a node may not be taken away for a while; empty when it may.

    The only manager may: its Swarm does without one for that while, and no vote is lost.
    """
    others = [other for other in nodes if other["role"] == "manager" and other["id"] != node["id"]]
    if node["role"] != "manager" or not others:
        return ""
    down = [other["hostname"] for other in others if other["reachability"] != "reachable"]
    quorum = (len(others) + 1) // 2 + 1
    if down:
        return (
            f"{node['hostname']} is a manager and is not drained: the manager{'s' if len(down) > 1 else ''} "
            f"{', '.join(down)} cannot be reached, and while {node['hostname']} is away {len(others) - len(down)} of "
            f"{len(others) + 1} would be left; the quorum is {quorum}. Bring {', '.join(down)} back first."
        )
    if len(others) < quorum:
        return (
            f"{node['hostname']} is a manager and is not drained: while it is away {len(others)} of {len(others) + 1} "
            f"managers would be left, and the quorum is {quorum}. Have three managers, or one, and run again."
        )
    return ""


def unready(nodes: Sequence[Node]) -> list[str]:
    """Name the nodes that are not ready, and the managers that the others do not reach."""
    return sorted(
        node["hostname"]
        for node in nodes
        if node["state"] != "ready" or (node["role"] == "manager" and node["reachability"] != "reachable")
    )


def running(tasks: Sequence[Mapping[str, Any]], services: Mapping[str, str]) -> list[str]:
    """Name the tasks that have not ended, as `service.slot` or `service` on every node."""
    names = []
    for task in tasks:
        if task["Status"]["State"] not in ENDED:
            service = services.get(task.get("ServiceID", ""), task.get("ServiceID", "") or task["ID"])
            names.append(f"{service}.{task['Slot']}" if task.get("Slot") else service)
    return sorted(names)


class Nodes:
    """The nodes of the Swarm behind an engine. Patient: a manager that has just started answers late."""

    def __init__(self, engine: Engine, timeout_seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self.engine, self.swarm = engine, Swarm(engine)
        self.deadline, self.timeout_seconds, self.sleep = time.monotonic() + timeout_seconds, timeout_seconds, sleep

    def own_state(self) -> str:
        """What the engine is in its Swarm: inactive, active, pending, locked or error."""
        return self._patiently(lambda: self.engine.get("/info")).get("Swarm", {}).get("LocalNodeState") or "inactive"

    def own_id(self) -> str:
        """The engine's own node."""
        return self.engine.get("/info")["Swarm"]["NodeID"]

    def list(self) -> list[dict[str, Any]]:
        """All nodes."""
        return [summarise(node) for node in self._patiently(self.swarm.nodes)]

    def set(self, node_id: str, availability: str) -> None:
        """Give a node an availability; a change by someone else in between is no error."""

        def update() -> None:
            node = self.engine.get(f"/nodes/{node_id}")
            spec = {**node["Spec"], "Availability": availability}
            self.engine.post(f"/nodes/{node_id}/update", spec, version=node["Version"]["Index"])

        self._patiently(update)

    def wait_until_empty(self, node: Node) -> None:
        """Wait until no task of the node runs."""
        while True:
            tasks = self._patiently(lambda: self.swarm.tasks(filters={"node": [node["id"]]}))
            services = {service["ID"]: service["Spec"]["Name"] for service in self._patiently(self.swarm.services)}
            left = running(tasks, services)
            if not left:
                return
            if time.monotonic() >= self.deadline:
                raise AvailabilityError(
                    f"After {self.timeout_seconds:g} s these tasks still run on {node['hostname']}: {', '.join(left)}. "
                    "See their stop_grace_period and `docker node ps`, or wait longer."
                )
            self.sleep(POLL_SECONDS)

    def wait_until_steady(self, node: Node, seconds: float) -> None:
        """Wait until the node, and all that were ready, have been ready for so long without a break."""
        given_up = set(unready(self.list())) - {node["hostname"]}
        since = time.monotonic()
        while time.monotonic() - since < seconds:
            waited_for = sorted(set(unready(self.list())) - given_up)
            if waited_for and time.monotonic() >= self.deadline:
                raise AvailabilityError(
                    f"{', '.join(waited_for)} did not stay ready for {seconds:g} s within {self.timeout_seconds:g} s. "
                    "See `docker node ls` and `journalctl -u docker` there; no other host should be taken away now."
                )
            since = time.monotonic() if waited_for else since
            self.sleep(POLL_SECONDS)

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        while True:
            try:
                return ask()
            except EngineError as error:
                if 0 < error.status < 500 or time.monotonic() >= self.deadline:
                    raise
            self.sleep(POLL_SECONDS)
