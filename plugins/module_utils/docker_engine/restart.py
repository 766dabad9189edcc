# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts or reloads an engine so that its Swarm keeps a quorum, and waits until it is back. Knows no Ansible."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import pending
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.judge import UNIT
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import problems_of
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.units import unit_state
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.membership import observe

CONTAINERD = "containerd.service"
POLL_SECONDS = 0.5


def binary_replaced(unit: str) -> bool:
    """Whether a unit's process runs a file that is no longer there: its package was changed under it."""
    pid = run("systemctl", "show", unit, "--property=MainPID", "--value").strip()
    try:
        return pid not in ("", "0") and str(Path(f"/proc/{pid}/exe").readlink()).endswith(" (deleted)")
    except OSError:
        return False


def managers(swarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the managers that a manager sees."""
    return [node for node in swarm["nodes"] if node["role"] == "manager"]


def refusal(seen: Mapping[str, Any]) -> str:
    """Say why this engine must not be restarted now; empty when it may. `seen` is what `observe` gave.

    A Swarm whose other managers are all reachable may lose one for a moment. When one of them is away already, those
    that are left must be a quorum without this one.
    """
    if not seen["answers"]:
        return f"the engine runs but does not answer, so nobody can tell what its Swarm would lose ({seen['error']})"
    swarm = seen["swarm"]
    if swarm["state"] in ("inactive", "locked", "error") or not swarm["control_available"]:
        return ""
    if not swarm["quorum"]:
        return f"the Swarm answers no manager's question now, it may be without a leader ({swarm['error']})"
    everyone = managers(swarm)
    others = [node for node in everyone if node["id"] != swarm["node_id"]]
    away = [node for node in others if node["reachability"] != "reachable"]
    left, quorum = len(others) - len(away), len(everyone) // 2 + 1
    if not away or left >= quorum:
        return ""
    told = ", ".join(f"{node['hostname']} ({node['address']}, {node['reachability'] or 'unknown'})" for node in away)
    return (
        f"of {len(everyone)} managers {told} cannot be reached; without this one {left} would be left, and the "
        f"quorum is {quorum}"
    )


def missing(before: Mapping[str, Any], seen: Mapping[str, Any]) -> str:
    """Say what a restarted engine is still waited for; empty when it is back as it was before."""
    if not seen["answers"]:
        return f"the engine's answer ({seen['error']})"
    was, swarm = before["swarm"], seen["swarm"]
    if was["state"] != "active":
        return ""
    if swarm["state"] != "active":
        return f"this node's place in the Swarm: it is {swarm['state']} ({swarm['error'] or 'no error text'})"
    if not was["control_available"]:
        return ""
    if not swarm["quorum"] or not any(node["leader"] for node in swarm["nodes"]):
        return f"a leader of the Swarm ({swarm['error'] or 'none is elected'})"
    ready = {node["id"] for node in was["nodes"] if node["state"] == "ready"} | {swarm["node_id"]}
    reachable = {node["id"] for node in managers(was) if node["reachability"] == "reachable"} | {swarm["node_id"]}
    # A new leader knows no node's state until the node has reported to it.
    left = [
        f"{node['hostname']} is {node['state'] or 'in no known state'} {node['reachability']}".strip()
        for node in swarm["nodes"]
        if (node["id"] in ready and node["state"] != "ready")
        or (node["id"] in reachable and node["reachability"] != "reachable")
    ]
    return f"all nodes to be ready and all managers reachable as they were: {', '.join(left)}" if left else ""


def wait(look: Callable[[], Any], timeout_seconds: float, poll_seconds: float = POLL_SECONDS) -> Any:
    """Ask again until the answer is empty or the time is over; give the last answer."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        answer = look()
        if not answer or time.monotonic() >= deadline:
            return answer
        time.sleep(poll_seconds)


def allowed(engine: Engine, wait_seconds: int) -> None:
    """Wait until the Swarm can do without this engine for a moment; HostError when that does not come."""
    why = wait(lambda: refusal(observe(engine)), wait_seconds)
    if why:
        raise HostError(
            f"{UNIT} is not restarted, for the Swarm would lose its quorum or nobody can tell: {why}. Waited "
            f"{wait_seconds} s. Bring the other managers back first (`docker node ls`). What is pending is remembered: "
            "run the playbook again then. Where the Swarm is lost anyway, docker_restart_without_quorum allows it."
        )


def apply(
    engine: Engine,
    action: str,
    settings: Mapping[str, Any],
    version: str,
    timeout_seconds: int,
) -> Sequence[str]:
    """Reload or restart the engine and wait until it is back. Returns the units that were told."""
    before = observe(engine)
    units = [UNIT]
    if "yes" in run("systemctl", "show", UNIT, CONTAINERD, "--property=NeedDaemonReload"):
        run("systemctl", "daemon-reload")
    if action == pending.RELOAD:
        run("systemctl", "reload", UNIT, timeout_seconds=timeout_seconds)
    else:
        if unit_state(CONTAINERD)["active"] and binary_replaced(CONTAINERD):
            run("systemctl", "restart", CONTAINERD, timeout_seconds=timeout_seconds)
            units.insert(0, CONTAINERD)
        # systemd refuses a unit that was started often; a restart that somebody asks for is none of those.
        ask("systemctl", "reset-failed", UNIT)
        run("systemctl", "restart", UNIT, timeout_seconds=timeout_seconds)

    def look() -> str:
        seen = observe(engine)
        return missing(before, seen) or " ".join(problems_of(settings, version, seen["info"]))

    left = wait(look, timeout_seconds)
    if left:
        raise HostError(
            f"{UNIT} was told to {action}, and after {timeout_seconds} s this is still waited for: {left}. "
            "No other host is touched before it is settled. Look at `journalctl -u docker` and `docker node ls`."
        )
    pending.mark(pending.NOTHING)
    return units
