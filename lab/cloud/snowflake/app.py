# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side: logins, statements, sessions (contract §3), and the rest of fakesnow's own routes."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid

from fakesnow.server import query_request as ask_fakesnow
from fakesnow.server import routes as fakesnow_routes
from fakesnow.transforms import SERVER_VERSION
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.cloud.snowflake import control, rewrite, statements
from lab.cloud.snowflake.answers import failed, status, succeeded
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import LoginError, SqlError
from lab.cloud.snowflake.faults import Fault
from lab.cloud.snowflake.service import Service
from lab.cloud.snowflake.sql import Reader, literal

_VALID_SECONDS, _MASTER_VALID_SECONDS = 3600, 14400
_ANSWERS_KEPT = 50
_OWN_ROUTES = ("/session/v1/login-request", "/session", "/session/heartbeat", "/queries/v1/query-request")
_SUCCESS = {"data": None, "code": None, "message": None, "success": True}


async def _body(request: Request) -> dict:
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body or b"{}")


def _refused(code: int, message: str) -> JSONResponse:
    """A failed login or session. The HTTP status is 200 all the same."""
    data = {"nextAction": "RETRY_LOGIN", "authnMethod": "USERNAME_PASSWORD", "signInOptions": {}}
    return JSONResponse({"data": data, "code": str(code), "message": message, "success": False, "headers": None})


