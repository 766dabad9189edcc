# SPDX-License-Identifier: GPL-3.0-or-later
"""The service: which function answers which path. Any version is taken in front of a path, and none as well."""

from __future__ import annotations

import re

from lab.cloud.vercel import (
    access,
    aliases,
    controls,
    deployments,
    domain_config,
    domains,
    environment,
    hosting,
    projects,
    promotion,
    sources,
    team_domains,
    teams,
    timeline,
)
from lab.cloud.vercel import state as states
from lab.cloud.vercel.call import Call
from lab.cloud.vercel.errors import ApiError, missing
from lab.cloud.wire import Clock, Request, Response, document

_FIRST = [
    "user",
    "teams",
    "projects",
    "domains",
    "project-domains",
    "deployments",
    "files",
    "aliases",
    "env",
    "registrar",
    "integrations",
    "edge-config",
    "web",
    "access-groups",
]
_PROJECT, _DEPLOYMENT = "/projects/([^/]+)", "/deployments/([^/]+)"
_ROUTES = {
    "GET /user": teams.user,
    "GET /teams": teams.listed,
    "GET /teams/([^/]+)": teams.get,
    "POST /projects": projects.create,
    "GET /projects": projects.listed,
    f"GET {_PROJECT}": projects.get,
    f"PATCH {_PROJECT}": projects.change,
    f"DELETE {_PROJECT}": projects.delete,
    f"POST {_PROJECT}/link": projects.connect,
    f"DELETE {_PROJECT}/link": projects.disconnect,
    f"GET {_PROJECT}/production-deployment": projects.production,
    f"GET {_PROJECT}/custom-environments": projects.nothing("environments"),
    f"GET {_PROJECT}/routes": projects.nothing("routes"),
    f"GET {_PROJECT}/env": environment.listed,
    f"POST {_PROJECT}/env": environment.create,
    f"DELETE {_PROJECT}/env": environment.delete_many,
    f"GET {_PROJECT}/env/([^/]+)": environment.get,
    f"PATCH {_PROJECT}/env/([^/]+)": environment.change,
    f"DELETE {_PROJECT}/env/([^/]+)": environment.delete,
    "GET /env/pull/([^/]+)/([^/]+)": environment.pulled,
    "GET /env/pull/([^/]+)/([^/]+)/(.+)": environment.pulled,
    f"POST {_PROJECT}/domains": domains.attach,
    f"POST {_PROJECT}/alias": domains.attach_old,
    f"GET {_PROJECT}/domains": domains.listed,
    f"GET {_PROJECT}/domains/([^/]+)": domains.get,
    f"PATCH {_PROJECT}/domains/([^/]+)": domains.change,
    f"DELETE {_PROJECT}/domains/([^/]+)": domains.detach,
    f"POST {_PROJECT}/domains/([^/]+)/verify": domains.verify,
    f"POST {_PROJECT}/domains/([^/]+)/move": domains.move,
    "DELETE /project-domains/([^/]+)": domains.remove_from_all,
    f"POST {_PROJECT}/promote/([^/]+)": promotion.promote,
    f"POST {_PROJECT}/rollback/([^/]+)": promotion.rollback,
    f"GET {_PROJECT}/(?:promote|rollback)/aliases": promotion.aliases,
    "GET /domains": team_domains.listed,
    "POST /domains": team_domains.add,
    "GET /domains/([^/]+)": team_domains.get,
    "DELETE /domains/([^/]+)": team_domains.delete,
    "GET /domains/([^/]+)/config": domain_config.config,
    "GET /domains/([^/]+)/project-domains": domains.for_name,
    "GET /domains/records/([^/]+)": team_domains.get_record,
    "PATCH /domains/records/([^/]+)": team_domains.change_record,
    "GET /domains/([^/]+)/records": team_domains.records,
    "POST /domains/([^/]+)/records": team_domains.add_record,
    "DELETE /domains/([^/]+)/records/([^/]+)": team_domains.delete_record,
    "GET /domains/([^/]+)/verification": team_domains.verification,
    "POST /domains/([^/]+)/claim": team_domains.claim,
    "POST /files": sources.upload,
    "POST /deployments": deployments.create,
    "GET /deployments": deployments.listed,
    f"GET {_DEPLOYMENT}": deployments.get,
    f"DELETE {_DEPLOYMENT}": deployments.delete,
    f"PATCH {_DEPLOYMENT}/cancel": deployments.cancel,
    f"GET {_DEPLOYMENT}/events": deployments.events,
    f"GET {_DEPLOYMENT}/builds": deployments.builds,
    f"GET {_DEPLOYMENT}/(?:checks|check-runs)": deployments.check_runs,
    f"GET {_DEPLOYMENT}/aliases": aliases.of_deployment,
    f"POST {_DEPLOYMENT}/aliases": aliases.create,
    "GET /aliases": aliases.listed,
    "GET /aliases/([^/]+)": aliases.get,
    "DELETE /aliases/([^/]+)": aliases.delete,
}


class Vercel:
    """Vercel."""

    name = "vercel"
    actions = controls.ACTIONS

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.state = states.State()

    def handles(self, request: Request) -> bool:
        first = _path(request).strip("/").partition("/")[0]
        return first in _FIRST or _is_hosting(request)

    def handle(self, request: Request) -> Response:
        timeline.settle(self.state, self.clock.now())
        if _is_hosting(request):
            return hosting.serve(self.state, self.clock.now(), request)
        try:
            return self._answer(request)
        except ApiError as error:
            return error.response()
        finally:
            timeline.settle(self.state, self.clock.now())

    def control(self, action: str, given: dict) -> object:
        timeline.settle(self.state, self.clock.now())
        return controls.control(self, action, given)

    def dump(self) -> dict:
        return self.state.dump()

    def load(self, state: dict) -> None:
        self.state = states.load(state)

    def _answer(self, request: Request) -> Response:
        path = _path(request)
        asked = f"{request.method} {path}"
        token = access.token(self.state, request)
        access.check_rate(self.state, self.clock, asked)
        owner = access.scope(self.state, request, path, token)
        call = Call(self.state, self.clock, request, token, owner)
        for route, answer in _ROUTES.items():
            match = re.fullmatch(route, asked)
            if match:
                answered = answer(call, *match.groups())
                return answered if isinstance(answered, Response) else document(answered)
        raise missing("The requested API endpoint was not found.")


def _path(request: Request) -> str:
    """The path without its version and the `now` of older endpoints."""
    path = re.sub(r"^/v\d+(?=/)", "", request.path)
    return re.sub(r"^/now(?=/)", "", path).rstrip("/")


def _is_hosting(request: Request) -> bool:
    return request.path.startswith(f"{hosting.PREFIX}/")
