# SPDX-License-Identifier: GPL-3.0-or-later
"""What a statement is carried out with: the account, and where unqualified names belong."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.cloud.snowflake.catalogue import Catalogue
from lab.cloud.snowflake.engine import Engine, Session
from lab.cloud.snowflake.errors import SqlError, missing, no_current
from lab.cloud.snowflake.sql import dotted

DEPTHS = {"DATABASE": 1, "SCHEMA": 2}  # others stand in a schema


@dataclass
class Account:
    """The one account."""

    catalogue: Catalogue
    engine: Engine
    sessions: dict[str, Session] = field(default_factory=dict)  # by token


def full_path(session: Session, kind: str, path: list[str], command: str = "the statement") -> list[str]:
    """A name with its database and schema. Raises SqlError when the session has none."""
    depth = DEPTHS.get(kind, 3)
    if len(path) > depth:
        raise SqlError(1003, "42000", f"SQL compilation error:\nsyntax error: {dotted(path)} has too many parts.")
    if len(path) < depth and not session.database:
        raise no_current("database", command)
    if depth - len(path) == 2 and not session.schema:
        raise no_current("schema", command)
    return [session.database, session.schema][: depth - len(path)] + path


def must_have(account: Account, kind: str, path: list[str]) -> None:
    """Raises SqlError when an object, or what it stands in, is not there."""
    for depth, outer in ((1, "DATABASE"), (2, "SCHEMA")):
        if len(path) > depth and not account.engine.has(outer, path[:depth]):
            raise missing(outer, dotted(path[:depth]))
    if kind in ("DATABASE", "SCHEMA", "TABLE"):
        if not account.engine.has(kind, path):
            raise missing(kind, dotted(path))
    elif kind in account.catalogue.objects and dotted(path) not in account.catalogue.objects[kind]:
        raise missing(kind, dotted(path))
