# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of this package."""

from __future__ import annotations


class SwarmError(Exception):
    """What was tried, on what, what was seen and what to do, as one text for people.

    `status` is the engine's HTTP status, or None when it was not an answer of the engine. `result` holds what a module
    should return besides the message; `changed` among it says whether anything was changed before the failure.
    """

    def __init__(self, message: str, status: int | None = None, result: dict | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.result = result or {}
