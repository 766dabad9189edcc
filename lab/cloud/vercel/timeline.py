# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens as time passes: builds end and get their names, promotions and rollbacks are carried out."""

from __future__ import annotations

from lab.cloud.vercel.state import State, identifier

RUNNING = ("pending", "in-progress")


def settle(state: State, now: float) -> None:
    """Carry out, in their order, what was due until now."""
    due = []
    for one in state.deployments.values():
        if not one["settled"] and one["aliases_at"] <= now:
            due.append((one["aliases_at"], len(due), _end_deployment, one))
    for project in state.projects.values():
        wanted = project["alias_request"]
        if wanted and wanted["jobStatus"] in RUNNING:
            wanted["jobStatus"] = "pending" if now < wanted["begins_at"] else "in-progress"
            if wanted["ends_at"] <= now:
                due.append((wanted["ends_at"], len(due), _end_request, project))
    for _at, _number, end, one in sorted(due, key=lambda each: each[:2]):
        end(state, one)


def assign(state: State, project: dict, one: dict, at: float) -> None:
    """Have the project's names lead to this deployment, which is in production from now."""
    for name in names(state, project):
        point(state, name, one, at)
    project["production"], one["substate"] = one["id"], "PROMOTED"


def names(state: State, project: dict) -> list[str]:
    """The names of a project's production: those that are its own, without a branch's and unverified ones."""
    own = [one for one in state.project_domains if one["projectId"] == project["id"]]
    return [one["name"] for one in own if one["verified"] and not one["gitBranch"]]


def point(state: State, name: str, one: dict, at: float) -> dict:
    """Have one name lead to a deployment."""
    known = state.aliases.get(name)
    alias = known or {"uid": identifier("als_"), "alias": name, "createdAt": int(at * 1000), "redirect": None}
    alias.update(deploymentId=one["id"], projectId=one["projectId"], ownerId=one["ownerId"], updatedAt=int(at * 1000))
    state.aliases[name] = alias
    return alias


def _end_deployment(state: State, one: dict) -> None:
    one["settled"] = True
    if one["build_error"] or one["canceled_at"] is not None:
        return
    at = one["aliases_at"]
    if one["alias_error"]:
        one["aliasError"] = one["alias_error"]
        return
    project = state.projects[one["projectId"]]
    if one["target"] == "production":
        current = state.deployments.get(project["production"] or "")
        newest = current is None or current["createdAt"] < one["createdAt"]
        wanted = one["auto_assign"] and project["autoAssignCustomDomains"] and not project["stopped_by_rollback"]
        if wanted and newest:
            assign(state, project, one, at)
    else:
        for domain in state.project_domains:
            mine = domain["projectId"] == project["id"] and domain["verified"]
            if mine and domain["gitBranch"] and domain["gitBranch"] == one["branch"]:
                point(state, domain["name"], one, at)
    one["aliasAssigned"] = int(at * 1000)


def _end_request(state: State, project: dict) -> None:
    wanted = project["alias_request"]
    wanted["jobStatus"] = wanted["final_status"]
    one = state.deployments.get(wanted["toDeploymentId"])
    if wanted["jobStatus"] != "succeeded" or one is None:
        return
    assign(state, project, one, wanted["ends_at"])
    one["aliasAssigned"], one["aliasError"] = int(wanted["ends_at"] * 1000), None
    project["stopped_by_rollback"] = wanted["type"] == "rollback" and state.knobs.rollback_stops_assignment
