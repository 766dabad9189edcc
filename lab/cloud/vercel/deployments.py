# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments: made of files, of a Git reference, or of an earlier one."""

from __future__ import annotations

import json

from lab.cloud.vercel import deployment_record, lookup, projects, sources, teams
from lab.cloud.vercel.call import Call, page, typed
from lab.cloud.vercel.errors import invalid, missing
from lab.cloud.vercel.project_fields import check, check_name
from lab.cloud.vercel.state import identifier
from lab.cloud.wire import Response

_TARGETS = (None, "production", "preview", "staging")
_NO_OUTPUT = {"code": "MISSING_BUILD_OUTPUT", "message": "The prebuilt deployment has no .vercel/output/config.json."}
_FAILED = {"code": "BUILD_FAILED", "message": 'Command "npm run build" exited with 1'}
_SETTINGS = ("framework", "buildCommand", "devCommand", "installCommand", "outputDirectory", "rootDirectory")


def create(call: Call) -> dict:
    """POST /deployments?forceNew=&prebuilt=&skipAutoDetectionConfirmation=."""
    given = call.body()
    kinds = {"name": str, "project": str, "files": list, "gitSource": dict, "deploymentId": str, "meta": dict}
    kinds.update(target=str, gitMetadata=dict, projectSettings=dict, autoAssignCustomDomains=bool)
    typed(given, kinds)
    if len([name for name in ("files", "gitSource", "deploymentId") if given.get(name)]) > 1:
        raise invalid("Invalid request: only one of `files`, `gitSource` and `deploymentId` can be given.")
    if given.get("target") not in _TARGETS:
        raise invalid("Invalid request: `target` should be production or staging.")
    if any(not isinstance(value, str) for value in (given.get("meta") or {}).values()):
        raise invalid("Invalid request: the values of `meta` should be string.")
    earlier = lookup.deployment(call, given["deploymentId"]) if given.get("deploymentId") else None
    project = _project(call, given, earlier)
    files, git, error = _source(call, given, earlier, project)
    record = _record(call, given, project, error)
    prebuilt = call.flag("prebuilt") or bool(earlier and earlier["prebuilt"])
    record.update(files=files, gitSource=git, prebuilt=prebuilt, output=project["outputDirectory"])
    call.state.deployments[record["id"]] = record
    return deployment_record.shown(call, record)


def get(call: Call, name: str) -> dict:
    """GET /deployments/{idOrHost}."""
    return deployment_record.shown(call, lookup.deployment(call, name))


def listed(call: Call) -> dict:
    """GET /deployments?projectId=&app=&target=&state=&meta-…=."""
    project = call.asked("projectId") or call.asked("app")
    project_id = lookup.project(call, project)["id"] if project else ""
    states = [one for one in call.asked("state").upper().split(",") if one]
    target, query = call.asked("target"), call.request.query
    meta = {name.removeprefix("meta-"): value for name, value in query.items() if name.startswith("meta-")}

    def fits(one: dict) -> bool:
        return (
            one["ownerId"] == call.owner
            and project_id in ("", one["projectId"])
            and target in ("", one["target"] or "preview")
            and (not states or deployment_record.ready_state(one, call.now) in states)
            and all(one["meta"].get(name) == value for name, value in meta.items())
        )

    found = [one for one in call.state.deployments.values() if fits(one)]
    return page(call, "deployments", found, lambda one: deployment_record.row(call, one))


def events(call: Call, name: str) -> Response:
    """GET /deployments/{idOrHost}/events: an array, or with format=lines an object a line. The stream ends at once."""
    told = deployment_record.events(call, lookup.deployment(call, name))
    if call.asked("direction") == "backward":
        told.reverse()
    if call.asked("format") != "lines":
        return Response(200, json.dumps(told).encode())
    return Response(200, "".join(f"{json.dumps(one)}\n" for one in told).encode(), "application/stream+json")


def cancel(call: Call, name: str) -> dict:
    """PATCH /deployments/{id}/cancel."""
    one = lookup.deployment(call, name)
    if deployment_record.is_final(one, call.now):
        raise invalid("The deployment cannot be canceled: its build has ended.")
    one["canceled_at"] = call.stamp()
    return deployment_record.shown(call, one)


def delete(call: Call, name: str) -> dict:
    """DELETE /deployments/{id}."""
    one = lookup.deployment(call, name)
    call.state.deployments.pop(one["id"])
    state = call.state
    state.aliases = {key: alias for key, alias in state.aliases.items() if alias["deploymentId"] != one["id"]}
    project = state.projects[one["projectId"]]
    if project["production"] == one["id"]:
        project["production"] = None
    return {"uid": one["id"], "state": "DELETED"}


