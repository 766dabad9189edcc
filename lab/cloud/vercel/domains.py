# SPDX-License-Identifier: GPL-3.0-or-later
"""The domains of projects. `verified` is about whose a domain is, not about its DNS."""

from __future__ import annotations

import secrets

from lab.cloud.vercel import lookup, team_domains, teams, timeline
from lab.cloud.vercel.call import Call, page, typed
from lab.cloud.vercel.domain_rules import OWN_SUFFIX, apex, check_name
from lab.cloud.vercel.errors import ApiError, forbidden, invalid, missing

_REDIRECTS = (None, 301, 302, 307, 308)
_CHANGED = ("redirect", "redirectStatusCode", "gitBranch")


def add_own(call: Call, project: dict) -> None:
    """The name under vercel.app that a new project gets; with the team's when it is taken."""
    taken = {one["name"] for one in call.state.project_domains} | set(call.state.aliases)
    base, slug = project["name"].replace(".", "-").replace("_", "-").strip("-"), teams.slug(call, call.owner)
    for name in (base, f"{base}-{slug}", f"{base}-{secrets.token_hex(4)}"):
        if f"{name}{OWN_SUFFIX}" not in taken:
            hold(call, project, f"{name}{OWN_SUFFIX}")
            return


def attach(call: Call, name: str) -> dict:
    """POST /projects/{id}/domains."""
    project = lookup.project(call, name)
    given = call.body("name", "customEnvironmentId", *_CHANGED, required=("name",))
    return shown(_attach(call, project, given))


def attach_old(call: Call, name: str) -> list[dict]:
    """POST /projects/{id}/alias {"domain"}: as the CLI does; an array."""
    project = lookup.project(call, name)
    given = call.body("domain", "redirect", "target", "force", required=("domain",))
    known = _attach(call, project, {"name": given["domain"], "redirect": given.get("redirect")})
    return [{**shown(known), "domain": known["name"], "target": "PRODUCTION"}]


def get(call: Call, name: str, domain: str) -> dict:
    """GET /projects/{id}/domains/{domain}."""
    return shown(_find(call, lookup.project(call, name), domain))


def listed(call: Call, name: str) -> dict:
    """GET /projects/{id}/domains?production=&verified=."""
    project = lookup.project(call, name)
    own = [one for one in call.state.project_domains if one["projectId"] == project["id"]]
    wanted = {"true": True, "false": False}.get(call.asked("verified"))
    return page(call, "domains", [one for one in own if wanted in (None, one["verified"])], shown)


def change(call: Call, name: str, domain: str) -> dict:
    """PATCH /projects/{id}/domains/{domain}."""
    project = lookup.project(call, name)
    known = _find(call, project, domain)
    given = call.body(*_CHANGED)
    _check({**known, **given})
    known.update(given, updatedAt=call.stamp())
    _point(call, project, known)
    return shown(known)


def detach(call: Call, name: str, domain: str) -> dict:
    """DELETE /projects/{id}/domains/{domain}."""
    _detach(call, _find(call, lookup.project(call, name), domain))
    return {}


def verify(call: Call, name: str, domain: str) -> dict:
    """POST /projects/{id}/domains/{domain}/verify: 400 while the TXT record is not there."""
    project = lookup.project(call, name)
    known = _find(call, project, domain)
    if known["verified"]:
        return shown(known)
    if domain not in call.state.published_txt:
        challenge = known["verification"][0]
        if call.state.knobs.verify_code == "existing_project_domain":
            text = f"The domain {domain} is already assigned to another project."
        else:
            text = f'is missing required TXT Record "{challenge["value"]}"'
            text = f"Domain {challenge['domain']} {text}"
        raise invalid(text, call.state.knobs.verify_code, domain=domain)
    others = [one for one in call.state.project_domains if one["name"] == domain and one is not known]
    for one in others:
        call.state.project_domains.remove(one)
    call.state.aliases.pop(domain, None)
    known.update(verified=True, verification=[], updatedAt=call.stamp())
    _point(call, project, known)
    return shown(known)


def move(call: Call, name: str, domain: str) -> dict:
    """POST /projects/{id}/domains/{domain}/move {"projectId"}."""
    known = _find(call, lookup.project(call, name), domain)
    given = call.body("projectId", *_CHANGED, required=("projectId",))
    target = lookup.project(call, given.pop("projectId"), "project_not_found")
    _detach(call, known)
    return shown(_attach(call, target, {"name": domain, **given}))


def for_name(call: Call, domain: str) -> dict:
    """GET /domains/{domain}/project-domains: those under an apex within the scope."""
    own = {key for key, one in call.state.projects.items() if one["accountId"] == call.owner}
    found = [one for one in call.state.project_domains if one["projectId"] in own and one["apexName"] == domain]
    return page(call, "projectDomains", found, shown)


