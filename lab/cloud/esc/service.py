# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulumi ESC as the server in front of it sees it."""

from __future__ import annotations

from dataclasses import asdict, replace

from lab.cloud.esc.accounts import Accounts, Token
from lab.cloud.esc.call import Call
from lab.cloud.esc.controls import Controls
from lab.cloud.esc.editing import reformatted
from lab.cloud.esc.knobs import Knobs
from lab.cloud.esc.problems import Invalid, Refused
from lab.cloud.esc.routes import ENVIRONMENT_ROUTES, ORGANIZATION_ROUTES, matched
from lab.cloud.esc.secrets import Sealer
from lab.cloud.esc.store import Environment, Store
from lab.cloud.wire import Clock, Request, Response, document

PREFIX = ["api", "esc", "environments"]
ANSWERED_ELSEWHERE = ("/api/user", "/api/user/organizations/default", "/api/oauth/token")


class Esc:
    """Environments of any number of organizations. Tokens are given by the control actions; there is none at first."""

    name = "esc"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.accounts = Accounts(clock)
        self.store = Store(clock)
        self.sealer = Sealer()
        self.knobs = Knobs()
        self.controls = Controls(self.accounts, self.store, self.knobs)

    def handles(self, request: Request) -> bool:
        return request.path in ANSWERED_ELSEWHERE or f"{request.path}/".startswith("/api/esc/")

    def handle(self, request: Request) -> Response:
        head = request.method == "HEAD"
        try:
            response = self._answer(replace(request, method="GET") if head else request)
        except Refused as refused:
            response = self._refusal(refused)
        except Invalid as invalid:
            said = [each.json() for each in invalid.diagnostics]
            told = {} if self.knobs.bare_diagnostics else {"code": 400, "message": f"Bad Request: {invalid}"}
            response = document({**told, "diagnostics": said}, 400)
        return replace(response, body=b"") if head else response

    def _refusal(self, refused: Refused) -> Response:
        if refused.status == 404 and self.knobs.plain_404:
            return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
        return document({"code": refused.status, "message": refused.message}, refused.status)

    def _answer(self, request: Request) -> Response:
        if request.path == "/api/oauth/token" and request.method == "POST":
            return self.accounts.exchange(request)
        token = self.accounts.caller(request)
        if request.method == "GET" and request.path == "/api/user":
            return self.accounts.user(token, not self.knobs.hide_token_info)
        if request.method == "GET" and request.path == "/api/user/organizations/default":
            if self.knobs.hide_default_organization:
                raise Refused(404, "not found")
            return document({"gitHubLogin": (token.organizations or [""])[0]})
        parts = [part for part in request.path.split("/") if part]
        if parts[:3] != PREFIX:
            raise Refused(404, "not found")
        return self._below(parts[3:], request, token)

    def _below(self, parts: list[str], request: Request, token: Token) -> Response:
        call = Call(request, token, self.store, self.sealer, self.knobs, (parts or [""])[0])
        if call.organization and not token.sees(call.organization):
            raise Refused(404, f"organization {call.organization} not found")
        for method, pattern, permission, handler in ORGANIZATION_ROUTES:
            captured = matched(pattern, parts)
            if captured is not None and method == request.method:
                _permit(token, permission)
                return handler(replace(call, captured=captured[1:]))
        if len(parts) < 3:
            raise Refused(404, "not found")
        return self._below_environment(parts, replace(call, environment=self._environment(parts, token)))

    def _environment(self, parts: list[str], token: Token) -> Environment:
        environment = self.store.find((parts[0], parts[1], parts[2]))
        if not token.may_read or not token.sees(*parts[:3]):
            raise Refused(404, f"environment {'/'.join(parts[:3])} not found")
        return environment

    def _below_environment(self, parts: list[str], call: Call) -> Response:
        for method, pattern, permission, handler in ENVIRONMENT_ROUTES:
            captured = matched(pattern, parts[3:])
            if captured is not None and method == call.request.method:
                _permit(call.token, permission)
                if method == "PATCH" and not pattern:
                    self.controls.write_second(call.env)
                response = handler(replace(call, captured=captured))
                return self._as_told(response)
        raise Refused(404, "not found")

    def _as_told(self, response: Response) -> Response:
        if self.knobs.reformat and response.content_type.endswith("yaml"):
            return replace(response, body=reformatted(response.body.decode()).encode())
        return response

    def control(self, action: str, given: dict) -> object:
        """token, oidc, environment, environments, merge_secrets, values, second_writer, knobs: see controls.py."""
        return self.controls.carry_out(action, given, self.sealer)

    def dump(self) -> dict:
        return {
            "accounts": self.accounts.dump(),
            "store": self.store.dump(),
            "key": self.sealer.key.hex(),
            "knobs": asdict(self.knobs),
            "second_writers": self.controls.second_writers,
        }

    def load(self, state: dict) -> None:
        self.accounts.load(state["accounts"])
        self.store.load(state["store"])
        self.sealer = Sealer(bytes.fromhex(state["key"]))
        self.knobs.set({"reset": True, **state["knobs"]})
        self.controls.second_writers = state["second_writers"]


def _permit(token: Token, permission: str) -> None:
    """Raises Refused. What may not be read is not there."""
    if not getattr(token, f"may_{permission}"):
        if permission == "read":
            raise Refused(404, "not found")
        raise Refused(403, "You do not have permission to perform this operation.")
