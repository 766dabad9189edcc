# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees and changes one host's membership of a Swarm through its engine."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.settings import node_address

POLL_SECONDS = 0.5
NO_SWARM = {
    "state": "inactive",
    "error": "",
    "cluster_id": "",
    "node_id": "",
    "node_address": "",
    "control_available": False,
    "quorum": False,
    "manager_addresses": [],
    "nodes": [],
}


class MembershipError(Exception):
    """A host did not become the Swarm member it should be."""


def observe(engine: Engine, wait_seconds: int = 0, data_root: str = "/var/lib/docker") -> dict[str, Any]:
    """Say what this host is: its engine and its place in a Swarm. An engine that does not answer is no error."""
    seen = {"hostname": socket.gethostname(), "answers": False, "error": "", "info": {}, "swarm": dict(NO_SWARM)}
    seen["swarm_state_on_disk"] = (Path(data_root) / "swarm" / "docker-state.json").exists()
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            seen["info"] = engine.get("/info")
            break
        except EngineError as error:
            if time.monotonic() >= deadline:
                return {**seen, "error": str(error)}
            time.sleep(POLL_SECONDS)
    return {**seen, "answers": True, "swarm": _swarm(engine, seen["info"].get("Swarm") or {})}


def _swarm(engine: Engine, info: Mapping[str, Any]) -> dict[str, Any]:
    swarm = {
        **NO_SWARM,
        "state": info.get("LocalNodeState") or "inactive",
        "error": info.get("Error") or "",
        "cluster_id": (info.get("Cluster") or {}).get("ID", ""),
        "node_id": info.get("NodeID") or "",
        "node_address": info.get("NodeAddr") or "",
        "control_available": bool(info.get("ControlAvailable")),
        "manager_addresses": sorted(manager["Addr"] for manager in info.get("RemoteManagers") or []),
    }
    if swarm["control_available"]:
        try:
            swarm["nodes"] = [summarise(node) for node in engine.get("/nodes")]
            swarm["quorum"] = True
        except EngineError as error:
            swarm["error"] = str(error)
    return swarm


def summarise(node: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of a node that the plan and people need."""
    manager = node.get("ManagerStatus") or {}
    return {
        "id": node["ID"],
        "hostname": node["Description"]["Hostname"],
        "address": node_address(node),
        "role": node["Spec"]["Role"],
        "state": node["Status"].get("State", ""),
        "availability": node["Spec"]["Availability"],
        "labels": node["Spec"].get("Labels") or {},
        "reachability": manager.get("Reachability", ""),
        "leader": bool(manager.get("Leader")),
        "engine_version": (node["Description"].get("Engine") or {}).get("EngineVersion", ""),
    }


def init(engine: Engine, options: Mapping[str, Any]) -> None:
    """Make a new Swarm with this host as its first manager."""
    body = {
        **_addresses(options),
        "DefaultAddrPool": [options["address_pool"]],
        "SubnetSize": options["subnet_size"],
        "DataPathPort": options["data_path_port"],
        "ForceNewCluster": False,
        "Spec": {"Labels": {}},
    }
    engine.post("/swarm/init", body)


def join(engine: Engine, options: Mapping[str, Any]) -> None:
    """Join the Swarm of the given managers with a token that decides the role."""
    managers = [f"{address}:{options['listen_port']}" for address in options["manager_addresses"]]
    engine.post("/swarm/join", {**_addresses(options), "RemoteAddrs": managers, "JoinToken": options["join_token"]})


def _addresses(options: Mapping[str, Any]) -> dict[str, str]:
    port = options["listen_port"]
    body = {"ListenAddr": f"0.0.0.0:{port}"}
    if options["advertise_address"]:
        body["AdvertiseAddr"] = f"{options['advertise_address']}:{port}"
    if options["data_path_address"]:
        body["DataPathAddr"] = options["data_path_address"]
    return body


def wait_until_member(engine: Engine, manager: bool, timeout_seconds: int) -> dict[str, Any]:
    """Wait until this host is active and, as a manager, reachable by the others; returns its swarm observation."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        swarm = observe(engine)["swarm"]
        me = next((node for node in swarm["nodes"] if node["id"] == swarm["node_id"]), None)
        if swarm["state"] == "active" and (not manager or (me is not None and me["reachability"] == "reachable")):
            return swarm
        if time.monotonic() >= deadline:
            kind = "a reachable manager" if manager else "an active worker"
            raise MembershipError(
                f"This host did not become {kind} within {timeout_seconds} s: its state is {swarm['state']!r} "
                f"({swarm['error'] or 'no error text'}). The other nodes' ports 2377/tcp (managers), 7946/tcp+udp and "
                "4789/udp must be open to it."
            )
        time.sleep(POLL_SECONDS)
