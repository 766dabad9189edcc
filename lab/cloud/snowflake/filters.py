# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind SHOW …: LIKE, IN, STARTS WITH, LIMIT … FROM."""

from __future__ import annotations

from dataclasses import dataclass

from lab.cloud.snowflake.answers import like
from lab.cloud.snowflake.sql import Reader


@dataclass
class Filter:
    """Which rows are wanted. `scope`: ACCOUNT, DATABASE, SCHEMA or TABLE, "" for none given."""

    pattern: str | None = None
    scope: str = ""
    path: list[str] | None = None
    start: str = ""
    limit: int | None = None
    after: str = ""

    @classmethod
    def read(cls, reader: Reader, scopes: tuple[str, ...] = ()) -> Filter:
        """From the words after the kind of object, to the end. scopes: the words that may follow IN."""
        found = cls()
        reader.take("HISTORY")
        if reader.take("LIKE"):
            found.pattern = reader.string()
        if scopes and reader.take("IN"):
            found.scope = reader.take_one(*scopes) or ""
            if found.scope == "ACCOUNT":
                pass
            elif not reader.ended and not reader.peek("STARTS", "WITH") and not reader.peek("LIMIT"):
                found.path = reader.path()
            elif not found.scope:
                raise reader.unexpected()
        if reader.take("STARTS", "WITH"):
            found.start = reader.string()
        if reader.take("LIMIT"):
            found.limit = int(reader.next().value)
            found.after = reader.string() if reader.take("FROM") else ""
        reader.end()
        return found

    def of(self, rows: list[dict], name: str = "name") -> list[dict]:
        """The rows that are wanted, by the column `name`."""
        matcher = like(self.pattern) if self.pattern is not None else None
        chosen = [
            row
            for row in rows
            if (matcher is None or matcher.fullmatch(row[name]))
            and row[name].startswith(self.start)
            and (not self.after or row[name] > self.after)
        ]
        return chosen[: self.limit]
