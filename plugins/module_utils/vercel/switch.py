# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves production to a deployment that is built: promotion and rollback, judged by what the project says then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel import deployments, project
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

PREVIOUS = "previous"
POLL_SECONDS = 5.0
RUNNING = ("pending", "in-progress")
WORDS = {"promoted": "promotion", "rolled_back": "rollback"}


def switched(client: Client, want: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Have production on the deployment that is asked for."""
    word, deadline = WORDS[want["state"]], client.clock.monotonic() + want["timeout_seconds"]
    found = settled(client, want, deadline)
    now = deployments.current_id(client, found)
    target = want["deployment_id"]
    if target == PREVIOUS:
        target = previous(client, found, now)
    if target != now:
        _refuse(deployments.read(client, target), target, found)
        if not check_mode:
            move(client, want, word, found, target, deadline)
    return {
        "changed": target != now,
        "deployment_id": target,
        "previous_deployment_id": now if target != now else "",
        "diff": {"before": f"production: {now or 'none'}\n", "after": f"production: {target}\n"},
    }


def settled(client: Client, want: Mapping[str, Any], deadline: float) -> dict[str, Any]:
    """The project, once no promotion or rollback of somebody else runs."""
    while True:
        found = project.read(client, want["name"])
        if not found:
            raise VercelError(f"There is no project {want['name']} in {client.scope}.")
        request = project.alias_request(found)
        if request.get("jobStatus") not in RUNNING:
            return found
        if client.clock.monotonic() >= deadline:
            raise VercelError(
                f"A {request.get('type')} of the project {want['name']} to {request.get('toDeploymentId')} still runs "
                f"after {want['timeout_seconds']} s; nothing was begun. Run again when it has ended."
            )
        client.clock.sleep(POLL_SECONDS)


def previous(client: Client, found: Mapping[str, Any], now: str) -> str:
    """The deployment that production was on before. Production that stands rolled back is where it should be."""
    request = project.alias_request(found)
    latest = request.get("jobStatus") == "succeeded" and request.get("toDeploymentId") == now
    if latest and request.get("type") == "rollback":
        return now
    if latest and request.get("type") == "promote" and request.get("fromDeploymentId"):
        return request["fromDeploymentId"]
    ready = deployments.production_list(client, found["id"], "READY")
    served = [one for one in ready if one["state"] == "READY" and one["substate"] != "STAGED"]
    ids = [one["id"] for one in served]
    older = ids[ids.index(now) + 1 :] if now in ids else []
    if not older:
        raise VercelError(
            f"The project {found['name']} has no production deployment before {now or 'this one'} to roll back to. "
            "Give a deployment_id, or deploy."
        )
    return older[0]


def move(
    client: Client, want: Mapping[str, Any], word: str, found: Mapping[str, Any], target: str, deadline: float
) -> None:
    """Begin a promotion or rollback and wait for its end."""
    before = project.alias_request(found)
    begin = deployments.promote if word == "promotion" else deployments.roll_back
    unknown = False
    try:
        begin(client, found["id"], target)
    except VercelError as error:
        if not error.outcome_unknown:
            raise
        unknown = True
    if unknown and not _is_new(project.read(client, want["name"]) or {}, before, target):
        begin(client, found["id"], target)
    _wait(client, want, word, before, target, deadline)


def _wait(
    client: Client, want: Mapping[str, Any], word: str, before: Mapping[str, Any], target: str, deadline: float
) -> None:
    while True:
        found = project.read(client, want["name"]) or {}
        request = project.alias_request(found) if _is_new(found, before, target) else {}
        status = request.get("jobStatus")
        live = ((found.get("targets") or {}).get("production") or {}).get("id")
        if status == "succeeded" or (not request and live == target):
            return
        if status in ("failed", "skipped"):
            raise VercelError(
                f"The {word} of the project {want['name']} to {target} ended as {status}. Production still is "
                f"{request.get('fromDeploymentId') or live or 'what it was'}; see the deployment in the dashboard."
            )
        if client.clock.monotonic() >= deadline:
            said = f"it is {status}" if status else "Vercel tells of none"
            raise VercelError(
                f"The {word} of the project {want['name']} to {target} did not succeed within "
                f"{want['timeout_seconds']} s: {said}. Run again to see how it ended."
            )
        client.clock.sleep(POLL_SECONDS)


def _is_new(found: Mapping[str, Any], before: Mapping[str, Any], target: str) -> bool:
    request = project.alias_request(found)
    return request.get("toDeploymentId") == target and request != before


def _refuse(deployment: Mapping[str, Any] | None, target: str, found: Mapping[str, Any]) -> None:
    """Refuse what Vercel would not make production, or would rebuild for it (reference §6.3)."""
    problem = ""
    if not deployment:
        problem = "there is no such deployment in this account or team"
    elif deployment["project_id"] and deployment["project_id"] != found["id"]:
        problem = "it belongs to another project"
    elif deployment["state"] != "READY":
        problem = f"it is {deployment['state'] or 'in no known state'}, not READY"
    elif deployment["target"] != "production":
        problem = "it is a preview and was built with the variables of previews; deploy its source instead"
    if problem:
        raise VercelError(f"Production of the project {found['name']} cannot move to {target}: {problem}.")
