# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of the control endpoint: tokens, others' domains, DNS, builds and what else a test must bring about."""

from __future__ import annotations

import hashlib
import re
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from lab.cloud.vercel import access, domains, team_domains
from lab.cloud.vercel.call import Call
from lab.cloud.vercel.domain_config import CONFIGURED_BY
from lab.cloud.vercel.domain_rules import apex, check_name
from lab.cloud.vercel.errors import ApiError
from lab.cloud.vercel.project_fields import DEFAULTS
from lab.cloud.vercel.state import identifier
from lab.cloud.wire import Request

if TYPE_CHECKING:
    from lab.cloud.vercel.service import Vercel

_OTHER_TEAM = "team_OfAnotherAccount"
_NUMBERS = ("queued_seconds", "alias_seconds", "promote_seconds")
_CHOICES = {
    "domain_conflict_status": (409, 400),
    "verify_code": ("missing_txt_record", "existing_project_domain"),
    "scope_status": (403, 404),
    "promote_status": (201, 202),
    "promote_outcome": ("succeeded", "failed", "skipped"),
}


def token(vercel: Vercel, given: dict) -> dict:
    """token, user (a user name), teams: [{id, slug, name}]; optionally limited (true: the token is for its teams \
only), default_team (the id that counts without teamId; else the user's own account). valid: false takes it back."""
    _only(given, "token", "user", "teams", "limited", "default_team", "valid")
    key = access.digest(_text(given, "token"))
    if given.get("valid", True) is False:
        vercel.state.tokens.pop(key, None)
        return {"tokens": len(vercel.state.tokens)}
    user, teams = _text(given, "user"), given.get("teams", [])
    if not isinstance(teams, list) or not all(isinstance(team, dict) for team in teams):
        raise ValueError("teams is a list of {id, slug, name}.")
    for team in teams:
        _only(team, "id", "slug", "name")
    known = [{name: _text(team, name) for name in ("id", "slug", "name")} for team in teams]
    ids = [team["id"] for team in known]
    if given.get("default_team") not in (None, *ids):
        raise ValueError("default_team is the id of one of teams.")
    user_id = f"usr_{hashlib.sha256(user.encode()).hexdigest()[:20]}"
    now = vercel.state.now_ms(vercel.clock)
    told = {"id": user_id, "username": user, "name": user, "email": f"{user}@lab.invalid", "createdAt": now}
    vercel.state.users[user_id] = told
    for team in known:
        vercel.state.teams[team["id"]] = {**team, "createdAt": vercel.state.now_ms(vercel.clock)}
    rights = {"limited": bool(given.get("limited")), "default_team": given.get("default_team")}
    vercel.state.tokens[key] = {"user": user_id, "teams": ids, **rights}
    return {"user_id": user_id, "tokens": len(vercel.state.tokens)}


def project_of_other_team(vercel: Vercel, given: dict) -> dict:
    """name, domain: another team has a project with this domain, so that attaching the domain, or another under its \
apex, needs verification. locked: true has it answered 403."""
    _only(given, "name", "domain", "locked")
    name, domain = _text(given, "name"), _domain(given)
    call = _other(vercel)
    project = {"id": identifier("prj_"), "accountId": _OTHER_TEAM, "name": name, **DEFAULTS, "link": None}
    now = call.stamp()
    project.update(createdAt=now, updatedAt=now, production=None, alias_request=None, stopped_by_rollback=False)
    taken = {one["name"] for one in vercel.state.project_domains}
    if domain in taken:
        raise ValueError(f"{domain} is a project's already; tell this before it is attached.")
    vercel.state.projects[project["id"]], vercel.state.environment[project["id"]] = project, []
    domains.hold(call, project, domain)
    locked = bool(given.get("locked"))
    vercel.state.domains[apex(domain)] = team_domains.new(_OTHER_TEAM, apex(domain), call.stamp(), locked)
    return {"project_id": project["id"], "team_id": _OTHER_TEAM}


def domain_dns(vercel: Vercel, given: dict) -> dict:
    """domain, configured_by (A, CNAME, http, dns-01 or null): where the domain's DNS leads."""
    _only(given, "domain", "configured_by")
    domain, how = _domain(given), given.get("configured_by")
    if how not in CONFIGURED_BY:
        raise ValueError(f"configured_by is {how!r}; it is A, CNAME, http, dns-01 or null.")
    vercel.state.dns[domain] = how
    return vercel.state.dns


