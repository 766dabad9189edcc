# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables of projects: listed as ciphertext, changed one by one or many at once."""

from __future__ import annotations

import base64
import hashlib
import json

from lab.cloud.vercel import lookup
from lab.cloud.vercel.call import Call
from lab.cloud.vercel.environment_rules import check, conflict, fail_if_conflicting, normal
from lab.cloud.vercel.errors import ApiError, invalid, missing
from lab.cloud.vercel.state import identifier
from lab.cloud.wire import Response, document

_KEPT = ("key", "value", "type", "target", "gitBranch", "comment", "customEnvironmentIds", "visibility")
_READABLE = ("plain", "encrypted", "system", "secret")


def listed(call: Call, name: str) -> object:
    """GET /projects/{id}/env?decrypt=&gitBranch=&target=."""
    own = call.state.environment[lookup.project(call, name)["id"]]
    branch, target = call.asked("gitBranch"), call.asked("target")
    own = [one for one in own if not branch or one["gitBranch"] in (None, branch)]
    own = [one for one in own if not target or target in one["target"]]
    envs = [shown(call, one, call.flag("decrypt")) for one in own]
    return envs if call.state.knobs.env_list_bare else {"envs": envs}


def create(call: Call, name: str) -> Response:
    """POST /projects/{id}/env?upsert=: one or an array. 201 also when some failed."""
    project_id, given = lookup.project(call, name)["id"], call.value()
    many = isinstance(given, list)
    if many and not given:
        raise invalid("Invalid request: should NOT have fewer than 1 items.")
    wanted = [normal(one) for one in (given if many else [given])]
    for one in wanted:
        check(call.state.knobs, one)
    created, failed = [], []
    for one in wanted:
        try:
            created.append(shown(call, _put(call, project_id, one)))
        except ApiError as error:
            if not many and not call.flag("upsert"):
                raise
            failed.append({"error": error.error})
    result = created if many else created[0] if created else {}
    return document({"created": result, "failed": failed}, 201)


def add(call: Call, project_id: str, given: object) -> None:
    """Add a variable of a new project."""
    one = normal(given)
    check(call.state.knobs, one)
    _put(call, project_id, one)


def get(call: Call, name: str, env_id: str) -> dict:
    """GET /projects/{id}/env/{envId}: decrypted, where it can be."""
    return shown(call, _find(call, lookup.project(call, name)["id"], env_id), decrypt=True)


def change(call: Call, name: str, env_id: str) -> dict:
    """PATCH /projects/{id}/env/{envId}."""
    project_id = lookup.project(call, name)["id"]
    known = _find(call, project_id, env_id)
    given = call.body()
    changed = normal({**{key: known[key] for key in _KEPT if known[key] is not None}, **given})
    check(call.state.knobs, changed)
    _forbid_revealing(known, changed)
    others = [one for one in call.state.environment[project_id] if one is not known]
    fail_if_conflicting(others, changed)
    known.update(_as_kept(changed), updatedAt=call.stamp())
    return shown(call, known)


def delete(call: Call, name: str, env_id: str) -> dict:
    """DELETE /projects/{id}/env/{envId}."""
    project_id = lookup.project(call, name)["id"]
    known = _find(call, project_id, env_id)
    call.state.environment[project_id].remove(known)
    return shown(call, known)


def delete_many(call: Call, name: str) -> dict:
    """DELETE /projects/{id}/env {"ids": […]}."""
    project_id = lookup.project(call, name)["id"]
    ids = call.body("ids", required=("ids",))["ids"]
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) for one in ids):
        raise invalid("Invalid request: `ids` should be a non-empty array of strings.")
    own = call.state.environment[project_id]
    gone = [one["id"] for one in own if one["id"] in ids]
    call.state.environment[project_id] = [one for one in own if one["id"] not in ids]
    return {"deleted": len(gone), "ids": gone}


def pulled(call: Call, name: str, target: str, branch: str | None = None) -> dict:
    """GET /env/pull/{project}/{target}[/{branch}]: values; a sensitive one is empty. Deployment ids work as well."""
    deployment = call.state.deployments.get(name)
    project = lookup.project(call, deployment["projectId"] if deployment else name)
    values = of_target(call, project["id"], target, branch)
    system = {"VERCEL": "1", "VERCEL_ENV": target, "VERCEL_TARGET_ENV": target}
    return {"env": {**values, **(system if project["autoExposeSystemEnvs"] else {})}, "buildEnv": values}


def of_target(call: Call, project_id: str, target: str, branch: str | None = None) -> dict[str, str]:
    """The values that a deployment for a target gets; those for a branch win."""
    own = [one for one in call.state.environment[project_id] if target in one["target"]]
    own = sorted((one for one in own if one["gitBranch"] in (None, branch)), key=lambda one: one["gitBranch"] or "")
    return {one["key"]: one["value"] if one["type"] in _READABLE else "" for one in own}


def shown(call: Call, one: dict, decrypt: bool = False) -> dict:
    """A variable as the API shows it."""
    known = {key: value for key, value in one.items() if value is not None}
    plain = one["type"] in ("plain", "system") and call.state.knobs.env_plain_readable
    readable = one["type"] in _READABLE and (decrypt or plain)
    known.update(value=one["value"] if readable else _ciphertext(one), decrypted=readable, configurationId=None)
    if one["type"] == "sensitive" and decrypt:
        del known["value"]
    if call.state.knobs.env_target_as_string and len(one["target"]) == 1:
        known["target"] = one["target"][0]
    return known


def _put(call: Call, project_id: str, one: dict) -> dict:
    own = call.state.environment[project_id]
    if one["key"] in call.state.knobs.env_failing_keys:
        raise conflict(one, one)
    same = next((known for known in own if _place(known) == _place(one)), None) if call.flag("upsert") else None
    fail_if_conflicting([known for known in own if known is not same], one)
    now = call.stamp()
    if same is not None:
        _forbid_revealing(same, one)
        same.update(_as_kept(one), updatedAt=now)
        return same
    known = {"id": identifier("", 16), **_as_kept(one), "createdAt": now, "updatedAt": now}
    known["createdBy"] = call.token["user"]
    own.append(known)
    return known


def _as_kept(one: dict) -> dict:
    """A variable as it is stored: nobody ever reads a sensitive value again, so it is not."""
    return {**one, "value": ""} if one["type"] == "sensitive" else one


def _place(one: dict) -> tuple:
    return one["key"], sorted(one["target"]), one["gitBranch"], sorted(one["customEnvironmentIds"])


def _forbid_revealing(known: dict, wanted: dict) -> None:
    if known["type"] == "sensitive" and wanted["type"] != "sensitive":
        text = f"The type of the sensitive variable {known['key']} cannot be changed. Delete it and create it anew."
        raise invalid(text, key=known["key"], envVarKey=known["key"])


def _find(call: Call, project_id: str, env_id: str) -> dict:
    for one in call.state.environment[project_id]:
        if one["id"] == env_id:
            return one
    raise missing("The environment variable was not found.", "ENV_NOT_FOUND")


def _ciphertext(one: dict) -> str:
    """Tells nothing about the value, and is another one after each write."""
    content = hashlib.sha256(f"{one['id']} {one['updatedAt']}".encode()).hexdigest()
    return base64.b64encode(json.dumps({"v": "v2", "c": content}).encode()).decode()
