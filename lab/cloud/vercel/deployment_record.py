# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment: how far it is, and how the API shows it."""

from __future__ import annotations

from lab.cloud.vercel import teams
from lab.cloud.vercel.call import Call

_FINAL = ("READY", "ERROR", "CANCELED")


def ready_state(one: dict, now: float) -> str:
    """QUEUED, BUILDING, then READY or ERROR, by the clock; or CANCELED."""
    if one["canceled_at"] is not None:
        return "CANCELED"
    if now < one["queued_until"]:
        return "QUEUED"
    if now < one["built_at"]:
        return "BUILDING"
    return "ERROR" if one["build_error"] else "READY"


def is_final(one: dict, now: float) -> bool:
    """Whether its build has ended."""
    return ready_state(one, now) in _FINAL


def aliases(call: Call, one: dict) -> list[str]:
    """The names that lead to it now."""
    return [name for name, alias in call.state.aliases.items() if alias["deploymentId"] == one["id"]]


def shown(call: Call, one: dict) -> dict:
    """All that the API shows of it."""
    team = call.state.teams.get(one["ownerId"])
    scope = {"team": {"id": team["id"], "name": team["name"], "slug": team["slug"]}} if team else {}
    more = {
        "version": 2,
        "public": False,
        "regions": ["iad1"],
        "routes": None,
        "plan": "pro",
        "ownerId": one["ownerId"],
        "createdIn": "sfo1",
        "project": {"id": one["projectId"], "name": one["name"]},
        "aliasWarning": None,
        "checksState": None,
        "checksConclusion": None,
        "autoAssignCustomDomains": one["auto_assign"],
        "gitSource": one["gitSource"],
    }
    found = {**_common(call, one), **more, **scope, "id": one["id"], "createdAt": one["createdAt"]}
    return {name: value for name, value in found.items() if value is not None or name in _NULLS}


_NULLS = ("target", "aliasError", "routes", "aliasWarning", "alias")


def brief(call: Call, one: dict) -> dict:
    """As a project shows it."""
    return {**_common(call, one), "id": one["id"], "createdAt": one["createdAt"], "deploymentHostname": one["url"]}


def row(call: Call, one: dict) -> dict:
    """As the list shows it."""
    more = {"isRollbackCandidate": one["substate"] == "PROMOTED", "state": ready_state(one, call.now)}
    found = {**_common(call, one), **more, "uid": one["id"], "created": one["createdAt"], "createdAt": one["createdAt"]}
    del found["alias"], found["status"]
    return found


def events(call: Call, one: dict) -> list[dict]:
    """The build's log until now."""
    told = [(one["createdAt"], "stdout", "Running build in Washington, D.C., USA (East) – iad1")]
    built = int(one["built_at"] * 1000)
    if ready_state(one, call.now) in ("READY", "ERROR"):
        told += [(built, "stderr", one["build_error"]["message"])] if one["build_error"] else []
        told += [] if one["build_error"] else [(built, "stdout", "Build Completed"), (built, "stdout", "Deployed")]
    return [
        {
            "type": kind,
            "created": at,
            "date": at,
            "deploymentId": one["id"],
            "id": f"{at}{number:06d}",
            "text": text,
            "payload": {"deploymentId": one["id"], "id": f"{at}{number:06d}", "date": at, "text": text},
        }
        for number, (at, kind, text) in enumerate(told)
    ]


def _common(call: Call, one: dict) -> dict:
    now = call.now
    state = ready_state(one, now)
    user = call.state.users[one["creator"]]
    slug = teams.slug(call, one["ownerId"])
    found = {
        "name": one["name"],
        "url": one["url"],
        "projectId": one["projectId"],
        "readyState": state,
        "status": state,
        "target": one["target"],
        "alias": aliases(call, one),
        "aliasAssigned": one["aliasAssigned"],
        "aliasError": one["aliasError"],
        "meta": one["meta"],
        "type": "LAMBDAS",
        "source": one["source"],
        "creator": {"uid": user["id"], "username": user["username"], "email": user["email"]},
        "inspectorUrl": f"https://vercel.com/{slug}/{one['name']}/{one['id'].removeprefix('dpl_')}",
    }
    if state != "QUEUED":
        found["buildingAt"] = int(one["queued_until"] * 1000)
    if state == "READY":
        found["ready"] = int(one["built_at"] * 1000)
        found["readySubstate"] = one["substate"] or "STAGED"
    if state == "ERROR":
        found.update(errorCode=one["build_error"]["code"], errorMessage=one["build_error"]["message"])
    if state == "CANCELED":
        found["canceledAt"] = one["canceled_at"]
    return found