def verify_domain(vercel: Vercel, given: dict) -> dict:
    """domain: its TXT record is published, so that the next request to verify it succeeds. published: false takes \
that back."""
    _only(given, "domain", "published")
    domain = _domain(given)
    others = [one for one in vercel.state.published_txt if one != domain]
    vercel.state.published_txt = [*others, domain] if given.get("published", True) else others
    return {"published": vercel.state.published_txt}


def build(vercel: Vercel, given: dict) -> dict:
    """seconds, outcome (ready or error), error {code, message}: how later deployments are built."""
    if given.get("outcome", "ready") not in ("ready", "error"):
        raise ValueError("outcome is ready or error.")
    error = given.get("error") or {}
    if not isinstance(error, dict) or set(error) - {"code", "message"}:
        raise ValueError("error is an object with code and message.")
    _numbers(given, "seconds")
    vercel.state.build = _replaced(vercel.state.build, {**given, "error": error})
    return vars(vercel.state.build)


def rate_limit(vercel: Vercel, given: dict) -> dict:
    """count: the next requests answered 429 (-1: until count is 0 again); limit: over the `limit` that they get; \
code, retry_after_seconds (null: no header), path: a regular expression searched in the method and path."""
    count = given.get("count")
    if type(count) is not int or count < -1:
        raise ValueError("count is a number of requests, or -1 for no end.")
    after = given.get("retry_after_seconds")
    if not isinstance(given.get("limit", {}), dict) or not isinstance(after, (int, type(None))):
        raise ValueError("limit is an object, and retry_after_seconds a number or null.")
    try:
        re.compile(given.get("path", ""))
    except (re.error, TypeError):
        raise ValueError("path is no regular expression.") from None
    fresh = type(vercel.state.rate_limit)()
    vercel.state.rate_limit = _replaced(fresh, given)
    return vars(vercel.state.rate_limit)


def knobs(vercel: Vercel, given: dict) -> dict:
    """Where the sources differ or say nothing, and how long things take; without values it tells those of now."""
    _numbers(given, *_NUMBERS)
    for name, allowed in _CHOICES.items():
        if name in given and given[name] not in allowed:
            raise ValueError(f"{name} is one of {', '.join(map(str, allowed))}.")
    error = given.get("alias_error")
    if error is not None and (not isinstance(error, dict) or set(error) != {"code", "message"}):
        raise ValueError("alias_error is {code, message}, or null.")
    vercel.state.knobs = _replaced(vercel.state.knobs, given)
    return vars(vercel.state.knobs)


ACTIONS = {
    each.__name__: each for each in (build, domain_dns, knobs, project_of_other_team, rate_limit, token, verify_domain)
}


def control(vercel: Vercel, action: str, given: dict) -> object:
    """Do one action. Raises ValueError, in a sentence."""
    if action not in ACTIONS:
        raise ValueError(f"The simulated Vercel has no action {action!r}; it has {', '.join(sorted(ACTIONS))}.")
    return ACTIONS[action](vercel, given)


def _other(vercel: Vercel) -> Call:
    """A call in the name of the other team."""
    now = vercel.state.now_ms(vercel.clock)
    team = {"id": _OTHER_TEAM, "slug": "another-account", "name": "Another account", "createdAt": now}
    vercel.state.teams.setdefault(_OTHER_TEAM, team)
    return Call(vercel.state, vercel.clock, Request("GET", "/"), {}, _OTHER_TEAM)


def _only(given: dict, *names: str) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"There is no {', '.join(unknown)}; there is {', '.join(names)}.")


def _text(given: dict, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is a text, and needed.")
    return value


def _domain(given: dict) -> str:
    try:
        return check_name(_text(given, "domain"))
    except ApiError as error:
        raise ValueError(str(error)) from None


def _numbers(given: dict, *names: str) -> None:
    for name in names:
        value = given.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ValueError(f"{name} is {value!r}, not a number from 0.")


def _replaced(settings: object, given: dict) -> object:
    """The settings with these values. Switches and lists keep their type."""
    _only(given, *(each.name for each in fields(settings)))
    for name, value in given.items():
        now = getattr(settings, name)
        if isinstance(now, (bool, list, str)) and type(value) is not type(now):
            raise ValueError(f"{name} cannot be {value!r}.")
    return replace(settings, **given)
