# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding what a path names within the scope; what is another team's is not there."""

from __future__ import annotations

from lab.cloud.vercel.call import Call
from lab.cloud.vercel.errors import missing
from lab.cloud.vercel.state import State


def project(call: Call, name: str, code: str = "not_found") -> dict:
    """The project with this id or name."""
    for one in call.state.projects.values():
        if one["accountId"] == call.owner and name in (one["id"], one["name"]):
            return one
    raise missing("Project not found.", code, projectId=name)


def deployment(call: Call, name: str) -> dict:
    """The deployment with this id, this host of its own, or with an alias of this name."""
    found = deployment_at(call.state, name)
    if found is None or found["ownerId"] != call.owner:
        raise missing(f"The deployment {name} was not found.", "deployment_not_found")
    return found


def deployment_at(state: State, name: str) -> dict | None:
    """The deployment with this id, host or alias, whoever's it is."""
    name = name.removeprefix("https://").rstrip("/")
    alias = state.aliases.get(name)
    known = state.deployments.get(alias["deploymentId"] if alias else name)
    return known or next((one for one in state.deployments.values() if one["url"] == name), None)
