# SPDX-License-Identifier: GPL-3.0-or-later
"""The user and the user's teams."""

from __future__ import annotations

from lab.cloud.vercel.access import refused_team
from lab.cloud.vercel.call import Call, page


def user(call: Call) -> dict:
    """GET /user. A limited token is told less."""
    known = call.state.users[call.token["user"]]
    shown = {"id": known["id"], "email": known["email"], "username": known["username"], "name": known["name"]}
    if call.token["limited"]:
        return {"user": {**shown, "limited": True}}
    more = {"avatar": None, "defaultTeamId": call.token["default_team"], "version": "northstar", "limited": False}
    return {"user": {**shown, **more, "createdAt": known["createdAt"], "billing": {"plan": "pro"}, "softBlock": None}}


def listed(call: Call) -> dict:
    """GET /teams."""
    teams = [call.state.teams[team_id] for team_id in call.token["teams"]]
    return page(call, "teams", teams, lambda team: _shown(call, team))


def get(call: Call, name: str) -> dict:
    """GET /teams/{idOrSlug}."""
    for team_id in call.token["teams"]:
        if name in (team_id, call.state.teams[team_id]["slug"]):
            return _shown(call, call.state.teams[team_id])
    raise refused_team(call.state, name)


def slug(call: Call, owner: str) -> str:
    """How an owner is called in host names."""
    known = call.state.teams.get(owner)
    return known["slug"] if known else call.state.users[owner]["username"]


def _shown(call: Call, team: dict) -> dict:
    membership = {"role": "OWNER", "confirmed": True, "uid": call.token["user"], "teamId": team["id"]}
    more = {"avatar": None, "creatorId": call.token["user"], "updatedAt": team["createdAt"], "billing": {"plan": "pro"}}
    return {**team, **more, "membership": membership}
