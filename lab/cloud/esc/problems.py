# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong: refusals with their HTTP status, and diagnostics of definitions (reference §4)."""

from __future__ import annotations

from dataclasses import dataclass

STATUS_WORDS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
STATUS_WORDS[412] = "Precondition Failed"


@dataclass(frozen=True)
class Position:
    """Line and column count from 1, the byte from 0."""

    line: int = 0
    column: int = 0
    byte: int = 0

    def json(self) -> dict:
        return {"line": self.line, "column": self.column, "byte": self.byte}


@dataclass(frozen=True)
class Range:
    """A stretch of a definition."""

    environment: str
    begin: Position = Position()
    end: Position = Position()

    def json(self) -> dict:
        return {"environment": self.environment, "begin": self.begin.json(), "end": self.end.json()}


@dataclass(frozen=True)
class Diagnostic:
    """One remark on a definition. An error names no severity, as on the real service's older answers."""

    summary: str
    range: Range
    path: str = ""
    severity: str = ""

    def json(self) -> dict:
        shown = {"range": self.range.json(), "summary": self.summary}
        return shown | {name: value for name in ("path", "severity") if (value := getattr(self, name))}


class Invalid(Exception):
    """A definition cannot be taken or evaluated."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(each.summary for each in diagnostics))
        self.diagnostics = diagnostics


class Refused(Exception):
    """A request is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = f"{STATUS_WORDS[status]}: {message}"
        super().__init__(self.message)
