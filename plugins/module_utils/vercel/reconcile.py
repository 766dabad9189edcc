# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a project as it is wanted: reads everything once, plans, writes, and tells what DNS must hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel import (
    deployments,
    dns,
    domain_plan,
    domains,
    environment_variables,
    plan,
    project,
)
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

ROUNDS_COUNT = 3  # after a write whose outcome is unknown, everything is read and compared again
POLL_SECONDS = 5.0


def present(client: Client, want: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Have the project. `want` is the module's options, with clean domains."""
    have = read(client, want)
    problems = plan.problems(have, want)
    if problems:
        raise VercelError(" ".join(problems))
    first = todo = plan.make(have, want)
    if not check_mode:
        for number in range(1, ROUNDS_COUNT + 1):
            try:
                have = apply(client, todo, have, want)
                break
            except VercelError as error:
                if not error.outcome_unknown or number == ROUNDS_COUNT:
                    raise
            have = read(client, want)
            todo = plan.make(have, want)
    changes = list(first.changes)
    attached = [entry for entry in have.domains if entry["name"] in {one["name"] for one in want["domains"] or []}]
    verified, report = watch(client, have.project, attached, want, check_mode)
    changes += [(f"ownership of {name}", "unproven", "verified") for name in verified]
    return {
        "changed": bool(changes),
        "changes": [f"{what}: {before} -> {after}" for what, before, after in changes],
        "diff": plan.texts(changes),
        "project_id": (have.project or {}).get("id", ""),
        **report,
    }


def absent(client: Client, want: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Have no such project."""
    name = want["name"]
    if want["confirm_name"] != name:
        raise VercelError(
            f"The project {name} is not deleted: with it go its deployments, domains and variables. Say confirm_name: "
            f"{name} to have that."
        )
    found = project.read(client, name)
    if found and not check_mode:
        _delete(client, found["id"], name)
    changes = [(f"project {name}", "present", "absent")] if found else []
    return {
        "changed": bool(found),
        "changes": [f"{what}: {before} -> {after}" for what, before, after in changes],
        "diff": plan.texts(changes),
        "project_id": "",
        "domains": [],
        "dns_records": [],
    }


def information(client: Client, name: str, ttl_seconds: int) -> dict[str, Any]:
    """What is known of a project and its domains. Only reads."""
    found = project.read(client, name)
    if not found:
        return {"exists": False, "project_id": "", "production": {}, "domains": [], "dns_records": []}
    now_id = deployments.current_id(client, found)
    now = (deployments.read(client, now_id) if now_id else None) or {}
    production = {
        "id": now.get("id", ""),
        "ready_state": now.get("state", ""),
        "serves": bool(now) and deployments.serves(now),
        "aliases": now.get("aliases", []),
        "url": now.get("url", ""),
    }
    custom = [
        entry
        for entry in domains.read(client, found["id"])
        if not entry["name"].endswith(domain_plan.OWN_SUFFIX) and not entry.get("gitBranch")
    ]
    report = _report(client, found, custom, ttl_seconds)
    return {"exists": True, "project_id": found["id"], "production": production, **report}


def read(client: Client, want: Mapping[str, Any]) -> plan.Have:
    """Read what is compared, in at most three calls and further pages."""
    found = project.read(client, want["name"])
    if not found:
        return plan.Have()
    return plan.Have(
        found,
        environment_variables.read(client, found["id"]) if want["environment_variables"] is not None else [],
        domains.read(client, found["id"]) if want["domains"] is not None else [],
    )


def apply(client: Client, todo: plan.Plan, have: plan.Have, want: Mapping[str, Any]) -> plan.Have:
    """Write what differs. Each write leaves something that the next run can finish."""
    found, name, settings = have.project, want["name"], todo.settings
    if found is None:
        found = project.create(client, name, plan.at_creation(settings))
        settings = plan.settings(found, want)
    if settings:
        found = project.update(client, found["id"], name, settings)
    _apply_variables(client, found["id"], todo)
    return plan.Have(found, have.variables, _apply_domains(client, found["id"], todo, have))


def watch(
    client: Client, found: Mapping[str, Any] | None, attached: list, want: Mapping[str, Any], check_mode: bool
) -> tuple[list[str], dict[str, Any]]:
    """Ask Vercel to verify what is not, and wait for the domains when that is wanted. Returns what became verified."""
    deadline = client.clock.monotonic() + want["wait_domains_seconds"]
    verified: list[str] = []
    while True:
        if not check_mode:
            attached = [_verified(client, found["id"], entry, verified) for entry in attached]
        report = _report(client, found, attached, want["dns_ttl_seconds"])
        left = dns.unready(report["domains"])
        if check_mode or not left or not want["wait_domains_seconds"]:
            return verified, report
        if client.clock.monotonic() >= deadline:
            wanted = "; ".join(f"{one['fqdn']} {one['type']} {one['value']}" for one in report["dns_records"])
            raise VercelError(
                f"After {want['wait_domains_seconds']} s these domains are not ready: {', '.join(left)}. DNS must "
                f"hold: {wanted}. Publish that, and wait until resolvers see it."
            )
        client.clock.sleep(POLL_SECONDS)


def _report(client: Client, found: Mapping[str, Any] | None, attached: list, ttl_seconds: int) -> dict[str, Any]:
    """The domains as they stand, and the records that DNS must hold, each once."""
    states, records = [], []
    for entry in attached:
        configuration = domains.configuration(client, found["id"], entry["name"])
        states.append(dns.status(entry, configuration))
        records += [one for one in dns.records(entry, configuration, ttl_seconds) if one not in records]
    return {"domains": states, "dns_records": records}


def _verified(client: Client, project_id: str, entry: Mapping[str, Any], verified: list[str]) -> Mapping[str, Any]:
    if entry.get("verified"):
        return entry
    answer = domains.verify(client, project_id, entry["name"])
    if not answer or not answer.get("verified"):
        return entry
    verified.append(entry["name"])
    return {**entry, "verified": True}


def _apply_variables(client: Client, project_id: str, todo: plan.Plan) -> None:
    for entry in todo.environment.deletes:
        environment_variables.delete(client, project_id, entry["id"], entry["key"])
    for old, entry in todo.environment.updates:
        environment_variables.update(client, project_id, old["id"], entry)
    if todo.environment.creates:
        environment_variables.create(client, project_id, todo.environment.creates)


def _apply_domains(client: Client, project_id: str, todo: plan.Plan, have: plan.Have) -> list[Mapping[str, Any]]:
    """Write, and return the domains as they are then."""
    now = {entry["name"]: entry for entry in have.domains}
    for fields in todo.domains.attaches:
        answer = domains.attach(client, project_id, fields)
        wanted = {"redirect": fields.get("redirect"), "status": fields.get("redirectStatusCode")}
        if domain_plan.redirect_changes(answer, wanted):  # it was there already, as another program left it
            answer = _redirected(client, project_id, answer, domain_plan.redirect_fields(wanted))
        now[fields["name"]] = answer
    for old, fields in todo.domains.updates:
        now[old["name"]] = _redirected(client, project_id, old, fields)
    for entry in todo.domains.detaches:
        domains.detach(client, project_id, entry["name"])
        del now[entry["name"]]
    return list(now.values())


def _redirected(client: Client, project_id: str, old: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    return {**old, **fields, **(domains.update(client, project_id, old["name"], dict(fields)) or {})}


def _delete(client: Client, project_id: str, name: str) -> None:
    """Delete; when nobody knows whether that was done, look and do it once more."""
    try:
        return project.delete(client, project_id, name)
    except VercelError as error:
        if not error.outcome_unknown:
            raise
    return project.delete(client, project_id, name) if project.read(client, name) else None
