# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers as they go over the wire (contract §3)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.cloud.snowflake.errors import SqlError

_TIMES = ("created_on", "resumed_on", "updated_on", "last_success_login", "expires_at_time", "locked_until_time")
_NUMBERS = ("rows", "bytes")
_TEXT_BYTES = 16777216


@dataclass
class Table:
    """The rows of an answer. Columns named as times hold seconds since the epoch."""

    columns: list[str]
    rows: list[list] = field(default_factory=list)

    @classmethod
    def of(cls, columns: Iterable[str], rows: Iterable[dict]) -> Table:
        """From rows by column name; a column that a row lacks is empty text."""
        names = list(columns)
        return cls(names, [[row.get(name, "") for name in names] for row in rows])


def status(text: str) -> Table:
    """The one line that most statements answer."""
    return Table(["status"], [[text]])


def executed() -> Table:
    return status("Statement executed successfully.")


def like(pattern: str) -> re.Pattern[str]:
    """SHOW … LIKE: the case does not matter, `_` and `%` are wildcards, a backslash takes that away."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"_": ".", "%": ".*"}
    return re.compile("".join(wild.get(part) or re.escape(part[-1]) for part in parts), re.IGNORECASE | re.DOTALL)


def rowtype(name: str) -> dict:
    """How a column is described."""
    about = {"name": name, "database": "", "schema": "", "table": "", "nullable": True, "collation": None}
    if name in _TIMES:
        return about | {"type": "timestamp_ltz", "length": None, "byteLength": None, "precision": 0, "scale": 9}
    if name in _NUMBERS:
        return about | {"type": "fixed", "length": None, "byteLength": None, "precision": 38, "scale": 0}
    size = {"length": _TEXT_BYTES, "byteLength": _TEXT_BYTES, "precision": None, "scale": None}
    return about | {"type": "text"} | size


def _cell(column: str, value: object) -> str | None:
    if value is None or (value == "" and column in _TIMES + _NUMBERS):
        return None
    if column in _TIMES:
        return f"{float(value):.3f}000000"
    return str(value).lower() if isinstance(value, bool) else str(value)


def succeeded(table: Table, context: dict, described: bool = False) -> dict:
    """A statement's answer; context: the final… fields. described: the columns only."""
    rows = [] if described else [[_cell(n, v) for n, v in zip(table.columns, row, strict=True)] for row in table.rows]
    data = {
        "rowtype": [rowtype(name) for name in table.columns],
        "rowset": rows,
        "total": len(rows),
        "returned": len(rows),
        "queryId": str(uuid.uuid4()),
        "queryResultFormat": "json",
        "parameters": [{"name": "TIMEZONE", "value": "Etc/UTC"}],
        "statementTypeId": 4096,
        "version": 1,
        **context,
    }
    return {"success": True, "code": None, "message": None, "data": data}


def failed(error: SqlError) -> dict:
    """A failed statement's answer; the HTTP status is 200 all the same."""
    code = f"{error.errno:06d}"
    data = {
        "errorCode": code,
        "sqlState": error.sqlstate,
        "queryId": str(uuid.uuid4()),
        "internalError": False,
        "line": -1,
        "pos": -1,
    }
    return {"success": False, "code": code, "message": error.message, "data": data}
