# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a Swarm's nodes, networks and settings to what the inventory says, through one manager."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster import settings

POLL_SECONDS = 0.5
ATTEMPTS_COUNT = 5


def read(engine: Engine) -> dict[str, Any]:
    """Read all that the plan compares."""
    return {
        "swarm": engine.get("/swarm"),
        "nodes": engine.get("/nodes"),
        "networks": engine.get("/networks", filters={"driver": ["overlay"]}),
    }


def predicted(have: Mapping[str, Any] | None, members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add, for check mode, the nodes that would have joined; without a Swarm everything is still to be made."""
    nodes = list(have["nodes"]) if have else []
    _, missing = settings.find_nodes(members, nodes)
    for member in members:
        if member["name"] in missing:
            nodes.append(
                {
                    "ID": f"new-{member['name']}",
                    "Version": {"Index": 0},
                    "Spec": {"Role": member["role"], "Availability": "active", "Labels": {}},
                    "Description": {"Hostname": member["name"]},
                    "Status": {"State": "ready", "Addr": member["address"]},
                }
            )
    swarm = have["swarm"] if have else {"ID": "", "Version": {"Index": 0}, "Spec": {}}
    return {"swarm": swarm, "nodes": nodes, "networks": have["networks"] if have else []}


def make_plan(have: Mapping[str, Any], want: Mapping[str, Any]) -> settings.Plan:
    """Plan everything: the Swarm's settings, then nodes, then networks."""
    parts = [
        settings.plan_cluster(want, have["swarm"]),
        settings.plan_nodes(want["members"], have["nodes"], want["remove_absent_nodes"]),
        settings.plan_networks(want["networks"], have["networks"]),
    ]
    return settings.Plan(
        changes=[change for part in parts for change in part.changes],
        problems=[problem for part in parts for problem in part.problems],
    )


def apply(engine: Engine, plan: settings.Plan, want: Mapping[str, Any]) -> None:
    """Send the plan's requests. When someone else wrote in between, read and plan again."""
    for attempt in range(ATTEMPTS_COUNT):
        try:
            for change in plan.changes:
                _send(engine, change)
            return
        except EngineError as error:
            if "out of sequence" not in error.message or attempt == ATTEMPTS_COUNT - 1:
                raise
            plan = make_plan(read(engine), want)


def _send(engine: Engine, change: settings.Change) -> None:
    if change.method == "POST":
        engine.post(change.path, change.body, **change.query)
        return
    for attempt in range(ATTEMPTS_COUNT):  # a manager that was just demoted takes a moment to become a worker
        try:
            engine.delete(change.path, **change.query)
            return
        except EngineError:
            if attempt == ATTEMPTS_COUNT - 1:
                raise
            time.sleep(1)


def wait_until_fulfilled(
    engine: Engine, members: Sequence[Mapping[str, Any]], timeout_seconds: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Wait until every member is a ready node of its role; returns the nodes and what is still missing."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        nodes = engine.get("/nodes")
        problems = settings.unfulfilled(members, nodes)
        if not problems or time.monotonic() >= deadline:
            return nodes, problems
        time.sleep(POLL_SECONDS)
