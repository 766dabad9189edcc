# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the source as production: nothing to do when it is, else built, uploaded and judged by what the API says."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel import (
    build,
    deployments,
    environment_variables,
    plan,
    project,
    source,
    switch,
)
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

SOURCE_META, SETTINGS_META = "sophia-source", "sophia-settings"
POLL_SECONDS = 2.0


def deployed(client: Client, want: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Have the source in production."""
    path = Path(want["source_path"])
    files = source.files(path, want["exclude"])
    meta = {SOURCE_META: source.digest(path, files)}
    found = project.read(client, want["name"])
    if not found:
        if check_mode:
            return _result({}, {}, meta, ["there is no project yet"])
        raise VercelError(f"There is no project {want['name']} in {client.scope}. Make it with vercel_project.")
    meta[SETTINGS_META] = plan.fingerprint(found, environment_variables.read(client, found["id"]))
    now_id = deployments.current_id(client, found)
    now = (deployments.read(client, now_id) if now_id else None) or {}
    reasons = why(now, meta, want["force"])
    withdrawn = _withdrawn(client, found, meta) if reasons and not want["force"] else ""
    if withdrawn:
        warning = (
            f"Production of {want['name']} was rolled back from {withdrawn}, which has this source and these settings, "
            "so nothing is deployed. Change the source, promote that deployment, or use force."
        )
        return {**_result(now, now, meta, []), "warnings": [warning]}
    if not reasons or check_mode:
        return _result(now, now, meta, reasons)
    return _result(now, _released(client, want, found, now, files, meta), meta, reasons)


def why(now: Mapping[str, Any], meta: Mapping[str, str], force: bool) -> list[str]:
    """Why production is not what is wanted; empty when it is. Pure."""
    if not now:
        return ["there is no production deployment"]
    reasons = ["it was asked for"] if force else []
    if not deployments.serves(now):
        reasons.append(f"the production deployment {now['id']} is {now['state']} or lacks its names")
    if now["meta"].get(SOURCE_META) != meta[SOURCE_META]:
        reasons.append("the source is another one")
    if now["meta"].get(SETTINGS_META) != meta[SETTINGS_META]:
        reasons.append("settings or variables of the project are others")
    return reasons


def same(deployment: Mapping[str, Any], meta: Mapping[str, str]) -> bool:
    """Whether a deployment was made of this source with these settings."""
    return all(deployment["meta"].get(name) == meta[name] for name in (SOURCE_META, SETTINGS_META))


def _withdrawn(client: Client, found: Mapping[str, Any], meta: Mapping[str, str]) -> str:
    """The deployment of this very source that somebody rolled production back from; else empty."""
    request = project.alias_request(found)
    if request.get("type") != "rollback" or request.get("jobStatus") != "succeeded":
        return ""
    left = request.get("fromDeploymentId")
    before = deployments.read(client, left) if left else None
    return before["id"] if before and same(before, meta) else ""


def _released(
    client: Client, want: Mapping[str, Any], found: Mapping[str, Any], now: Mapping[str, Any], files: list, meta: dict
) -> dict[str, Any]:
    """Build, upload and judge; or only judge what an earlier run left on its way."""
    try:
        left = "" if want["force"] else _on_its_way(client, found, now, meta)
        if left:
            return _judged(client, want, left, "", adopted=True)
        marked = {**meta, build.RUN_META: uuid.uuid4().hex}
        return _judged(client, want, *build.release(client, found, want, files, marked), adopted=False)
    except VercelError as error:
        message = f"{error} {_still_live(client, want['name'], now)}"
    raise VercelError(message)


def _on_its_way(client: Client, found: Mapping[str, Any], now: Mapping[str, Any], meta: Mapping[str, str]) -> str:
    """A newer deployment of this source that has not failed; else empty."""
    for one in deployments.production_list(client, found["id"]):
        if one["id"] == now.get("id"):
            break
        if same(one, meta) and one["state"] not in deployments.FAILED_STATES and not one["alias_error"]:
            return one["id"]
    return ""


def _judged(client: Client, want: Mapping[str, Any], deployment_id: str, failure: str, adopted: bool) -> dict[str, Any]:
    """Wait until the deployment serves as production. Raises VercelError when it does not."""
    deadline = client.clock.monotonic() + want["timeout_seconds"]
    while True:
        one = deployments.read(client, deployment_id)
        if not one:
            raise VercelError(f"The deployment {deployment_id} is gone. {failure}".strip())
        problem = _problem(client, one)
        if problem:
            raise VercelError(f"{problem} {failure}".strip())
        if one["state"] == "READY":
            found = project.read(client, want["name"]) or {}
            request = project.alias_request(found)
            if deployments.serves(one) and deployments.current_id(client, found) == deployment_id:
                return one
            # After a rollback new deployments get no names by themselves (reference §6.3); one that somebody moved
            # production away from keeps the mark that it had them.
            if request.get("type") == "rollback" or (deployments.serves(one) and (adopted or request)):
                switch.move(client, want, "promotion", found, deployment_id, deadline)
                return deployments.read(client, deployment_id) or one
        if client.clock.monotonic() >= deadline:
            lack = "is not what production serves" if one["state"] == "READY" else f"is still {one['state']}"
            raise VercelError(
                f"The deployment {deployment_id} {lack} after {want['timeout_seconds']} s. Run again: it is waited for "
                f"then, and not built again. {failure}".strip()
            )
        client.clock.sleep(POLL_SECONDS)


def _problem(client: Client, one: Mapping[str, Any]) -> str:
    """Why a deployment will never serve; empty as long as it may."""
    if one["state"] in deployments.FAILED_STATES:
        log = deployments.build_log_lines(client, one["id"], build.LOG_LINES_COUNT)
        said = f" Its log ends: {' | '.join(log)}." if log else ""
        return (
            f"The deployment {one['id']} is {one['state']}: {client.masked(one['error']) or 'no reason given'}.{said}"
        )
    if one["alias_error"]:
        return (
            f"The deployment {one['id']} is built, but did not get its names: "
            f"{client.masked(one['alias_error']).rstrip('.')}. Put the domain right and run again."
        )
    return ""


def _still_live(client: Client, name: str, before: Mapping[str, Any]) -> str:
    """A sentence about what serves now."""
    try:
        found = project.read(client, name)
        live = deployments.current_id(client, found) if found else ""
    except VercelError:
        return "What production serves now is not known."
    if not live:
        return "There is no production deployment."
    return f"Production still is {live}." if live == before.get("id") else f"Production now is {live}."


def _result(now: Mapping[str, Any], then: Mapping[str, Any], meta: Mapping[str, str], reasons: list[str]) -> dict:
    after = then.get("id", "") if then.get("id") != now.get("id") or not reasons else ""
    sides = {
        "before": f"{now.get('id', 'none')} of source {now.get('meta', {}).get(SOURCE_META, 'unknown')}",
        "after": f"{after or 'a new deployment'} of source {meta[SOURCE_META]}",
    }
    return {
        "changed": bool(reasons),
        "reasons": reasons,
        "deployment_id": after,
        "previous_deployment_id": now.get("id", "") if reasons else "",
        "url": then.get("url", "") if after else "",
        "aliases": then.get("aliases", []) if after else [],
        "source_hash": meta[SOURCE_META],
        "diff": {side: f"production: {text}\n" for side, text in sides.items()}
        if reasons
        else {"before": "", "after": ""},
    }