def builds(call: Call, name: str) -> dict:
    """GET /deployments/{id}/builds."""
    one = lookup.deployment(call, name)
    state = deployment_record.ready_state(one, call.now)
    return {"builds": [{"id": f"bld_{one['id'][4:]}", "deploymentId": one["id"], "readyState": state, "output": []}]}


def check_runs(call: Call, name: str) -> dict:
    """GET /deployments/{id}/check-runs (and checks)."""
    lookup.deployment(call, name)
    return {"runs": [], "checks": []}


def _project(call: Call, given: dict, earlier: dict | None) -> dict:
    """The project that is named, made when only `name` is given and there is none."""
    if given.get("project"):
        return lookup.project(call, given["project"], "project_not_found")
    if earlier:
        return call.state.projects[earlier["projectId"]]
    name, settings = given.get("name"), given.get("projectSettings")
    if not name:
        raise invalid("Invalid request: missing required property `name`.")
    check_name(name)
    known = [one for one in call.state.projects.values() if (one["accountId"], one["name"]) == (call.owner, name)]
    if known:
        return known[0]
    if settings is None and not call.flag("skipAutoDetectionConfirmation"):
        text = "The `projectSettings` object is required for new projects, but is missing in the deployment payload"
        raise invalid(text, "missing_project_settings")
    kept = {key: value for key, value in (settings or {}).items() if key in _SETTINGS}
    check(kept)
    return projects.new(call, {"name": name, **kept})


def _source(call: Call, given: dict, earlier: dict | None, project: dict) -> tuple[dict, dict | None, dict | None]:
    """(files, Git source, why the build must fail)."""
    if earlier:
        return earlier["files"], earlier["gitSource"], None
    if given.get("gitSource"):
        return {}, _git(given["gitSource"], project), None
    if "files" not in given:
        raise invalid("Invalid request: one of `files`, `gitSource` and `deploymentId` is required.")
    files = sources.taken(call, given["files"])
    lacks = call.flag("prebuilt") and ".vercel/output/config.json" not in files
    return files, None, _NO_OUTPUT if lacks else None


def _git(source: dict, project: dict) -> dict:
    wanted = {
        "github": (("org", "repo"), ("repoId",)),
        "gitlab": (("projectId",),),
        "bitbucket": (("owner", "slug"), ("repoUuid",)),
    }.get(str(source.get("type")))
    if wanted is None:
        raise invalid("Invalid request: `gitSource.type` should be github, gitlab or bitbucket.")
    if not any(all(source.get(name) for name in names) for names in wanted) or not (
        source.get("ref") or source.get("sha")
    ):
        needed = " or ".join("+".join(names) for names in wanted)
        raise invalid(f"Invalid request: `gitSource` should have {needed}, and `ref` or `sha`.")
    link = project["link"]
    if link is None or (source.get("repo") and (source.get("org"), source["repo"]) != (link["org"], link["repo"])):
        raise missing("The repository is not connected to the project.", "incorrect_git_source_info")
    return source


def _record(call: Call, given: dict, project: dict, error: dict | None) -> dict:
    build, knobs, now = call.state.build, call.state.knobs, call.now
    queued = now + knobs.queued_seconds
    built = queued + build.seconds
    target = None if given.get("target") == "preview" else given.get("target")
    failure = error or ({**_FAILED, **build.error} if build.outcome == "error" else None)
    branch = (given.get("gitSource") or {}).get("ref") or (given.get("gitMetadata") or {}).get("commitRef")
    host = f"{project['name']}-{identifier('', 9).lower()}-{teams.slug(call, call.owner)}.vercel.app"
    return {
        "id": identifier("dpl_"),
        "name": project["name"],
        "url": host,
        "projectId": project["id"],
        "ownerId": call.owner,
        "creator": call.token["user"],
        "target": target,
        "meta": dict(given.get("meta") or {}),
        "source": given.get("source") or ("git" if given.get("gitSource") else "api"),
        "branch": branch,
        "createdAt": call.stamp(),
        "queued_until": queued,
        "built_at": built,
        "aliases_at": built + knobs.alias_seconds,
        "build_error": failure,
        "alias_error": knobs.alias_error if target == "production" else None,
        "auto_assign": given.get("autoAssignCustomDomains", True) is not False,
        "canceled_at": None,
        "settled": False,
        "substate": None,
        "aliasAssigned": False,
        "aliasError": None,
    }
