"""Running an ASGI application as PID 1 of a container, and stopping it without losing a request.

A balancer that polls learns late that a task is going away. So after SIGTERM the process serves on as before for
`drain_seconds` (answers say `Connection: close`, which empties the balancer's connection pools), then it closes its
socket, finishes what is open within `shutdown_seconds` and exits with status 0.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sophia_service.settings import Environment, SettingsError

logger = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 120  # longer than a balancer keeps idle connections (Traefik: 90), so that it closes first
SETTINGS_EXIT_STATUS = 78  # EX_CONFIG of sysexits.h


class Drain:
    """Whether the process was asked to stop, and since when."""

    def __init__(self) -> None:
        self._started_at: float | None = None

    def begin(self) -> None:
        self._started_at = time.monotonic()

    @property
    def active(self) -> bool:
        return self._started_at is not None

    @property
    def elapsed_seconds(self) -> float:
        return 0.0 if self._started_at is None else time.monotonic() - self._started_at


class CloseConnectionsMiddleware:
    """Adds `Connection: close` to HTTP answers while draining."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self.app = app
        self.drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def close_after(message: Message) -> None:
            if message["type"] == "http.response.start" and self.drain.active:
                message["headers"] = [*message.get("headers", []), (b"connection", b"close")]
            await send(message)

        await self.app(scope, receive, close_after if scope["type"] == "http" else send)


class DrainingServer(uvicorn.Server):
    """uvicorn's server, whose first SIGTERM starts the drain; a second signal, or SIGINT, ends it."""

    def __init__(self, config: uvicorn.Config, drain: Drain, drain_seconds: float) -> None:
        super().__init__(config)
        self.drain = drain
        self.drain_seconds = drain_seconds
        self._announced = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and not self.drain.active:
            self.drain.begin()
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self.drain.active:
            if not self._announced:
                self._announced = True
                logger.info("asked to stop: serving on for %g s", self.drain_seconds)
            if self.drain.elapsed_seconds >= self.drain_seconds:
                self.should_exit = True
        return await super().on_tick(counter)


def run_service(build: Callable[[Environment, Drain], tuple[ASGIApp, int]], environment: Environment) -> None:
    """Builds the application with `build`, which returns it and its port, and serves it until the process is stopped.

    Exits with status 78 and one line per problem when the environment is wrong.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    drain = Drain()
    drain_seconds = environment.number("DRAIN_SECONDS", 6, 0, 300)
    shutdown_seconds = environment.number("SHUTDOWN_SECONDS", 8, 0, 300)
    try:
        app, port = build(environment, drain)
    except SettingsError as error:
        for problem in error.problems:
            logger.error("cannot start: %s", problem)
        sys.exit(SETTINGS_EXIT_STATUS)
    config = uvicorn.Config(
        app,
        host="0.0.0.0",
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(shutdown_seconds),
    )
    DrainingServer(config, drain, drain_seconds).run()
    logger.info("stopped")
