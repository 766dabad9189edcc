# SPDX-License-Identifier: GPL-3.0-or-later
"""How the API says no. Clients decide on the code; message and suggestion are for people."""

from __future__ import annotations

from lab.cloud.wire import Response, document

INVALID = "global/invalid-parameters"
MISSING = "global/object-does-not-exist"


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.suggestion = status, code, message, suggestion

    def response(self) -> Response:
        """The answer; the specification wants a suggestion with most codes and allows it with all."""
        suggestion = self.suggestion or "See the documentation of the API."
        return document({"error": {"code": self.code, "message": self.message, "suggestion": suggestion}}, self.status)


def invalid(message: str) -> ApiError:
    """The request's data is wrong."""
    return ApiError(400, INVALID, message)


def missing(what: str, status: int = 404) -> ApiError:
    """An object that the request names is not there."""
    return ApiError(status, MISSING, f"Specified {what} does not exist.")
