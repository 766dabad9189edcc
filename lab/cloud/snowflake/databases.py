# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATE, ALTER, DROP and USE of databases and schemas."""

from __future__ import annotations

from lab.cloud.snowflake import privileges
from lab.cloud.snowflake.answers import Table, executed, status
from lab.cloud.snowflake.context import Account, full_path, must_have
from lab.cloud.snowflake.engine import INFORMATION_SCHEMA, Session
from lab.cloud.snowflake.errors import SqlError, exists, not_found
from lab.cloud.snowflake.grants import apply_future
from lab.cloud.snowflake.parts import Creation
from lab.cloud.snowflake.sql import Reader, dotted, quoted

RETENTION = "DATA_RETENTION_TIME_IN_DAYS"
PROPERTIES = ("COMMENT", RETENTION, "MAX_DATA_EXTENSION_TIME_IN_DAYS", "DEFAULT_DDL_COLLATION", "LOG_LEVEL")


def about(given: dict) -> dict:
    """What the catalogue keeps of an object's properties."""
    days = given.get(RETENTION)
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 90):
        message = f"SQL compilation error:\ninvalid value [{days}] for parameter '{RETENTION}'"
        raise SqlError(1008, "22023", message)
    kept = {"comment": given["COMMENT"] or ""} if "COMMENT" in given else {}
    return {**kept, "retention": days} if RETENTION in given else kept


def create_database(account: Account, session: Session, reader: Reader, creation: Creation) -> Table:
    path = full_path(session, "DATABASE", reader.path())
    kept = about(reader.properties(*PROPERTIES))
    privileges.need_account(account, session, "CREATE DATABASE")
    name = dotted(path)
    if account.engine.has("DATABASE", path):
        if creation.unless_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not creation.replace:
            raise exists(name)
        drop(account, session, "DATABASE", path)
    account.engine.create_database(session, path[0])
    account.catalogue.add("DATABASE", name, session.role, transient=creation.transient, **kept)
    account.catalogue.add("SCHEMA", f"{name}.PUBLIC", session.role)
    account.engine.use(session, path[0], None)
    return status(f"Database {name} successfully created.")


def create_schema(account: Account, session: Session, reader: Reader, creation: Creation) -> Table:
    path = full_path(session, "SCHEMA", reader.path(), "CREATE SCHEMA")
    managed = reader.take("WITH", "MANAGED", "ACCESS")
    kept = about(reader.properties(*PROPERTIES))
    must_have(account, "DATABASE", path[:1])
    privileges.need_in(account, session, "SCHEMA", path)
    if account.engine.has("SCHEMA", path):
        if creation.unless_exists:
            return status(f"{quoted(path[1])} already exists, statement succeeded.")
        if not creation.replace:
            raise exists(dotted(path))
        drop(account, session, "SCHEMA", path)
    account.engine.execute(session, f"CREATE SCHEMA {dotted(path)}")
    kept |= {"transient": creation.transient, "managed": managed}
    account.catalogue.add("SCHEMA", dotted(path), session.role, **kept)
    apply_future(account, "SCHEMA", path)
    account.engine.use(session, path[0], path[1])
    return status(f"Schema {quoted(path[1])} successfully created.")


def alter(account: Account, session: Session, reader: Reader, kind: str, if_exists: bool) -> Table:
    """ALTER DATABASE or SCHEMA: SET, UNSET, ENABLE or DISABLE MANAGED ACCESS."""
    path = full_path(session, kind, reader.path(), f"ALTER {kind}")
    if if_exists and not account.engine.has(kind, path):
        return executed()
    must_have(account, kind, path)
    privileges.need_owner(account, session, kind, path)
    known = account.catalogue.get(kind, path)
    if kind == "SCHEMA" and (verb := reader.take_one("ENABLE", "DISABLE")):
        reader.expect("MANAGED", "ACCESS")
        reader.end()
        known["managed"] = verb == "ENABLE"
    else:
        set_or_unset(reader, known)
    return executed()


def set_or_unset(reader: Reader, known: dict, *more: str) -> None:
    """SET name = value …, or UNSET name, …"""
    if reader.take("UNSET"):
        while not reader.ended:
            name = reader.take_one(*PROPERTIES, *more)
            if name is None:
                raise reader.unexpected()
            known.update({"COMMENT": {"comment": ""}, RETENTION: {"retention": None}}.get(name, {}))
            reader.take(",")
        return
    reader.expect("SET")
    if reader.ended:
        raise reader.unexpected()
    known.update(about(reader.properties(*PROPERTIES, *more)))


def drop(account: Account, session: Session, kind: str, path: list[str]) -> Table:
    """Drop a database or schema that is there, with all that is in it."""
    privileges.need_owner(account, session, kind, path, also="OWNERSHIP")
    if kind == "DATABASE":
        account.engine.drop_database(path[0], list(account.sessions.values()))
    elif path[1] == INFORMATION_SCHEMA:
        raise privileges.refused(kind, dotted(path))
    else:
        account.engine.drop_schema(path, list(account.sessions.values()))
    account.catalogue.forget(kind, dotted(path))
    return status(f"{quoted(path[-1])} successfully dropped.")


def use(account: Account, session: Session, reader: Reader, kind: str) -> Table:
    """USE DATABASE, USE SCHEMA, or USE and a database's name alone."""
    named = reader.path()
    reader.end()
    path = full_path(session, kind if len(named) == 1 else "SCHEMA", named, f"USE {kind}")
    if not account.engine.has("SCHEMA" if len(path) > 1 else "DATABASE", path):
        raise not_found(dotted(path))
    account.engine.use(session, path[0], path[1] if len(path) > 1 else None)
    return executed()
