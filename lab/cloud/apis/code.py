# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub and Codacy."""

from __future__ import annotations

import re

from lab.cloud.apis.ask import DISABLED, RESTRICTED, VALID, Ask, no_path
from lab.cloud.wire import Response, document

_DOCUMENTATION = "https://docs.github.com/rest"
_RESERVE = {"X_RateLimit_Limit": "5000", "X_RateLimit_Remaining": "4999"}
_FOR_EVERY_TOKEN = ("/rate_limit", "/installation/repositories")


def github(ask: Ask) -> Response:
    """Bearer or `token`. A restricted key is one of an app installation, which /user refuses and /rate_limit knows."""
    if not ask.header("User-Agent"):
        message = b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n"
        return Response(403, message, "text/plain; charset=utf-8")
    known_path = ask.path in ("/user", *_FOR_EVERY_TOKEN) or re.fullmatch("/orgs/[^/]+/actions/secrets", ask.path)
    if ask.request.method != "GET" or not known_path:
        return _github_error(404, "Not Found")
    scheme, _space, key = ask.header("Authorization").partition(" ")
    state = ask.state(key.strip()) if scheme.lower() in ("bearer", "token") else ""
    if not scheme:
        return _rate_limit(60) if ask.path == "/rate_limit" else _github_error(401, "Requires authentication")
    if state not in (VALID, RESTRICTED):
        return _github_error(401, "Bad credentials")
    if state == RESTRICTED and ask.path not in _FOR_EVERY_TOKEN:
        return _github_error(403, "Resource not accessible by integration")
    if ask.path == "/user":
        return document({"login": "alice", "id": 1, "type": "User"}, X_OAuth_Scopes="repo, read:org", **_RESERVE)
    if ask.path == "/rate_limit":
        return _rate_limit(5000)
    name = "repositories" if ask.path == "/installation/repositories" else "secrets"
    return document({"total_count": 0, name: []}, **_RESERVE)


def _rate_limit(limit: int) -> Response:
    core = {"limit": limit, "used": 1, "remaining": limit - 1, "reset": 2_000_000_000}
    return document({"resources": {"core": core}, "rate": core})


def _github_error(status: int, message: str) -> Response:
    return document({"message": message, "documentation_url": _DOCUMENTATION, "status": str(status)}, status)


def codacy(ask: Ask) -> Response:
    """`api-token`; a project's token is none. A disabled key is answered with 404, as older documentation shows."""
    if ask.asked != "GET /user":
        return no_path(ask)
    state = ask.state(ask.header("api-token"))
    if state == RESTRICTED:
        return document({"error": "Forbidden", "message": "Operation is not permitted"}, 403)
    if state == DISABLED:
        return document({"error": "not found"}, 404)
    if state != VALID:
        return document({"error": "Unauthorized", "message": "The token is not valid"}, 401)
    user = {"id": 1, "name": "Lab", "mainEmail": "lab@example.com", "otherEmails": [], "isAdmin": False}
    return document({"data": {**user, "isActive": True, "created": "2026-01-01T00:00:00Z"}})
