# SPDX-License-Identifier: GPL-3.0-or-later
"""One request to one of the APIs, with what is known about keys."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.cloud.wire import Request, Response, document

VALID, RESTRICTED, DISABLED = "valid", "restricted", "disabled"
STATES = (VALID, RESTRICTED, DISABLED)


def digest(key: str) -> str:
    """How a key is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class Ask:
    """`path` is what comes after /apis/<service>, `known` the states of the service's keys by their digest."""

    request: Request
    path: str
    known: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, bool] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        return f"{self.request.method} {self.path}"

    def header(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        return self.request.headers.get(name.lower(), "").strip()

    @property
    def bearer(self) -> str:
        """The token of `Authorization: Bearer …`, empty when there is none."""
        scheme, _space, token = self.header("Authorization").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    @property
    def basic(self) -> str:
        """`user:password` of HTTP Basic, empty when there is none."""
        scheme, _space, value = self.header("Authorization").partition(" ")
        try:
            return base64.b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
        except ValueError:
            return ""

    def state(self, key: str) -> str:
        """valid, restricted or disabled; empty for a key that is not known."""
        return self.known.get(digest(key), "") if key else ""


def no_path(ask: Ask) -> Response:
    """The path, or the method on it, is none of the API's."""
    return document({"message": f"Not Found: {ask.asked}"}, 404)
