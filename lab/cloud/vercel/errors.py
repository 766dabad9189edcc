# SPDX-License-Identifier: GPL-3.0-or-later
"""How the API says no. Clients decide on the code; the message is for people."""

from __future__ import annotations

from lab.cloud.wire import Response, document


class ApiError(Exception):
    """A request that is answered with an error. more: further fields beside code and message."""

    def __init__(self, status: int, code: str, message: str, headers: dict | None = None, **more: object) -> None:
        super().__init__(message)
        self.status, self.error, self.headers = status, {"code": code, "message": message, **more}, headers or {}

    def response(self) -> Response:
        """The answer."""
        return Response(self.status, document({"error": self.error}).body, headers=self.headers)


def invalid(message: str, code: str = "bad_request", **more: object) -> ApiError:
    """The request's data is wrong."""
    return ApiError(400, code, message, **more)


def missing(message: str, code: str = "not_found", **more: object) -> ApiError:
    """What the request names is not there, or another team's."""
    return ApiError(404, code, message, **more)


def forbidden(message: str = "Not authorized", **more: object) -> ApiError:
    """The token may not do that."""
    return ApiError(403, "forbidden", message, **more)
