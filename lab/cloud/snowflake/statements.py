# SPDX-License-Identifier: GPL-3.0-or-later
"""Which statements are answered here, and by whom. The others are fakesnow's."""

from __future__ import annotations

from lab.cloud.snowflake import databases, grants, privileges, roles, show, show_grants, tables, users, warehouses
from lab.cloud.snowflake.answers import Table, executed, status
from lab.cloud.snowflake.context import Account, full_path, must_have
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import SqlError, missing
from lab.cloud.snowflake.parts import OWN_KINDS, Creation
from lab.cloud.snowflake.sql import Reader, dotted

_CREATES = {
    "DATABASE": databases.create_database,
    "SCHEMA": databases.create_schema,
    "TABLE": tables.create,
    "WAREHOUSE": warehouses.create,
    "ROLE": roles.create,
    "USER": users.create,
}
_ALTERS = {"TABLE": tables.alter, "WAREHOUSE": warehouses.alter, "ROLE": roles.alter, "USER": users.alter}
_DROPS = {"TABLE": tables.drop, "WAREHOUSE": warehouses.drop, "ROLE": roles.drop, "USER": users.drop}
_SHOWS = {"WAREHOUSES": warehouses.show, "ROLES": roles.show, "USERS": users.show}
_PLACED_SHOWS = {
    "DATABASES": show.databases,
    "SCHEMAS": show.schemas,
    "TABLES": show.tables,
    "COLUMNS": show.columns,
}


def answer(account: Account, session: Session, text: str) -> Table | None:
    """Carry a statement out; None for one that fakesnow is to do. Raises SqlError."""
    reader = Reader(text)
    if any(token.kind == "mark" and token.value == ";" for token in reader.tokens):
        raise SqlError(8, "0A000", "Actual statement count is more than the desired statement count 1.")
    verb = reader.take_one("CREATE", "ALTER SESSION", "ALTER", "DROP", "SHOW", "DESCRIBE", "DESC", "USE", "COMMENT")
    if verb == "CREATE":
        creation = Creation.read(reader)
        return _CREATES[creation.kind](account, session, reader, creation) if creation.kind else None
    if reader.take("GRANT"):
        return grants.grant(account, session, reader)
    if reader.take("REVOKE"):
        return grants.revoke(account, session, reader)
    others = {"ALTER": _alter, "DROP": _drop, "SHOW": _show, "USE": _use, "COMMENT": _comment}
    others |= {"ALTER SESSION": _alter_session, "DESCRIBE": _describe, "DESC": _describe}
    return others[verb](account, session, reader) if verb else None


def _alter_session(account: Account, session: Session, reader: Reader) -> Table | None:
    if reader.peek("SET", "AUTOCOMMIT"):
        return None
    if reader.take_one("SET", "UNSET") is None or reader.ended:
        raise reader.unexpected()
    return executed()


def _alter(account: Account, session: Session, reader: Reader) -> Table | None:
    kind = reader.take_one(*OWN_KINDS)
    if kind is None:
        return None
    if_exists = reader.take("IF", "EXISTS")
    if kind in ("DATABASE", "SCHEMA"):
        return databases.alter(account, session, reader, kind, if_exists)
    return _ALTERS[kind](account, session, reader, if_exists)


def _named(session: Session, kind: str, path: list[str], command: str) -> list[str]:
    return full_path(session, kind, path, command) if kind in ("DATABASE", "SCHEMA", "TABLE") else path


def _there(account: Account, kind: str, path: list[str]) -> bool:
    try:
        must_have(account, kind, path)
    except SqlError:
        return False
    return True


def _drop(account: Account, session: Session, reader: Reader) -> Table | None:
    kind = reader.take_one(*OWN_KINDS)
    if kind is None:
        return None
    if_exists = reader.take("IF", "EXISTS")
    path = _named(session, kind, reader.path(), f"DROP {kind}")
    reader.take_one("CASCADE", "RESTRICT")
    reader.end()
    if not _there(account, kind, path):
        if if_exists:
            return status("Drop statement executed successfully (" + dotted(path) + " already dropped).")
        raise missing(kind, dotted(path))
    if kind in ("DATABASE", "SCHEMA"):
        return databases.drop(account, session, kind, path)
    return _DROPS[kind](account, session, path)


def _show(account: Account, session: Session, reader: Reader) -> Table | None:
    terse = reader.take("TERSE")
    if reader.take("FUTURE", "GRANTS"):
        return show_grants.show_future(account, session, reader)
    if reader.take("GRANTS"):
        return show_grants.show(account, session, reader)
    if kind := reader.take_one(*_SHOWS):
        return _SHOWS[kind](account, session, reader)
    kind = reader.take_one(*_PLACED_SHOWS)
    return _PLACED_SHOWS[kind](account, session, reader, terse) if kind else None


def _describe(account: Account, session: Session, reader: Reader) -> Table | None:
    kind = reader.take_one("TABLE", "USER", "SCHEMA", "DATABASE")
    if kind is None:
        return None
    path = _named(session, kind, reader.path(), f"DESCRIBE {kind}")
    if kind == "TABLE" and len(path) == 3 and path[2] in account.engine.views(*path[:2]):
        return None
    must_have(account, kind, path)
    if kind == "TABLE":
        return show.describe_table(account, session, path)
    if kind == "USER":
        return users.describe(account, session, path)
    names = account.engine.schemas(path[0]) if kind == "DATABASE" else [n for n, _rows in account.engine.tables(*path)]
    below = "SCHEMA" if kind == "DATABASE" else "TABLE"
    rows = [[account.catalogue.get(below, [*path, name])["created"], name, below] for name in names]
    return Table(["created_on", "name", "kind"], rows)


def _use(account: Account, session: Session, reader: Reader) -> Table | None:
    if reader.take("ROLE"):
        return roles.use(account, session, reader)
    if reader.take("WAREHOUSE"):
        return warehouses.use(account, session, reader)
    if reader.take("SECONDARY", "ROLES"):
        return executed()
    return databases.use(account, session, reader, reader.take_one("DATABASE", "SCHEMA") or "DATABASE")


def _comment(account: Account, session: Session, reader: Reader) -> Table | None:
    if_exists = reader.take("IF", "EXISTS")
    reader.expect("ON")
    kind = reader.take_one("COLUMN", *OWN_KINDS)
    if kind is None:
        return None
    path = reader.path()
    column = path.pop() if kind == "COLUMN" else None
    kind = "TABLE" if kind == "COLUMN" else kind
    path = _named(session, kind, path, "COMMENT")
    reader.expect("IS")
    text = reader.string()
    reader.end()
    if if_exists and not _there(account, kind, path):
        return executed()
    must_have(account, kind, path)
    privileges.need_owner(account, session, kind, path)
    known = account.catalogue.get(kind, path)
    if column is None:
        known["comment"] = text
    elif column in [name for name, *_about in account.engine.columns(path)]:
        _comment_on_column(known, column, text)
    else:
        raise SqlError(904, "42000", f"SQL compilation error: error line 1\ninvalid identifier '{column}'")
    return executed()


def _comment_on_column(known: dict, column: str, text: str) -> None:
    known.setdefault("columns", {}).setdefault(column, {})["comment"] = text
