# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask, for which team, and how often."""

from __future__ import annotations

import hashlib
import re

from lab.cloud.vercel.errors import ApiError, forbidden
from lab.cloud.vercel.state import State
from lab.cloud.wire import Clock, Request

_LIMIT_TOTAL, _LIMIT_SECONDS = 6, 60
_WITHOUT_SCOPE = re.compile(r"/user|/teams(/.*)?")  # these say themselves whom they are about


def digest(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def token(state: State, request: Request) -> dict:
    """What the request's token stands for. A bad one is answered 403, not 401."""
    scheme, _space, value = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise forbidden("The request is missing an authentication token", missingToken=True)
    known = state.tokens.get(digest(value.strip()))
    if known is None:
        raise forbidden(invalidToken=True)
    return known


def scope(state: State, request: Request, path: str, known: dict) -> str:
    """The id of the team that `teamId` or `slug` names, else of the token's default: a team, or the user."""
    if _WITHOUT_SCOPE.fullmatch(path):
        return known["user"]
    team_id, slug = request.query.get("teamId", ""), request.query.get("slug", "")
    if not team_id and not slug:
        owner = known["default_team"] or known["user"]
        if owner == known["user"] and known["limited"]:
            raise forbidden("Not authorized: this token is limited to a team; name it with teamId")
        return owner
    if team_id and team_id == known["user"]:  # the CLI does so for a personal account
        return team_id
    team = next((one for one in state.teams.values() if one["id"] == team_id or (slug and one["slug"] == slug)), None)
    if team is None or team["id"] not in known["teams"]:
        raise refused_team(state, team_id or slug)
    return team["id"]


def refused_team(state: State, name: str) -> ApiError:
    """The team is not there, or not one of the token's."""
    if state.knobs.scope_status == 404:
        return ApiError(404, "not_found", f"The team {name} was not found")
    message = f'Not authorized: Trying to access resource under scope "{name}".'
    return forbidden(message, scope=name) if state.teams.get(name) else ApiError(403, "team_unauthorized", message)


def check_rate(state: State, clock: Clock, asked: str) -> None:
    """Answer 429 while that is wanted. asked: method and path."""
    wanted = state.rate_limit
    if wanted.count == 0 or not re.search(wanted.path, asked):
        return
    wanted.count -= 1 if wanted.count > 0 else 0
    reset = clock.now() + _LIMIT_SECONDS
    usual = {"remaining": 0, "reset": int(reset), "resetMs": int(reset * 1000), "total": _LIMIT_TOTAL}
    limit = {**usual, **wanted.limit}
    headers = {
        "X-RateLimit-Limit": str(limit["total"]),
        "X-RateLimit-Remaining": str(limit["remaining"]),
        "X-RateLimit-Reset": str(limit["reset"]),
    }
    if wanted.retry_after_seconds is not None:
        headers["Retry-After"] = str(wanted.retry_after_seconds)
    raise ApiError(429, wanted.code, "Rate limit exceeded. Try again later.", headers, limit=limit)
