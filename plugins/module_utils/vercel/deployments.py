# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments at Vercel: which one is in production, how one stands, and moving production to one (reference §6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client, segment
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

FAILED_STATES = ("ERROR", "CANCELED", "BLOCKED")
LIST_COUNT = 100


def summary(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A deployment as this package uses it. Lists call the id `uid` and the state `state`."""
    alias_error = raw.get("aliasError") or {}
    return {
        "id": raw.get("id") or raw.get("uid") or "",
        "url": f"https://{raw['url']}" if raw.get("url") else "",
        "state": raw.get("readyState") or raw.get("state") or "",
        "substate": raw.get("readySubstate") or "",
        "target": raw.get("target"),
        "aliases": list(raw.get("alias") or []),
        "alias_assigned": bool(raw.get("aliasAssigned")),
        "alias_error": str(alias_error.get("message") or alias_error.get("code") or "") if alias_error else "",
        "error": ": ".join(str(raw[key]) for key in ("errorCode", "errorMessage") if raw.get(key)),
        "created_at": raw.get("createdAt") or raw.get("created") or 0,
        "project_id": raw.get("projectId") or "",
        "meta": dict(raw.get("meta") or {}),
    }


def serves(deployment: Mapping[str, Any]) -> bool:
    """Whether a production deployment is built and has its names without an error."""
    return deployment["state"] == "READY" and deployment["alias_assigned"] and not deployment["alias_error"]


def read(client: Client, deployment_id: str) -> dict[str, Any] | None:
    """One deployment; None when this scope has none of that id."""
    path = f"/v13/deployments/{segment(deployment_id)}"
    raw = client.get(f"read the deployment {deployment_id}", path, missing_ok=True)
    return summary(raw) if raw else None


def production_list(client: Client, project_id: str, state: str = "") -> list[dict[str, Any]]:
    """The newest production deployments, newest first."""
    query = {
        "projectId": project_id,
        "target": "production",
        "limit": LIST_COUNT,
        **({"state": state} if state else {}),
    }
    body = client.get("list the production deployments", "/v7/deployments", **query)
    found = [summary(raw) for raw in (body.get("deployments") if isinstance(body, dict) else body) or []]
    return sorted(found, key=lambda one: one["created_at"], reverse=True)


def current_id(client: Client, project: Mapping[str, Any]) -> str:
    """The deployment that production is on; empty when there is none.

    It is not documented whether `targets` follows a promotion or rollback, or names a deployment before it is built.
    Where there is a doubt, the deployment that has the production name decides, and the list of those that are built.
    """
    target = (project.get("targets") or {}).get("production") or {}
    request = project.get("lastAliasRequest") or {}
    moved = request.get("toDeploymentId") if request.get("jobStatus") == "succeeded" else None
    if target.get("id") and target.get("readyState", "READY") != "READY":
        served = [one for one in production_list(client, project["id"], "READY") if one["substate"] != "STAGED"]
        return next((one["id"] for one in served if one["id"] != target["id"] and serves(one)), "")
    if not target.get("id") or not moved or moved == target["id"]:
        return target.get("id") or ""
    for name in (target.get("alias") or [])[:1]:
        alias = client.get(f"read the alias {name}", f"/v4/aliases/{segment(name)}", missing_ok=True) or {}
        return alias.get("deploymentId") or (alias.get("deployment") or {}).get("id") or target["id"]
    return target["id"]


def promote(client: Client, project_id: str, deployment_id: str) -> None:
    """Ask for production to move to a deployment that is built. It ends later."""
    path = f"/v10/projects/{segment(project_id)}/promote/{segment(deployment_id)}"
    client.write(f"promote the deployment {deployment_id}", "POST", path, {})


def roll_back(client: Client, project_id: str, deployment_id: str) -> None:
    """Ask for production to move back to an earlier deployment. It ends later."""
    path = f"/v1/projects/{segment(project_id)}/rollback/{segment(deployment_id)}"
    client.write(f"roll back to the deployment {deployment_id}", "POST", path, {})


def build_log_lines(client: Client, deployment_id: str, count: int) -> list[str]:
    """The last lines of a build's log. Without one, or without an answer, there are none: it only explains."""
    path = f"/v3/deployments/{segment(deployment_id)}/events"
    try:
        events = client.get("read the build's log", path, missing_ok=True, builds=1, limit=-1)
    except VercelError:
        return []
    lines = []
    for event in events if isinstance(events, list) else []:
        text = event.get("text") or (event.get("payload") or {}).get("text")
        lines += str(text).splitlines() if text else []
    return [client.masked(line.strip()) for line in lines if line.strip()][-count:]
