# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of everything that speaks with Pulumi ESC."""

from __future__ import annotations


class EscError(Exception):
    """Pulumi ESC did not do what was asked. The message holds neither a token nor a value.

    status: the HTTP status, 0 without an answer. outcome_unknown: a write that may have been carried out all the same.
    told: what the API itself said, as a part of a sentence.
    """

    def __init__(self, message: str, status: int = 0, outcome_unknown: bool = False, told: str = "") -> None:
        super().__init__(message)
        self.status, self.outcome_unknown, self.told = status, outcome_unknown, told

    @property
    def conflict(self) -> bool:
        """Whether something is there already, or was changed by somebody else. Servers use both (reference §7)."""
        return self.status in (409, 412)
