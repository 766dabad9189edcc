# SPDX-License-Identifier: GPL-3.0-or-later
"""What may go wrong in this package."""

from __future__ import annotations


class SwarmError(Exception):
    """What was tried, on what, what was seen and what to do, as one text for people.

    `result` holds what a module should return besides the message; `changed` among it says whether anything was changed
    before the failure.
    """

    def __init__(self, message: str, result: dict | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.result = result or {}


class EngineError(SwarmError):
    """The engine refused a request (`status`: its HTTP status) or did not answer (`status` 0)."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Interrupted(BaseException):
    """A signal asked this process to end; it derives from BaseException so that only `finally` gets in its way."""