class App:
    """The handlers."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def starlette(self) -> Starlette:
        own = [self.login, self.session, self.heartbeat, self.query]
        routes = [Route(path, handler, methods=["POST"]) for path, handler in zip(_OWN_ROUTES, own, strict=True)]
        routes += [
            Route("/session/token-request", self.renew, methods=["POST"]),
            Route("/telemetry/send", self.telemetry, methods=["POST"]),
            *control.routes(self.service),
        ]
        return Starlette(routes=routes + [route for route in fakesnow_routes if route.path not in _OWN_ROUTES])

    async def telemetry(self, _request: Request) -> Response:
        return JSONResponse({"success": True})

    def _of(self, request: Request) -> Session | None:
        """The session whose token a request carries."""
        header = request.headers.get("Authorization", "")
        return self.service.account.sessions.get(header.partition('Token="')[2].rstrip('"'))

    async def login(self, request: Request) -> Response:
        data = (await _body(request)).get("data") or {}
        fault = self.service.faults.take("login", str(data.get("LOGIN_NAME")))
        if fault and fault.kind == "error":
            return _refused(fault.errno, fault.message)
        if fault and (answer := await self._spoiled(request, fault)):
            return answer
        async with self.service.turn:
            try:
                session = self.service.enter(data, dict(request.query_params))
            except LoginError as error:
                return _refused(error.code, error.message)
        names = {"databaseName": session.database, "schemaName": session.schema}
        names |= {"warehouseName": session.warehouse, "roleName": session.role}
        return JSONResponse({**_SUCCESS, "data": self._tokens(session) | {"sessionInfo": names}})

    def _tokens(self, session: Session) -> dict:
        return {
            "token": session.token,
            "masterToken": f"master-{session.token}",
            "validityInSeconds": _VALID_SECONDS,
            "masterValidityInSeconds": _MASTER_VALID_SECONDS,
            "displayUserName": session.user,
            "serverVersion": SERVER_VERSION,
            "firstLogin": False,
            "sessionId": session.number,
            "parameters": [
                {"name": "AUTOCOMMIT", "value": session.connection._autocommit},  # noqa: SLF001
                {"name": "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "value": 3600},
                {"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0},
            ],
        }

    async def renew(self, request: Request) -> Response:
        """A session token for a master token. The lab's do not end, so it is the same again."""
        header = request.headers.get("Authorization", "")
        session = self.service.account.sessions.get(header.partition('Token="')[2].rstrip('"').removeprefix("master-"))
        if session is None:
            return _refused(390114, "Authentication token has expired.  The user must authenticate again.")
        data = {"sessionToken": session.token, "validityInSecondsST": _VALID_SECONDS}
        data |= {"masterToken": f"master-{session.token}", "validityInSecondsMT": _MASTER_VALID_SECONDS}
        return JSONResponse({**_SUCCESS, "data": data | {"sessionId": session.number}})

    async def session(self, request: Request) -> Response:
        session = self._of(request)
        if session is None:
            return _refused(390104, "User must login again to access the service.")
        if request.query_params.get("delete"):
            async with self.service.turn:
                self.service.leave(session.token)
        return JSONResponse(_SUCCESS)

    async def heartbeat(self, request: Request) -> Response:
        return await self.session(request)

    async def _spoiled(self, request: Request, fault: Fault) -> Response | None:
        """What a fault other than an error has sent; None to go on."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return None
        if fault.kind == "http":
            return Response("A fault of the lab.\n", status_code=fault.status, media_type="text/plain")
        request.state.transport.abort()
        return Response()

    async def query(self, request: Request) -> Response:
        session = self._of(request)
        if session is None:
            return _refused(390104, "User must login again to access the service.")
        body = await _body(request)
        text, asked = str(body.get("sqlText", "")), request.query_params.get("requestId") or str(uuid.uuid4())
        fault = self.service.faults.take("statement", text)
        if fault and fault.kind == "error" and not fault.carried_out:
            error = SqlError(fault.errno, fault.sqlstate, fault.message)
            self._note(session, text, failed(error))
            return JSONResponse(failed(error))
        if fault and not fault.carried_out and (spoiled := await self._spoiled(request, fault)):
            return spoiled
        async with self.service.turn:
            answer = session.answers.get(asked)
            if answer is None:
                answer = await self._carry_out(request, session, body, text)
                self._note(session, text, answer)
                session.answers[asked] = answer
                for old in list(session.answers)[:-_ANSWERS_KEPT]:
                    del session.answers[old]
        if fault and fault.carried_out and (spoiled := await self._spoiled_after(request, fault)):
            return spoiled
        return JSONResponse(answer)

    async def _spoiled_after(self, request: Request, fault: Fault) -> Response | None:
        if fault.kind == "error":
            return JSONResponse(failed(SqlError(fault.errno, fault.sqlstate, fault.message)))
        return await self._spoiled(request, fault)

    def _note(self, session: Session, text: str, answer: dict) -> None:
        entry = {"sql": text, "ok": bool(answer["success"]), "user": session.user, "role": session.role}
        self.service.statements.append(entry | ({} if answer["success"] else {"errno": int(answer["code"])}))
        self.service.store.touch()

    async def _carry_out(self, request: Request, session: Session, body: dict, text: str) -> dict:
        described = bool(body.get("describeOnly"))
        try:
            bound = _bound(text, body)
            if bound != text:
                text, body = bound, {**body, "bindings": None}
            if described and not Reader(text).take_one("SHOW", "DESCRIBE", "DESC", "SELECT", "WITH"):
                return succeeded(status(""), session.final(), described=True)
            table = await run_in_threadpool(self._own, session, text)
            if table is not None:
                return succeeded(table, session.final(), described)
            return await self._hand_on(request, session, {**body, "sqlText": rewrite.for_fakesnow(session, text)})
        except SqlError as error:
            return failed(error)

    def _own(self, session: Session, text: str) -> object:
        with self.service.catalogue.lock:
            return statements.answer(self.service.account, session, text)

    async def _hand_on(self, request: Request, session: Session, body: dict) -> dict:
        """Have fakesnow answer."""
        headers = [(name, value) for name, value in request.scope["headers"] if name != b"content-encoding"]

        async def receive() -> dict:
            return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

        answer = await ask_fakesnow(Request({**request.scope, "headers": headers}, receive))
        value = json.loads(answer.body)
        if answer.status_code != 200:  # it does not know what to do; a client would ask again and again
            return failed(SqlError(603, "XX000", f"SQL execution internal error: {value.get('message')}"))
        if value["success"]:
            value["data"] |= session.final()
        return value


def _bound(text: str, body: dict) -> str:
    """A statement that is answered here with the values bound to its question marks."""
    bindings = body.get("bindings") or {}
    if not bindings or not Reader(text).take_one(
        "CREATE", "ALTER", "DROP", "SHOW", "GRANT", "REVOKE", "COMMENT", "USE"
    ):
        return text
    parts, at = [], 0
    marks = [token for token in Reader(text).tokens if token.kind == "mark" and token.value == "?"]
    for number, token in enumerate(marks, 1):
        parts += [text[at : token.start], literal(str(bindings[str(number)]["value"]))]
        at = token.end
    return "".join([*parts, text[at:]])
