# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Swarm runs, as text for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def overview(nodes: Sequence[dict], services: Sequence[dict]) -> str:
    """Two tables, from node and service summaries: the nodes with their GPUs, and the services with what is wrong."""
    hosts = [("NODE", "ROLE", "STATE", "ADDRESS", "ENGINE", "GPUS")]
    hosts += [
        (node["name"], _role(node), _state(node), node["address"], node["engine_version"], str(len(node["gpus"])))
        for node in sorted(nodes, key=lambda node: node["name"])
    ]
    running = [("SERVICE", "RUNNING", "IMAGE", "NOTE")]
    running += [
        (
            service["name"],
            f"{service['replicas_running']} of {service['replicas_wanted']}",
            service["image"].partition("@")[0],
            "; ".join(notes(service)),
        )
        for service in services
    ]
    return f"{columns(hosts)}\n\n{columns(running)}"


def notes(service: dict) -> list[str]:
    """What a person should know of a service that does not run as it is meant to."""
    found = [f"pending: {message}" for message in service["pending"]]
    if service["update_state"] in ("paused", "rollback_started", "rollback_paused", "updating"):
        found.append(f"update {service['update_state'].replace('_', ' ')}")
    if service["replicas_running"] < service["replicas_wanted"] and service["failures"]:
        found.append(service["failures"][-1])
    return found


def _role(node: dict) -> str:
    return "leader" if node["leader"] else node["role"]


def _state(node: dict) -> str:
    marks = [node["state"], "" if node["availability"] == "active" else node["availability"]]
    if node["reachability"] and node["reachability"] != "reachable":
        marks.append(node["reachability"])
    return ", ".join(mark for mark in marks if mark)
