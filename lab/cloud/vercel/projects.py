# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects, each of a team or a user."""

from __future__ import annotations

from lab.cloud.vercel import deployment_record, domains, environment, lookup, project_fields
from lab.cloud.vercel.call import Call, page
from lab.cloud.vercel.errors import ApiError, invalid
from lab.cloud.vercel.state import identifier
from lab.cloud.wire import Response

_LATEST = 5


def create(call: Call) -> dict:
    """POST /projects."""
    given = call.body(*project_fields.CREATED, required=("name",))
    project_fields.check(given)
    variables = given.get("environmentVariables") or []
    if not isinstance(variables, list):
        raise invalid("Invalid request: `environmentVariables` should be array.")
    project = new(call, given)
    try:
        for one in variables:
            environment.add(call, project["id"], one)
    except ApiError:
        remove(call, project)
        raise
    return shown(call, project)


def new(call: Call, given: dict) -> dict:
    """Make a project of checked values."""
    check_free(call, given["name"])
    linked = _linked(call, given["gitRepository"]) if given.get("gitRepository") else None
    project = {"id": identifier("prj_"), "accountId": call.owner, **project_fields.DEFAULTS, "link": linked}
    apart = ("gitRepository", "environmentVariables", "skipGitConnectDuringLink")
    project.update({name: value for name, value in given.items() if name not in apart})
    now = call.stamp()
    project.update(createdAt=now, updatedAt=now, production=None, alias_request=None, stopped_by_rollback=False)
    call.state.projects[project["id"]] = project
    call.state.environment[project["id"]] = []
    domains.add_own(call, project)
    return project


def get(call: Call, name: str) -> dict:
    """GET /projects/{idOrName}."""
    return shown(call, lookup.project(call, name))


def change(call: Call, name: str) -> dict:
    """PATCH /projects/{idOrName}."""
    project = lookup.project(call, name)
    given = call.body(*project_fields.CHANGED)
    project_fields.check(given)
    if given.get("name", project["name"]) != project["name"]:
        check_free(call, given["name"])
    project.update(given, updatedAt=call.stamp())
    return shown(call, project)


def delete(call: Call, name: str) -> Response:
    """DELETE /projects/{idOrName}."""
    remove(call, lookup.project(call, name))
    return Response(204)


def remove(call: Call, project: dict) -> None:
    """Take a project away with all that is its own."""
    state, project_id = call.state, project["id"]
    state.projects.pop(project_id)
    state.environment.pop(project_id, None)
    state.project_domains = [one for one in state.project_domains if one["projectId"] != project_id]
    state.deployments = {key: one for key, one in state.deployments.items() if one["projectId"] != project_id}
    state.aliases = {key: one for key, one in state.aliases.items() if one["projectId"] != project_id}


def listed(call: Call) -> dict:
    """GET /projects?search=."""
    search = call.asked("search")
    own = [one for one in call.state.projects.values() if one["accountId"] == call.owner and search in one["name"]]
    return page(call, "projects", own, lambda one: shown(call, one), sort="updatedAt")


def connect(call: Call, name: str) -> dict:
    """POST /projects/{id}/link: the only way to change the repository."""
    project = lookup.project(call, name)
    project.update(link=_linked(call, call.body()), updatedAt=call.stamp())
    return shown(call, project)


def disconnect(call: Call, name: str) -> dict:
    """DELETE /projects/{id}/link."""
    project = lookup.project(call, name)
    project.update(link=None, updatedAt=call.stamp())
    return shown(call, project)


def production(call: Call, name: str) -> dict:
    """GET /projects/{id}/production-deployment."""
    project = lookup.project(call, name)
    current = call.state.deployments.get(project["production"] or "")
    shown_one = deployment_record.brief(call, current) if current else None
    return {"deployment": shown_one, "deploymentIsStale": False, "rollbackDescription": None}


def nothing(key: str) -> object:
    """An endpoint of a project that has nothing of the kind."""

    def answer(call: Call, name: str, *_more: str) -> dict:
        lookup.project(call, name)
        return {key: []}

    return answer


def shown(call: Call, project: dict) -> dict:
    """A project as the API shows it."""
    apart = ("production", "alias_request", "stopped_by_rollback")
    known = {name: value for name, value in project.items() if name not in apart}
    if known["link"] is None:
        del known["link"]
    current = call.state.deployments.get(project["production"] or "")
    known["targets"] = {"production": deployment_record.brief(call, current)} if current else {}
    own = [one for one in call.state.deployments.values() if one["projectId"] == project["id"]]
    own.sort(key=lambda one: one["createdAt"], reverse=True)
    known["latestDeployments"] = [deployment_record.brief(call, one) for one in own[:_LATEST]]
    known["live"] = current is not None
    if call.flag("rollbackInfo") and project["alias_request"]:
        known["lastAliasRequest"] = alias_request(project)
    return known


def alias_request(project: dict) -> dict:
    """The last promotion or rollback, without what the simulator keeps for itself."""
    return {name: value for name, value in project["alias_request"].items() if "_" not in name}


def check_free(call: Call, name: str) -> None:
    """A name is one project's in its team."""
    if any(one["name"] == name and one["accountId"] == call.owner for one in call.state.projects.values()):
        raise ApiError(409, "conflict", f"A project with the name {name} already exists.")


def _linked(call: Call, repository: object) -> dict:
    link = project_fields.link(repository)
    if not call.state.knobs.git_app_installed:
        text = "To link a GitHub repository, you need to install the GitHub integration first."
        raise invalid(text, action="Install GitHub App", link="https://github.com/apps/vercel", repo=link["repo"])
    return link
