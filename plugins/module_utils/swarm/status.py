# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what people and checks want to know of a Swarm, from its nodes, services and tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.sophia.platform.plugins.module_utils.nvidia.names import GPU_KIND
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.judge import FAILED_STATES
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import STACK_LABEL
from ansible_collections.sophia.platform.plugins.module_utils.swarm.watch import described


def node_summary(node: Mapping) -> dict:
    manager = node.get("ManagerStatus") or {}
    return {
        "name": node["Description"]["Hostname"],
        "id": node["ID"],
        "role": node["Spec"]["Role"],
        "availability": node["Spec"]["Availability"],
        "state": node["Status"]["State"],
        "leader": bool(manager.get("Leader")),
        "reachability": manager.get("Reachability", ""),
        "address": node["Status"].get("Addr", ""),
        "engine_version": node["Description"]["Engine"]["EngineVersion"],
        "labels": node["Spec"].get("Labels") or {},
        "gpus": _gpus(node),
    }


def _gpus(node: Mapping) -> list[str]:
    """The UUIDs of the GPUs that the node offers."""
    offered = (node["Description"].get("Resources") or {}).get("GenericResources") or []
    named = [resource["NamedResourceSpec"] for resource in offered if "NamedResourceSpec" in resource]
    return sorted(spec["Value"] for spec in named if spec["Kind"] == GPU_KIND)


def service_summaries(services: Iterable[Mapping], tasks: Iterable[Mapping], nodes: Iterable[Mapping]) -> list[dict]:
    """One summary for each service, sorted by name.

    Running are the replicas that are meant to run, do, and run the service's image.
    """
    names = {node["ID"]: node["Description"]["Hostname"] for node in nodes}
    down = {node["ID"] for node in nodes if node["Status"]["State"] == "down"}
    by_service: dict[str, list[Mapping]] = {}
    for task in tasks:
        by_service.setdefault(task["ServiceID"], []).append(task)
    summaries = [_summary(service, by_service.get(service["ID"], []), names, down) for service in services]
    return sorted(summaries, key=lambda summary: summary["name"])


def _summary(service: Mapping, tasks: list[Mapping], names: Mapping[str, str], down: set[str]) -> dict:
    spec = service["Spec"]
    desired = [task for task in tasks if task["DesiredState"] == "running"]
    image = (spec["TaskTemplate"].get("ContainerSpec") or {}).get("Image", "")
    running = [
        task
        for task in desired
        if task["Status"]["State"] == "running" and task.get("NodeID") not in down and _image(task, image) == image
    ]
    failed = sorted(
        (task for task in tasks if task["Status"]["State"] in FAILED_STATES), key=lambda task: task["CreatedAt"]
    )
    return {
        "name": spec["Name"],
        "stack": (spec.get("Labels") or {}).get(STACK_LABEL, ""),
        "mode": specs.mode(spec),
        "replicas_wanted": _wanted(service, desired),
        "replicas_running": len(running),
        "image": image,
        "update_state": (service.get("UpdateStatus") or {}).get("State") or "",
        "pending": sorted(
            {
                task["Status"].get("Err") or task["Status"].get("Message", "")
                for task in desired
                if task["Status"]["State"] == "pending"
            }
        ),
        "failures": [described(task, names) for task in failed],
        "nodes": sorted(names.get(task.get("NodeID", ""), "") for task in running),
    }


def _image(task: Mapping, otherwise: str) -> str:
    """The image a task really runs: while an update is stuck, tasks of the old one still run."""
    return ((task.get("Spec") or {}).get("ContainerSpec") or {}).get("Image", otherwise)


def _wanted(service: Mapping, desired: list[Mapping]) -> int:
    """Replicas as asked for; a global service's as many as the engine wants; a job that is done wants none."""
    count = specs.replicas(service["Spec"])
    if count is not None:
        return count
    if specs.mode(service["Spec"]) in specs.JOB_MODES:
        return len(desired)
    return max((service.get("ServiceStatus") or {}).get("DesiredTasks", 0), len(desired))
