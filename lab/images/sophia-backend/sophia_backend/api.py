"""The backend's HTTP interface."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sophia_service.metrics import SERVICE, MetricsMiddleware, metrics_endpoint
from sophia_service.server import CloseConnectionsMiddleware, Drain
from sophia_service.settings import Environment

from sophia_backend import STAND_IN, __version__, chat
from sophia_backend.data import Data
from sophia_backend.settings import Settings


def build(environment: Environment, drain: Drain) -> tuple[FastAPI, int]:
    """The application and its port; raises SettingsError."""
    settings = Settings.read(environment)
    return create_app(settings, Data(settings), drain), settings.port


def create_app(settings: Settings, data: Data, drain: Drain) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await data.open()
        yield
        await data.close()

    app = FastAPI(title="Sophia backend (stand-in)", description=STAND_IN, version=__version__, lifespan=lifespan)
    app.state.data = data
    app.add_middleware(MetricsMiddleware)
    app.add_middleware(CloseConnectionsMiddleware, drain=drain)
    app.include_router(chat.router)
    app.get("/metrics", include_in_schema=False)(metrics_endpoint)
    SERVICE.info({"service": "sophia-backend", "version": __version__, "stand_in": "true"})

    @app.exception_handler(RedisError)
    async def conversation_store_failed(_: Request, __: RedisError) -> JSONResponse:
        detail = "the conversation store does not answer; try again"
        return JSONResponse({"detail": detail}, status_code=503, headers={"Retry-After": "2"})

    @app.get("/", tags=["service"], summary="What answers here")
    async def root() -> dict[str, Any]:
        return {"service": "sophia-backend", "version": __version__, "stand_in": STAND_IN, "documentation": "/docs"}

    @app.get("/livez", tags=["service"], summary="Whether this process answers")
    async def livez() -> dict[str, Any]:
        return {"status": "ok", "version": __version__, "draining": drain.active}

    @app.get("/health", tags=["service"], summary="Whether PostgreSQL and Redis answer: 200 or 503")
    async def health() -> JSONResponse:
        checks = await data.check()
        healthy = all(check.ok for check in checks.values())
        body = {
            "status": "ok" if healthy else "failing",
            "version": __version__,
            "draining": drain.active,
            "checks": {name: check.as_json() for name, check in checks.items()},
        }
        return JSONResponse(body, status_code=200 if healthy else 503)

    @app.get("/api/v1/lambda-labs/status", tags=["gpu"], summary="State of the GPU service")
    async def lambda_labs_status() -> dict[str, Any]:
        gpu_service = settings.gpu_service
        return {
            "status": "simulated",
            "stand_in": True,
            "region": gpu_service.region,
            "instance_type": gpu_service.instance_type,
            "gpus": list(gpu_service.gpus),
            "gpu_count": len(gpu_service.gpus),
        }

    return app
