# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what goes wrong with the next requests to a service, told through the control endpoint."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field

from lab.cloud.wire import Request, Response

KINDS = {
    "status": "answer with status, body, content_type, headers; not carried out unless carried_out is true",
    "slow": "wait for seconds, then carry it out",
    "cut_before": "close the connection; not carried out",
    "cut_after": "carry it out, then close the connection without an answer",
    "truncate": "carry it out, announce the whole body and send half of it",
    "html": "answer 502, or status, with an HTML page; not carried out unless carried_out is true",
    "garbage": "answer 200, or status, with what is neither JSON nor XML; not carried out unless carried_out is true",
}
_TYPES = {"count": int, "status": int, "seconds": (int, float), "headers": dict, "carried_out": bool}
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>A gateway's page.</p></body></html>"
_GARBAGE = b"\x00\xff\xfe{<not \x80 a document"


@dataclass
class Fault:
    """One fault. `count` is how many requests it still meets, -1 for all until it is removed."""

    service: str
    kind: str
    count: int = 1
    method: str = ""
    path: str = ""
    command: str = ""
    status: int = 0
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 1.0
    carried_out: bool = False

    @property
    def executes(self) -> bool:
        """Whether the service carries the request out."""
        return self.carried_out or self.kind in ("slow", "cut_after", "truncate")

    def meets(self, service: str, request: Request, command: str) -> bool:
        """Whether this request is one of those that go wrong."""
        return (
            self.count != 0
            and self.service == service
            and self.method.upper() in ("", request.method)
            and re.search(self.path, request.raw_target) is not None
            and self.command.lower() in command.lower()
        )

    def answer(self) -> Response | None:
        """What is sent in place of the service's answer; None for the faults that send that one, or nothing."""
        if self.kind == "status":
            return Response(self.status, self.body.encode(), self.content_type, self.headers)
        if self.kind == "html":
            status = self.status or 502
            return Response(status, _PAGE.format(f"{status} Bad Gateway").encode(), "text/html; charset=utf-8")
        if self.kind == "garbage":
            return Response(self.status or 200, _GARBAGE, "application/octet-stream")
        return None


def parse(given: dict, services: list[str]) -> Fault:
    """Read what the control endpoint was given. Raises ValueError, in a sentence."""
    values = dict(given)
    if not isinstance(values.get("body", ""), str):
        values["body"] = json.dumps(values["body"])
    unknown = sorted(set(values) - set(Fault.__dataclass_fields__))
    if unknown:
        raise ValueError(f"A fault has no {', '.join(unknown)}; it has {', '.join(Fault.__dataclass_fields__)}.")
    if values.get("service") not in services:
        raise ValueError(f"A fault needs a service, one of {', '.join(services)}; it is {values.get('service')!r}.")
    if values.get("kind") not in KINDS:
        raise ValueError(f"A fault needs a kind, one of {', '.join(KINDS)}; it is {values.get('kind')!r}.")
    for name, value in values.items():
        if not isinstance(value, _TYPES.get(name, str)):
            raise ValueError(f"A fault's {name} cannot be {value!r}.")
    fault = Fault(**values)
    if fault.kind == "status" and not 200 <= fault.status <= 599:
        raise ValueError("A fault of kind status needs a status from 200 to 599.")
    try:
        re.compile(fault.path)
    except re.error as error:
        raise ValueError(f"A fault's path is a regular expression, and {fault.path!r} is none: {error}.") from error
    return fault


class Faults:
    """The faults that are set, the oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def list(self) -> list[dict]:
        """Those that still meet requests."""
        with self._lock:
            return [dict(vars(fault)) for fault in self._faults if fault.count]

    def take(self, service: str, request: Request, command: str) -> Fault | None:
        """The oldest fault that meets this request, counted down."""
        with self._lock:
            for fault in self._faults:
                if fault.meets(service, request, command):
                    fault.count -= 1 if fault.count > 0 else 0
                    self._faults = [left for left in self._faults if left.count]
                    return fault
        return None
