# SPDX-License-Identifier: GPL-3.0-or-later
"""A statement as fakesnow can take it: VECTOR types, and the functions that tell who and where one is."""

from __future__ import annotations

from fakesnow.transforms import SERVER_VERSION

from lab.cloud.snowflake.catalogue import ACCOUNT
from lab.cloud.snowflake.columns import for_duckdb
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import SqlError
from lab.cloud.snowflake.sql import Token, literal, tokens

_NEEDS_WAREHOUSE = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY")


def _context(session: Session) -> dict[str, str | None]:
    return {
        "CURRENT_ROLE": session.role,
        "CURRENT_USER": session.user,
        "CURRENT_WAREHOUSE": session.warehouse,
        "CURRENT_DATABASE": session.database,
        "CURRENT_SCHEMA": session.schema,
        "CURRENT_SESSION": str(session.number),
        "CURRENT_ACCOUNT": ACCOUNT,
        "CURRENT_ACCOUNT_NAME": ACCOUNT,
        "CURRENT_ORGANIZATION_NAME": "LAB",
        "CURRENT_VERSION": SERVER_VERSION,
        "CURRENT_REGION": "LAB_LOOPBACK",
    }


def for_fakesnow(session: Session, text: str) -> str:
    """The statement to hand on. Raises SqlError when it needs a warehouse and the session has none."""
    found = tokens(text)
    if found and found[0].value in _NEEDS_WAREHOUSE and not session.warehouse and _reads(found):
        message = (
            "No active warehouse selected in the current session. "
            "Select an active warehouse with the 'use warehouse' command."
        )
        raise SqlError(606, "57P03", message)
    return for_duckdb(_with_context(session, text, found))


def _reads(found: list[Token]) -> bool:
    """Whether it touches tables, so that it needs a warehouse."""
    return found[0].value not in ("SELECT", "WITH") or any(
        token.kind == "word" and token.value == "FROM" for token in found
    )


def _with_context(session: Session, text: str, found: list[Token]) -> str:
    """The functions replaced by their values, under the names that the columns would have."""
    values = _context(session)
    parts, at, depth = [], 0, 0
    for index, token in enumerate(found):
        if token.kind == "mark":
            depth += {"(": 1, ")": -1}.get(token.value, 0)
        call = [one.value for one in found[index + 1 : index + 3]] == ["(", ")"]
        if token.kind != "word" or token.value not in values or not call:
            continue
        value = values[token.value]
        shown = "NULL::VARCHAR" if value is None else literal(value)
        behind = found[index + 3].value if index + 3 < len(found) else ";"
        before = found[index - 1].value if index else ""
        if found[0].value == "SELECT" and depth == 0 and before in ("SELECT", ",") and behind in (",", ";", "FROM"):
            shown += f' AS "{token.value}()"'
        parts += [text[at : token.start], shown]
        at = found[index + 2].end
    return "".join([*parts, text[at:]])
