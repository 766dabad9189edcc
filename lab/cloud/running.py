# SPDX-License-Identifier: GPL-3.0-or-later
"""For tests: the simulated clouds in this process, on a thread."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from lab.cloud.clouds import Clouds
from lab.cloud.server import Server


class ControlError(Exception):
    """The control endpoint refused; the text is what it said."""


class Cloud:
    """The simulated clouds that run, as a test speaks to them."""

    def __init__(self, server: Server) -> None:
        self.urls = server.urls
        self._port = server.server_port

    def control(self, path: str, given: dict | None = None, method: str = "POST") -> object:
        """One request to the control endpoint: `control("lambda/quota", {"instances": 3})`. Raises ControlError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            body = None if given is None else json.dumps(given)
            connection.request(method, f"{urlsplit(self.urls['control']).path}/{path}".rstrip("/"), body=body)
            answer = connection.getresponse()
            value = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ControlError(f"{method} {path}: {value['error']}")
        return value

    def calls(self, service: str | None = None) -> list[dict]:
        """What was asked of a service, or of all: {service, method, path, command (Namecheap), status, seconds}."""
        return [call for call in self.control("calls", method="GET") if service in (None, call["service"])]

    def forget_calls(self) -> None:
        """Forget what was asked until now."""
        self.control("calls", method="DELETE")

    def fault(self, service: str, kind: str, count: int = 1, **more: object) -> None:
        """Have the next requests to a service go wrong; see lab/cloud/faults.py."""
        self.control("faults", {"service": service, "kind": kind, "count": count, **more})

    def advance(self, seconds: float) -> None:
        """Let time pass for the clouds."""
        self.control("clock", {"advance_seconds": seconds})

    def reset(self) -> None:
        """Begin anew: no keys, no data, no faults, no calls."""
        self.control("reset")


@contextmanager
def running(*, state: Path | str | None = None, seed: dict | None = None, machines: object = None) -> Iterator[Cloud]:
    """Serve on a free port of 127.0.0.1 while the block runs. state: a file; seed: {service: {action: given}}."""
    clouds = Clouds(Path(state) if state else None, machines)
    server = Server(clouds)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    try:
        clouds.start(seed)
        thread.start()
        yield Cloud(server)
    finally:
        if thread.is_alive():
            server.shutdown()
        server.server_close()
        clouds.close()
