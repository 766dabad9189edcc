# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a stack: services, its networks, and the secrets, configs and release records kept for it. Volumes stay."""

from __future__ import annotations

import time

from ansible_collections.sophia.platform.plugins.module_utils.swarm import lock, networks, objects, release
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError, SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm
from ansible_collections.sophia.platform.plugins.module_utils.swarm.watch import described

POLL_SECONDS = 0.5
OVER = ("complete", "shutdown", "failed", "rejected", "remove", "orphaned")


def predict(swarm: Swarm, stack: str) -> dict:
    """What a removal would do; without a Swarm there is nothing to remove."""
    try:
        return _result(stack, *_found(swarm, stack))
    except EngineError as error:
        if error.status not in (0, 503):
            raise
        return _result(stack, [], [], [])


def apply(swarm: Swarm, stack: str, timeout_seconds: float, lock_timeout_seconds: float) -> dict:
    """Remove the stack and wait until its tasks are gone. Raises SwarmError that names what is left."""
    result = _result(stack, *_found(swarm, stack))
    if not result["changed"]:
        return result
    with lock.held(swarm, f"swarm_stack name={stack} state=absent", lock_timeout_seconds) as held:
        services, _own, _kept = _found(swarm, stack)
        for service in services:
            swarm.remove("services", service["ID"])
        _wait(swarm, [service["ID"] for service in services], timeout_seconds, held, result)
        left = networks.remove_all_but(swarm, stack, ())
        if left:
            raise SwarmError("\n".join(left), result)
        for record in release.load(swarm, stack):
            swarm.remove("configs", record["id"])
        objects.prune(swarm, stack, swarm.services(), release.load(swarm))
    return result


def _found(swarm: Swarm, stack: str) -> tuple[list[dict], list[dict], list[dict]]:
    """The stack's services, its own networks, and what is kept for it and used by nobody else."""
    services = swarm.services(stack)
    own = networks.own(swarm, stack)
    others = [one for one in swarm.services() if one["ID"] not in {service["ID"] for service in services}]
    records = [record for record in release.load(swarm) if record["stack"] != stack]
    kept = [one for one in swarm.objects("configs", {objects.STACK_LABEL: stack, objects.KIND_LABEL: "release"})]
    for kind in objects.KINDS:
        kept += objects.unused(swarm.objects(kind, {objects.STACK_LABEL: stack}), kind, stack, others, records)
    return services, own, kept


def _result(stack: str, services: list[dict], own: list[dict], kept: list[dict]) -> dict:
    plan = [
        {"service": specs.short_name(service, stack), "action": "remove", "why": "state is absent", "downtime": True}
        for service in services
    ]
    return {
        "changed": bool(services or own or kept),
        "plan": plan,
        "release": 0,
        "images": {},
        "drift": [],
        "notes": [],
        "removed": sorted(one["Spec"]["Name"] for one in kept) + sorted(network["Name"] for network in own),
    }


def _wait(swarm: Swarm, identifiers: list[str], timeout_seconds: float, held: lock.Lock, result: dict) -> None:
    deadline = time.monotonic() + timeout_seconds
    while identifiers:
        nodes = {node["ID"]: node for node in swarm.nodes()}
        left = [task for task in swarm.tasks() if task["ServiceID"] in identifiers and _lives(task, nodes)]
        if not left:
            return
        if time.monotonic() > deadline:
            names = {identifier: node["Description"]["Hostname"] for identifier, node in nodes.items()}
            listed = "\n".join(f"  {described(task, names)}" for task in left)
            raise SwarmError(
                f"The services are removed, but after {timeout_seconds:.0f} s these tasks are not gone; "
                f"look at their nodes:\n{listed}",
                result,
            )
        held.renew()
        time.sleep(POLL_SECONDS)


def _lives(task: dict, nodes: dict[str, dict]) -> bool:
    """Whether a task may still hold something; one on a node that is down ends when the node comes back."""
    node = nodes.get(task.get("NodeID", ""))
    return node is not None and node["Status"]["State"] != "down" and task["Status"]["State"] not in OVER
