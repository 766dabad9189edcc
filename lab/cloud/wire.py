# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated clouds exchange with the server in front of them. Shares no code with the clients."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """One request. `path` is decoded and its runs of slashes collapsed; header names are lower-case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw_target: str = ""

    def json(self) -> object:
        """The body as JSON, None when it is empty. Raises ValueError when it is neither."""
        return json.loads(self.body) if self.body.strip() else None

    def form(self) -> dict[str, str]:
        """The body as form fields; the last of several of one name."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def document(value: object, status: int = 200, **headers: str) -> Response:
    """A JSON answer; `_` in a header's name stands for `-`."""
    return Response(status, json.dumps(value).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


class Clock:
    """Seconds since the epoch; the control endpoint can let them pass."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def now(self) -> float:
        return time.time() + self.ahead_seconds

    def advance(self, seconds: float) -> None:
        self.ahead_seconds += seconds


class Service(Protocol):
    """One simulated cloud. The server calls it with one request at a time, so it needs no lock."""

    name: str

    def handles(self, request: Request) -> bool:
        """Whether a path is this cloud's."""

    def handle(self, request: Request) -> Response:
        """Carry the request out."""

    def control(self, action: str, given: dict) -> object:
        """Its own switches and seeds. Raises ValueError, in a sentence, for an action or value it does not know."""

    def dump(self) -> dict:
        """All its state, for JSON."""

    def load(self, state: dict) -> None:
        """Take a dumped state back."""
