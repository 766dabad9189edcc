# SPDX-License-Identifier: GPL-3.0-or-later
"""Aliases: names that lead to one deployment each."""

from __future__ import annotations

from lab.cloud.vercel import deployment_record, lookup, timeline
from lab.cloud.vercel.call import Call, page
from lab.cloud.vercel.domain_rules import apex, check_name
from lab.cloud.vercel.errors import ApiError, forbidden, invalid, missing


def create(call: Call, name: str) -> dict:
    """POST /deployments/{id}/aliases {"alias"}: takes it from the deployment that had it."""
    one = lookup.deployment(call, name)
    alias = call.body("alias", "redirect", required=("alias",))["alias"]
    check_name(alias)
    known = call.state.aliases.get(alias)
    if known and known["ownerId"] != call.owner:
        raise ApiError(409, "alias_in_use", f"The alias {alias} is in use by another account.", alias=alias)
    if deployment_record.ready_state(one, call.now) != "READY":
        raise invalid("The deployment is not ready.", "deployment_not_ready")
    if not alias.endswith(".vercel.app"):
        _check_custom(call, alias)
    before = known["deploymentId"] if known else None
    made = timeline.point(call.state, alias, one, call.stamp() / 1000)
    answer = {"uid": made["uid"], "alias": alias, "created": made["createdAt"]}
    return {**answer, "oldDeploymentId": before} if before and before != one["id"] else answer


def of_deployment(call: Call, name: str) -> dict:
    """GET /deployments/{id}/aliases."""
    one = lookup.deployment(call, name)
    found = [alias for alias in call.state.aliases.values() if alias["deploymentId"] == one["id"]]
    return {"aliases": [_shown(call, alias) for alias in found]}


def get(call: Call, name: str) -> dict:
    """GET /aliases/{idOrAlias}."""
    return _shown(call, _find(call, name))


def listed(call: Call) -> dict:
    """GET /aliases?projectId=&domain=."""
    project_id, domain = call.asked("projectId"), call.asked("domain")
    own = [one for one in call.state.aliases.values() if one["ownerId"] == call.owner]
    own = [one for one in own if project_id in ("", one["projectId"]) and domain in ("", one["alias"])]
    return page(call, "aliases", own, lambda one: _shown(call, one))


def delete(call: Call, name: str) -> dict:
    """DELETE /aliases/{idOrAlias}."""
    call.state.aliases.pop(_find(call, name)["alias"])
    return {"status": "SUCCESS"}


def _check_custom(call: Call, alias: str) -> None:
    owners = [one["ownerId"] for one in call.state.project_domains if one["name"] == alias]
    domain = call.state.domains.get(apex(alias))
    owner = domain["ownerId"] if domain else None
    if call.owner not in owners and owner != call.owner:
        if owner or owners:
            raise forbidden(f"You don't have access to the domain {apex(alias)}.", domain=apex(alias))
        raise missing(f"The domain {apex(alias)} was not found.", "domain_not_found", domain=apex(alias))
    if call.state.dns.get(alias) is None:
        raise invalid(f"There is no certificate for {alias}; its DNS does not lead here.", "cert_missing", alias=alias)


def _find(call: Call, name: str) -> dict:
    for alias in call.state.aliases.values():
        if alias["ownerId"] == call.owner and name in (alias["uid"], alias["alias"]):
            return alias
    raise missing(f"The alias {name} was not found.", alias=name)


def _shown(call: Call, alias: dict) -> dict:
    one = call.state.deployments.get(alias["deploymentId"])
    found = {key: value for key, value in alias.items() if key != "ownerId"}
    found["deployment"] = {"id": one["id"], "url": one["url"], "meta": "{}"} if one else None
    return {**found, "created": alias["createdAt"], "creator": {"uid": call.token["user"]}}
