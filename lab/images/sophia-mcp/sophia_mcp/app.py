"""The application around one MCP server: `/mcp` with a token; `/`, `/health` and `/metrics` without."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from prometheus_client import Counter
from sophia_service.health import run_checks
from sophia_service.metrics import SERVICE, MetricsMiddleware, metrics_endpoint
from sophia_service.server import CloseConnectionsMiddleware, Drain
from sophia_service.settings import Environment, Secret
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sophia_mcp import STAND_IN, __version__
from sophia_mcp.auth import BearerTokenRequired
from sophia_mcp.definition import READ, Definition

SERVERS = (
    "ai_memory",
    "ui_ux_agent",
    "codacy",
    "linear",
    "github",
    "asana",
    "lambda_labs_cli",
    "lambda_labs_serverless",
)
logging.getLogger("mcp.server.streamable_http").setLevel(logging.WARNING)  # it logs a line per request
TOOL_CALLS = Counter("mcp_tool_calls", "Calls of MCP tools.", ["tool", "outcome"])


def build(environment: Environment, drain: Drain) -> tuple[Starlette, int]:
    """The application and its port; raises SettingsError."""
    server_id = environment.text("MCP_SERVER")
    port = environment.port("MCP_PORT", 8000)
    token = environment.secret_file("MCP_TOKEN_FILE")
    module = server_id if server_id in SERVERS else "generic"  # so that a new entry of the catalog runs in the lab
    definition: Definition = import_module(f"sophia_mcp.servers.{module}").definition(environment)
    environment.check()
    return create_app(server_id.replace("_", "-"), definition, token, drain), port


def create_app(name: str, definition: Definition, token: Secret, drain: Drain) -> Starlette:
    """Serves `definition` as the server `name`.

    Each request stands alone and is answered with JSON, so any replica can take it. The SDK's check of the Host
    header guards servers that trust whoever reaches them; here every request carries the token, and the host is
    whatever name the ingress has.
    """
    server = mcp_server(name, definition)
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    endpoint = BearerTokenRequired(server.session_manager.handle_request, token, realm=name)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with definition.lifespan(), server.session_manager.run():
            yield

    async def root(_: Request) -> JSONResponse:
        return JSONResponse({"service": f"sophia-mcp {name}", "version": __version__, "stand_in": STAND_IN})

    async def health(_: Request) -> JSONResponse:
        """200 as long as MCP is served: a database that is away is reported, for a restart would not bring it back."""
        checks = await run_checks(definition.probes)
        body = {
            "status": "ok" if all(check.ok for check in checks.values()) else "degraded",
            "server": name,
            "version": __version__,
            "draining": drain.active,
            "checks": {dependency: check.as_json() for dependency, check in checks.items()},
        }
        return JSONResponse(body)

    SERVICE.info({"service": f"sophia-mcp-{name}", "version": __version__, "stand_in": "true"})
    app = Starlette(
        routes=[
            Route("/mcp", endpoint, methods=["POST"]),
            Route("/mcp/", endpoint, methods=["POST"]),
            Route("/", root),
            Route("/health", health),
            Route("/metrics", metrics_endpoint),
        ],
        middleware=[Middleware(CloseConnectionsMiddleware, drain=drain), Middleware(MetricsMiddleware)],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # behind a stripped prefix a redirect would lead to the wrong path
    return app


def mcp_server(name: str, definition: Definition) -> MCPServer:
    """The SDK's server with the definition's tools, counting their calls."""
    known = {tool.function.__name__ for tool in definition.tools}

    async def count_tool_calls(context: ServerRequestContext, call_next: CallNext) -> HandlerResult:
        if context.method != "tools/call":
            return await call_next(context)
        called = (context.params or {}).get("name")
        outcome = "error"
        try:
            result = await call_next(context)
            failed = result.get("isError") if isinstance(result, dict) else getattr(result, "is_error", False)
            outcome = "error" if failed else "ok"
            return result
        finally:
            TOOL_CALLS.labels(called if called in known else "unknown", outcome).inc()

    server = MCPServer(
        name,
        title=f"{definition.title} (stand-in)",
        instructions=f"{definition.instructions} {STAND_IN}",
        version=__version__,
        subscriptions=False,
        middleware=[count_tool_calls],
    )
    for tool in definition.tools:
        reads = tool.effect == READ
        server.add_tool(
            tool.function,
            annotations=ToolAnnotations(read_only_hint=reads, destructive_hint=False, open_world_hint=False),
        )
    return server
