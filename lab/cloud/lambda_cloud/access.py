# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask, and how often."""

from __future__ import annotations

import base64
import hashlib
import hmac

from lab.cloud.lambda_cloud.errors import ApiError
from lab.cloud.lambda_cloud.state import Limits, State
from lab.cloud.wire import Clock, Request, Response, document

ACCOUNTS = {
    "active": None,
    "inactive": (
        "global/account-inactive",
        "Your account is inactive.",
        "Verify your e-mail address and add a payment method.",
    ),
    "invalid-address": ("global/invalid-address", "Your billing address is invalid.", "Correct your billing address."),
    "forbidden": ("global/forbidden", "You are not permitted to do that.", ""),
}
_SLACK_SECONDS = 0.05  # of a client's timer
LAUNCH_PATH = "/instance-operations/launch"


def digest(key: str) -> str:
    """How a key is kept."""
    return hashlib.sha256(key.encode()).hexdigest()


def require(state: State, request: Request) -> None:
    """Raise ApiError unless the request has a valid key and the account may be used."""
    given = [digest(key) for key in _keys(request.headers.get("authorization", ""))]
    if not any(hmac.compare_digest(one, known) for one in given for known in state.keys):
        raise ApiError(
            401,
            "global/invalid-api-key",
            "API key was invalid, expired, or deleted.",
            "Check your API key or create a new one, then try again.",
        )
    refusal = ACCOUNTS[state.account]
    if refusal:
        raise ApiError(403, *refusal)


def _keys(authorization: str) -> list[str]:
    """The keys that a header may mean: Bearer, Basic with the key as the user, and Basic with the bare key."""
    scheme, _space, value = authorization.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return [value] if value else []
    if scheme.lower() != "basic" or not value:
        return []
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return [value]
    return [value, user] if colon and not password else [value]


class Limiter:
    """About one request a second, and one launch in twelve; a refused request does not count."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._last: dict[str, float] = {}

    def refusal(self, limits: Limits, path: str, method: str) -> Response | None:
        """The answer to a request that comes too early."""
        if not limits.enabled:
            return None
        now = self.clock.now()
        waits = {"request": limits.request_seconds}
        if (method, path) == ("POST", LAUNCH_PATH):
            waits["launch"] = limits.launch_seconds
        if any(now - self._last.get(what, 0.0) < seconds - _SLACK_SECONDS for what, seconds in waits.items()):
            return too_many(limits)
        self._last.update(dict.fromkeys(waits, now))
        return None


def too_many(limits: Limits) -> Response:
    """A 429. Its body is not specified, so there are several."""
    headers = {} if limits.retry_after_seconds is None else {"Retry-After": str(limits.retry_after_seconds)}
    if limits.body == "json":
        error = {"code": "global/too-many-requests", "message": "Too many requests."}
        return Response(429, document({"error": error}).body, headers=headers)
    kind, body = {
        "text": ("text/plain", b"Too Many Requests\n"),
        "html": (
            "text/html",
            b"<!DOCTYPE html><html><head><title>429</title></head><body>Too many</body></html>",
        ),
        "empty": ("text/plain", b""),
    }[limits.body]
    return Response(429, body, kind, headers)