def remove_from_all(call: Call, domain: str) -> dict:
    """DELETE /project-domains/{domain}: as the CLI does."""
    own = {key for key, one in call.state.projects.items() if one["accountId"] == call.owner}
    found = [one for one in call.state.project_domains if one["name"] == domain and one["projectId"] in own]
    if not found:
        raise _missing(domain)
    _detach(call, found[0])
    return {}


def hold(call: Call, project: dict, name: str) -> None:
    """A domain that a project has already."""
    call.state.project_domains.append(_record(call, project, name, {}))


def shown(one: dict) -> dict:
    """A project's domain as the API shows it."""
    found = dict(one)
    if not found["verification"]:
        del found["verification"]
    return found


def _attach(call: Call, project: dict, given: dict) -> dict:
    name = check_name(given["name"])
    _check(given)
    same = [one for one in call.state.project_domains if one["name"] == name]
    mine = [one for one in same if call.state.projects[one["projectId"]]["accountId"] == call.owner]
    status = call.state.knobs.domain_conflict_status
    if mine or (same and name.endswith(OWN_SUFFIX)):
        holder = mine[0]["projectId"] if mine else None
        text = f"Cannot add {name} since it's already assigned to " + (
            "this project." if holder == project["id"] else "another project."
        )
        more = {"projectId": holder} if holder else {}
        raise ApiError(status, "domain_already_in_use", text, domain={"name": name}, **more)
    registered = call.state.domains.get(apex(name))
    if registered and registered["ownerId"] != call.owner and registered["locked"]:
        raise forbidden(f"The domain {apex(name)} belongs to another team.", domain=apex(name))
    known = _record(call, project, name, given)
    if _used_elsewhere(call, name):
        value = f"vc-domain-verify={name},{secrets.token_hex(10)}"
        challenge = {"type": "TXT", "domain": f"_vercel.{apex(name)}", "value": value}
        known.update(verified=False, verification=[{**challenge, "reason": "pending_domain_verification"}])
    elif not name.endswith(OWN_SUFFIX):
        team_domains.ensure(call, apex(name))
    call.state.project_domains.append(known)
    _point(call, project, known)
    return known


def _record(call: Call, project: dict, name: str, given: dict) -> dict:
    now = call.stamp()
    return {
        "name": name,
        "apexName": apex(name),
        "projectId": project["id"],
        "redirect": given.get("redirect"),
        "redirectStatusCode": given.get("redirectStatusCode"),
        "gitBranch": given.get("gitBranch"),
        "customEnvironmentId": given.get("customEnvironmentId"),
        "createdAt": now,
        "updatedAt": now,
        "verified": True,
        "verification": [],
    }


def _used_elsewhere(call: Call, name: str) -> bool:
    registered = call.state.domains.get(apex(name))
    if registered and registered["ownerId"] == call.owner:
        return any(
            one["name"] == name and call.state.projects[one["projectId"]]["accountId"] != call.owner
            for one in call.state.project_domains
        )
    return registered is not None or any(
        one["apexName"] == apex(name) and call.state.projects[one["projectId"]]["accountId"] != call.owner
        for one in call.state.project_domains
        if one["verified"]
    )


def _check(given: dict) -> None:
    typed(given, {"redirect": str, "gitBranch": str, "customEnvironmentId": str, "redirectStatusCode": int})
    redirect, status = given.get("redirect"), given.get("redirectStatusCode")
    if status not in _REDIRECTS:
        raise invalid("Invalid request: `redirectStatusCode` should be 301, 302, 307 or 308.")
    if status is not None and redirect is None:
        raise invalid("Invalid request: `redirectStatusCode` needs `redirect`.")
    if redirect is not None:
        check_name(redirect)
        if redirect == given.get("name"):
            raise invalid("A domain cannot redirect to itself.", "invalid_domain")


def _point(call: Call, project: dict, known: dict) -> None:
    """A verified name leads to what is in production at once."""
    current = call.state.deployments.get(project["production"] or "")
    if current and known["verified"] and not known["gitBranch"]:
        timeline.point(call.state, known["name"], current, call.stamp() / 1000)


def _detach(call: Call, known: dict) -> None:
    call.state.project_domains.remove(known)
    alias = call.state.aliases.get(known["name"])
    if alias and alias["projectId"] == known["projectId"]:
        del call.state.aliases[known["name"]]
    if known["name"] in call.state.published_txt:  # the next attachment has another token
        call.state.published_txt.remove(known["name"])


def _find(call: Call, project: dict, domain: str) -> dict:
    for one in call.state.project_domains:
        if one["projectId"] == project["id"] and one["name"] == domain:
            return one
    raise _missing(domain)


def _missing(domain: str) -> ApiError:
    return missing(f"The domain {domain} is not assigned to the project.", domain=domain)
