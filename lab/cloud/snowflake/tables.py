# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATE, ALTER and DROP of tables: fakesnow makes them, the catalogue keeps what DuckDB cannot."""

from __future__ import annotations

from lab.cloud.snowflake import privileges
from lab.cloud.snowflake.answers import Table, executed, status
from lab.cloud.snowflake.columns import definition, definitions, for_duckdb, information_type, quoted_names, split
from lab.cloud.snowflake.context import Account, full_path, must_have
from lab.cloud.snowflake.databases import PROPERTIES, about, set_or_unset
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import SqlError, exists
from lab.cloud.snowflake.grants import apply_future
from lab.cloud.snowflake.parts import Creation
from lab.cloud.snowflake.sql import Reader, dotted, quoted

_MORE = ("CHANGE_TRACKING", "ENABLE_SCHEMA_EVOLUTION")


def create(account: Account, session: Session, reader: Reader, creation: Creation) -> Table:
    path = full_path(session, "TABLE", reader.path(), "CREATE TABLE")
    must_have(account, "SCHEMA", path[:2])
    privileges.need_in(account, session, "TABLE", path)
    listed = reader.skip_parentheses() if not reader.ended and reader.peek("(") else ""
    columns = definitions(listed)
    kept = _take_properties(reader)
    rest = reader.text[reader.tokens[reader.at].start :] if not reader.ended else ""  # AS SELECT …, LIKE …
    name = quoted(path[2])
    if account.engine.has("TABLE", path):
        if creation.unless_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not creation.replace:
            raise exists(dotted(path))
        drop(account, session, path)
    body = f" ({for_duckdb(quoted_names(listed))})" if listed else ""
    account.engine.execute(session, f"CREATE TABLE {dotted(path)}{body} {for_duckdb(rest)}")
    kept |= {"transient": creation.transient, "columns": columns}
    account.catalogue.add("TABLE", dotted(path), session.role, **kept)
    declare(account, path)
    apply_future(account, "TABLE", path)
    return status(f"Table {name} successfully created.")


def _take_properties(reader: Reader) -> dict:
    """The properties behind the columns; what is none of them stays."""
    found: dict = {}
    while not reader.ended:
        if reader.take("CLUSTER", "BY"):
            found["cluster_by"] = f"LINEAR({reader.skip_parentheses()})"
        elif name := reader.take_one(*PROPERTIES, *_MORE):
            reader.expect("=")
            found.update(about({name: reader.value()}))
        else:
            break
    return found


def declare(account: Account, path: list[str]) -> None:
    """Have INFORMATION_SCHEMA show the types of a table's columns as they were declared."""
    columns = account.catalogue.get("TABLE", path).get("columns", {})
    types = {name: information_type(column["type"]) for name, column in columns.items() if "type" in column}
    account.engine.declare(path, types)


def alter(account: Account, session: Session, reader: Reader, if_exists: bool) -> Table:
    path = full_path(session, "TABLE", reader.path(), "ALTER TABLE")
    if if_exists and not account.engine.has("TABLE", path):
        return executed()
    must_have(account, "TABLE", path)
    privileges.need_owner(account, session, "TABLE", path, also="OWNERSHIP")
    known = account.catalogue.get("TABLE", path)
    if reader.take("ADD", "COLUMN") or (reader.peek("ADD") and _is_column(reader) and reader.take("ADD")):
        return _add_columns(account, session, reader, path, known)
    if reader.take("RENAME", "TO"):
        return _rename(account, session, reader, path)
    if reader.peek("SET") or reader.peek("UNSET"):
        set_or_unset(reader, known, *_MORE)
        return executed()
    return _as_it_is(account, session, reader, path, known)


def _is_column(reader: Reader) -> bool:
    return not any(reader.peek("ADD", word) for word in ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "ROW", "SEARCH"))


def _add_columns(account: Account, session: Session, reader: Reader, path: list[str], known: dict) -> Table:
    unless_exists = reader.take("IF", "NOT", "EXISTS")
    if reader.ended:
        raise reader.unexpected()
    listed = reader.text[reader.tokens[reader.at].start : reader.tokens[-1].end]
    there = [name for name, *_about in account.engine.columns(path)]
    for text in split(listed):
        part = Reader(text)
        unless_exists = part.take("IF", "NOT", "EXISTS") or unless_exists
        name, start = part.name(), part.tokens[part.at - 1].start
        column = definition(part)
        if name in there:
            if unless_exists:
                continue
            message = f"SQL compilation error:\ncolumn '{name}' already exists"
            raise SqlError(1430, "42601", message)
        account.engine.execute(
            session, f"ALTER TABLE {dotted(path)} ADD COLUMN {for_duckdb(quoted_names(text[start:]))}"
        )
        known.setdefault("columns", {})[name] = column
        there.append(name)
    declare(account, path)
    return executed()


def _rename(account: Account, session: Session, reader: Reader, path: list[str]) -> Table:
    new = full_path(session, "TABLE", reader.path(), "ALTER TABLE")
    reader.end()
    if account.engine.has("TABLE", new):
        raise exists(dotted(new))
    if new[:2] != path[:2]:
        raise SqlError(9999, "99999", "The lab cannot move a table to another schema.")
    account.engine.execute(session, f"ALTER TABLE {dotted(path)} RENAME TO {quoted(new[2])}")
    account.engine.declare(path, {})
    account.catalogue.rename("TABLE", dotted(path), dotted(new))
    declare(account, new)
    return executed()


def _as_it_is(account: Account, session: Session, reader: Reader, path: list[str], known: dict) -> Table:
    """What fakesnow does alone; the catalogue follows."""
    rest = reader.text[reader.tokens[reader.at].start :] if not reader.ended else ""
    account.engine.execute(session, f"ALTER TABLE {dotted(path)} {for_duckdb(rest)}")
    columns = known.get("columns", {})
    if reader.take("RENAME", "COLUMN"):
        old, _to, new = reader.name(), reader.take("TO"), reader.name()
        columns = {new if name == old else name: column for name, column in columns.items()}
    there = [name for name, *_about in account.engine.columns(path)]
    known["columns"] = {name: column for name, column in columns.items() if name in there}
    declare(account, path)
    return executed()


def drop(account: Account, session: Session, path: list[str]) -> Table:
    """Drop one that is there."""
    privileges.need_owner(account, session, "TABLE", path, also="OWNERSHIP")
    account.engine.drop_table(session, path)
    account.catalogue.forget("TABLE", dotted(path))
    return status(f"{quoted(path[2])} successfully dropped.")
