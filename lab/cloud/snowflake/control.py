# SPDX-License-Identifier: GPL-3.0-or-later
"""/lab/…: users, faults, what was executed, and a new beginning."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lab.cloud.snowflake import faults, users
from lab.cloud.snowflake.service import Service


def routes(service: Service) -> list[Route]:
    """The control's routes."""

    async def given(request: Request) -> dict:
        value = json.loads(await request.body() or b"{}")
        if not isinstance(value, dict):
            raise ValueError("The body is a JSON object.")
        return value

    async def set_user(request: Request) -> Response:
        with service.catalogue.lock:
            name = users.put(service.catalogue, await given(request))
        service.store.touch()
        return JSONResponse({"name": name})

    async def list_users(_request: Request) -> Response:
        held = service.catalogue.held
        known = sorted(service.catalogue.objects["USER"])
        return JSONResponse([{"name": name, "roles": held("USER", name)} for name in known])

    async def add_fault(request: Request) -> Response:
        service.faults.add(faults.parse(await given(request)))
        return JSONResponse(service.faults.list())

    async def list_faults(_request: Request) -> Response:
        return JSONResponse(service.faults.list())

    async def clear_faults(_request: Request) -> Response:
        service.faults.clear()
        return JSONResponse([])

    async def list_statements(_request: Request) -> Response:
        return JSONResponse(service.statements)

    async def clear_statements(_request: Request) -> Response:
        service.statements.clear()
        return JSONResponse([])

    async def reset(_request: Request) -> Response:
        async with service.turn:
            service.reset()
        return JSONResponse({})

    async def guarded(handler, request: Request) -> Response:
        try:
            return await handler(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    def route(path: str, method: str, handler) -> Route:
        async def endpoint(request: Request) -> Response:
            return await guarded(handler, request)

        return Route(f"/lab/{path}", endpoint, methods=[method])

    return [
        route("users", "POST", set_user),
        route("users", "GET", list_users),
        route("faults", "POST", add_fault),
        route("faults", "GET", list_faults),
        route("faults", "DELETE", clear_faults),
        route("statements", "GET", list_statements),
        route("statements", "DELETE", clear_statements),
        route("reset", "POST", reset),
    ]
