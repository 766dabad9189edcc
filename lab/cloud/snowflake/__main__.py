# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab.cloud.snowflake`: serves a simulated Snowflake account on loopback until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import warnings
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

warnings.filterwarnings("ignore", message="Arrow output on a DB-API result")

from lab.cloud.snowflake import users  # noqa: E402
from lab.cloud.snowflake.app import App  # noqa: E402
from lab.cloud.snowflake.service import Service  # noqa: E402
from lab.cloud.store import StoreError  # noqa: E402

HOST = "127.0.0.1"


class Protocol(H11Protocol):
    """Gives the handlers the connection, so that they can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="python -m lab.cloud.snowflake", description=__doc__)
    root.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0, the default, takes a free one")
    root.add_argument("--state", type=Path, metavar="DIR", help="keep everything in this directory, and go on from it")
    root.add_argument("--users", type=Path, metavar="FILE", help="JSON, a list of what /lab/users is given")
    return root


def read_users(file: Path | None) -> list[dict]:
    """The users' file. Raises ValueError, in a sentence."""
    if file is None:
        return []
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The users' file {file} cannot be read: {error}.") from error
    if not isinstance(given, list) or not all(isinstance(user, dict) for user in given):
        raise ValueError(f"The users' file {file} is not a list of objects.")
    return given


class Server(uvicorn.Server):
    """Tells where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        place = {"host": HOST, "port": sockets[0].getsockname()[1], "protocol": "http", "account": "lab"}
        print(json.dumps(place), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Serve; 1 with the reason on stderr when that cannot be."""
    given = parser().parse_args(arguments)
    os.umask(0o077)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, given.port))
        service = Service(given.state)
        for user in read_users(given.users):
            users.put(service.catalogue, user)
        service.store.start()
    except OSError as error:
        print(f"lab.cloud.snowflake: it cannot start on {HOST}:{given.port}: {error}.", file=sys.stderr)
        return 1
    except (StoreError, ValueError) as error:
        print(f"lab.cloud.snowflake: {error}", file=sys.stderr)
        return 1
    logging.getLogger("fakesnow.server").setLevel(logging.CRITICAL)  # it would log the statements
    config = uvicorn.Config(App(service).starlette(), http=Protocol, log_level="critical", timeout_graceful_shutdown=2)
    server = Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again when it has ended
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run([listening])
    service.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
