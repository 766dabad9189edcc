# SPDX-License-Identifier: GPL-3.0-or-later
"""Promotion and rollback: production's names are led to another deployment, without a build."""

from __future__ import annotations

from lab.cloud.vercel import deployment_record, lookup, timeline
from lab.cloud.vercel.call import Call
from lab.cloud.vercel.errors import ApiError, missing
from lab.cloud.wire import Response

_PENDING_PART = 0.3  # of the time that it takes


def promote(call: Call, project_name: str, deployment_name: str) -> Response:
    """POST /projects/{id}/promote/{deploymentId}: 201, or 202, without a body."""
    project, one = _found(call, project_name, deployment_name)
    if project["production"] == one["id"] and not project["stopped_by_rollback"]:
        raise ApiError(409, "conflict", f"The deployment {one['url']} is already the current production deployment.")
    return _request(call, project, one, "promote", call.state.knobs.promote_status)


def rollback(call: Call, project_name: str, deployment_name: str) -> Response:
    """POST /projects/{id}/rollback/{deploymentId}?description=: 201 without a body."""
    project, one = _found(call, project_name, deployment_name)
    if project["production"] == one["id"]:
        raise ApiError(409, "conflict", f"The deployment {one['url']} is already the current production deployment.")
    if one["target"] != "production" or one["substate"] != "PROMOTED":
        raise _impossible(f"The deployment {one['url']} was never in production.")
    return _request(call, project, one, "rollback", 201)


def aliases(call: Call, project_name: str) -> dict:
    """GET /projects/{id}/promote/aliases?failedOnly= (and rollback/aliases): those of the last request."""
    project = lookup.project(call, project_name)
    wanted, found = project["alias_request"], []
    status = {"succeeded": "completed", "failed": "failed"}.get(wanted["jobStatus"] if wanted else "", "pending")
    if wanted and (status == "failed" or not call.flag("failedOnly")):
        for name in timeline.names(call.state, project):
            known = call.state.aliases.get(name)
            found.append({"alias": name, "id": known["uid"] if known else name, "status": status})
    return {"aliases": found, "pagination": {"count": len(found), "next": None, "prev": None}}


def _found(call: Call, project_name: str, deployment_name: str) -> tuple[dict, dict]:
    project, one = lookup.project(call, project_name), lookup.deployment(call, deployment_name)
    if one["projectId"] != project["id"]:
        raise missing(f"The deployment {deployment_name} was not found.", "deployment_not_found")
    if deployment_record.ready_state(one, call.now) != "READY":
        raise _impossible(f"The deployment {one['url']} is not ready.")
    wanted = project["alias_request"]
    if wanted and wanted["jobStatus"] in timeline.RUNNING:
        raise ApiError(409, "conflict", "A promotion or rollback is already in progress.")
    return project, one


def _request(call: Call, project: dict, one: dict, kind: str, status: int) -> Response:
    knobs = call.state.knobs
    wanted = {
        "fromDeploymentId": project["production"],
        "toDeploymentId": one["id"],
        "jobStatus": "pending",
        "requestedAt": call.stamp(),
        "type": kind,
        "begins_at": call.now + knobs.promote_seconds * _PENDING_PART,
        "ends_at": call.now + knobs.promote_seconds,
        "final_status": knobs.promote_outcome,
    }
    if knobs.promote_recorded:
        project["alias_request"] = wanted
    return Response(status, content_type="text/plain; charset=utf-8")  # the CLI would read JSON and ask again


def _impossible(message: str) -> ApiError:
    return ApiError(422, "unprocessable_entity", message)
