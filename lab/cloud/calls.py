# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what the simulated clouds were asked. It holds no query, header or body, so no secret."""

from __future__ import annotations

import threading
from collections import deque

from lab.cloud.wire import Request

_KEPT = 20_000


def command(request: Request) -> str:
    """Namecheap's Command parameter, of the query or of the form; empty for other requests."""
    given = dict(request.query)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        given |= request.form()
    return next((value for name, value in given.items() if name.lower() == "command"), "")


class Calls:
    """The last requests, the oldest first."""

    def __init__(self) -> None:
        self._calls: deque[dict] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def add(self, service: str, method: str, request: Request, status: int | None, seconds: float) -> None:
        """status: None when the connection was closed without an answer."""
        call = {"service": service, "method": method, "path": request.path}
        if service == "namecheap":
            call["command"] = command(request)
        with self._lock:
            self._calls.append({**call, "status": status, "seconds": round(seconds, 4)})

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def list(self) -> list[dict]:
        with self._lock:
            return list(self._calls)
