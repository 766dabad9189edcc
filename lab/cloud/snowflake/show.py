# SPDX-License-Identifier: GPL-3.0-or-later
"""SHOW DATABASES, SCHEMAS, TABLES and COLUMNS, and DESCRIBE TABLE, with the columns of the real service."""

from __future__ import annotations

import json
import re

from lab.cloud.snowflake.answers import Table
from lab.cloud.snowflake.columns import shown
from lab.cloud.snowflake.context import Account, full_path, must_have
from lab.cloud.snowflake.engine import INFORMATION_SCHEMA, Session
from lab.cloud.snowflake.errors import SqlError, not_found
from lab.cloud.snowflake.filters import Filter
from lab.cloud.snowflake.sql import Reader, dotted

_DATABASES = ("created_on", "name", "is_default", "is_current", "origin", "owner", "comment", "options")
_DATABASES += ("retention_time", "kind", "budget", "owner_role_type", "object_visibility")
_SCHEMAS = ("created_on", "name", "is_default", "is_current", "database_name", "owner", "comment", "options")
_SCHEMAS += ("retention_time", "owner_role_type", "budget")
_TABLES = ("created_on", "name", "database_name", "schema_name", "kind", "comment", "cluster_by", "rows", "bytes")
_TABLES += ("owner", "retention_time", "automatic_clustering", "change_tracking", "search_optimization")
_TABLES += ("search_optimization_progress", "search_optimization_bytes", "is_external", "enable_schema_evolution")
_TABLES += ("owner_role_type", "is_event", "budget", "is_hybrid", "is_iceberg", "is_dynamic", "is_immutable")
_COLUMNS = ("table_name", "schema_name", "column_name", "data_type", "null?", "default", "kind", "expression")
_COLUMNS += ("comment", "database_name", "autoincrement", "schema_evolution_record")
_DESCRIBED = ("name", "type", "kind", "null?", "default", "primary key", "unique key", "check", "expression")
_DESCRIBED += ("comment", "policy name", "privacy domain", "schema_evolution_record")
_TERSE = ("created_on", "name", "kind", "database_name", "schema_name")
_FALSE = dict.fromkeys(("is_external", "enable_schema_evolution", "is_event", "is_hybrid", "is_iceberg"), "N")


def _retention(account: Account, path: list[str]) -> str:
    """Of an object, or what it stands in."""
    for depth, kind in ((3, "TABLE"), (2, "SCHEMA"), (1, "DATABASE")):
        if len(path) >= depth:
            days = account.catalogue.get(kind, path[:depth]).get("retention")
            if days is not None:
                return str(days)
    return "1"


def _yes(is_so: bool) -> str:
    return "Y" if is_so else "N"


def databases(account: Account, session: Session, reader: Reader, terse: bool) -> Table:
    wanted = Filter.read(reader, ("ACCOUNT",))
    rows = []
    for name in account.engine.databases():
        about = account.catalogue.get("DATABASE", [name])
        rows.append(
            {
                "created_on": about["created"],
                "name": name,
                "is_default": "N",
                "is_current": _yes(session.database == name),
                "owner": about["owner"],
                "comment": about["comment"],
                "options": "TRANSIENT" if about.get("transient") else "",
                "retention_time": _retention(account, [name]),
                "kind": "STANDARD",
                "budget": None,
                "owner_role_type": "ROLE",
            }
        )
    return Table.of(_TERSE if terse else _DATABASES, wanted.of(rows))


def _databases_in(account: Account, session: Session, wanted: Filter, command: str) -> list[str]:
    """The databases whose schemas are asked for."""
    if wanted.path:
        path = full_path(session, "DATABASE", wanted.path[:1])
        if not account.engine.has("DATABASE", path):
            raise not_found(dotted(path))
        return path
    if wanted.scope in ("DATABASE", "SCHEMA"):
        return full_path(session, "SCHEMA", [""], command)[:1]
    return [session.database] if session.database and wanted.scope != "ACCOUNT" else account.engine.databases()


def schemas(account: Account, session: Session, reader: Reader, terse: bool) -> Table:
    wanted = Filter.read(reader, ("ACCOUNT", "DATABASE"))
    rows = []
    for database in _databases_in(account, session, wanted, "SHOW SCHEMAS"):
        for name in account.engine.schemas(database):
            rows.append(_schema(account, session, database, name))
    return Table.of(_TERSE if terse else _SCHEMAS, wanted.of(rows))


def _schema(account: Account, session: Session, database: str, name: str) -> dict:
    row = {
        "name": name,
        "is_default": "N",
        "is_current": _yes((session.database, session.schema) == (database, name)),
        "database_name": database,
        "budget": None,
    }
    if name == INFORMATION_SCHEMA:
        created = account.catalogue.get("DATABASE", [database])["created"]
        comment = "Views describing the contents of schemas in this database"
        return row | {"created_on": created, "owner": "", "comment": comment, "retention_time": "1"}
    about = account.catalogue.get("SCHEMA", [database, name])
    options = [word for word, has in (("TRANSIENT", "transient"), ("MANAGED ACCESS", "managed")) if about.get(has)]
    return row | {
        "created_on": about["created"],
        "owner": about["owner"],
        "comment": about["comment"],
        "options": ", ".join(options),
        "retention_time": _retention(account, [database, name]),
        "owner_role_type": "ROLE",
    }


def _schemas_in(account: Account, session: Session, wanted: Filter, command: str) -> list[list[str]]:
    """The schemas whose tables are asked for. Without IN: the current schema's, else the account's."""
    if wanted.path and (wanted.scope == "SCHEMA" or (not wanted.scope and len(wanted.path) > 1)):
        path = full_path(session, "SCHEMA", wanted.path, command)
        if not account.engine.has("SCHEMA", path):
            raise not_found(dotted(path))
        return [path]
    if wanted.scope == "SCHEMA" or not (wanted.scope or wanted.path):
        if session.schema:
            return [[session.database, session.schema]]
        if wanted.scope:
            return [full_path(session, "TABLE", [""], command)[:2]]
    found = []
    for database in _databases_in(account, session, wanted, command):
        found += [[database, name] for name in account.engine.schemas(database) if name != INFORMATION_SCHEMA]
    return found


def tables(account: Account, session: Session, reader: Reader, terse: bool) -> Table:
    wanted = Filter.read(reader, ("ACCOUNT", "DATABASE", "SCHEMA"))
    rows = []
    for path in _schemas_in(account, session, wanted, "SHOW TABLES"):
        rows += [_table(account, [*path, name], count) for name, count in account.engine.tables(*path)]
    return Table.of(_TERSE if terse else _TABLES, wanted.of(rows))


def _table(account: Account, path: list[str], count: int) -> dict:
    about = account.catalogue.get("TABLE", path)
    clustered = about.get("cluster_by", "")
    return {
        **_FALSE,
        "created_on": about["created"],
        "name": path[2],
        "database_name": path[0],
        "schema_name": path[1],
        "kind": "TRANSIENT" if about.get("transient") else "TABLE",
        "comment": about["comment"],
        "cluster_by": clustered,
        "rows": count,
        "bytes": 0,
        "owner": about["owner"],
        "retention_time": _retention(account, path),
        "automatic_clustering": "ON" if clustered else "OFF",
        "change_tracking": "OFF",
        "search_optimization": "OFF",
        "search_optimization_progress": None,
        "search_optimization_bytes": None,
        "owner_role_type": "ROLE",
        "budget": None,
        "is_dynamic": "N",
        "is_immutable": "N",
    }


def _columns(account: Account, path: list[str]) -> list[dict]:
    """A table's columns, as declared and as DuckDB has them."""
    declared = account.catalogue.get("TABLE", path).get("columns", {})
    found = []
    for name, kind, nullable, default in account.engine.columns(path):
        known = declared.get(name, {})
        found.append({"name": name, "nullable": nullable, "type": shown(kind), "default": default, **known})
    return found


def _data_type(column: dict) -> str:
    """The JSON in SHOW COLUMNS."""
    name, _mark, arguments = column["type"].partition("(")
    numbers = [int(number) for number in re.findall(r"\d+", arguments)]
    nullable = {"nullable": column["nullable"]}
    if name == "VECTOR":
        return json.dumps({"type": column["type"], **nullable})
    if name == "NUMBER":
        return json.dumps({"type": "FIXED", "precision": numbers[0], "scale": numbers[1], **nullable})
    if name in ("VARCHAR", "BINARY"):
        kind = "TEXT" if name == "VARCHAR" else name
        return json.dumps({"type": kind, "length": numbers[0], "byteLength": min(numbers[0] * 4, 16777216), **nullable})
    if numbers:
        return json.dumps({"type": name, "precision": 0, "scale": numbers[0], **nullable})
    return json.dumps({"type": "REAL" if name == "FLOAT" else name, **nullable})


def columns(account: Account, session: Session, reader: Reader, _terse: bool) -> Table:
    wanted = Filter.read(reader, ("ACCOUNT", "DATABASE", "SCHEMA", "TABLE"))
    paths = []
    if wanted.path and wanted.scope in ("", "TABLE"):
        paths = [full_path(session, "TABLE", wanted.path, "SHOW COLUMNS")]
        _must_be_there(account, paths[0])
    else:
        for schema in _schemas_in(account, session, wanted, "SHOW COLUMNS"):
            paths += [[*schema, name] for name, _rows in account.engine.tables(*schema)]
    rows = [
        {
            "table_name": path[2],
            "schema_name": path[1],
            "column_name": column["name"],
            "data_type": _data_type(column),
            "null?": "true" if column["nullable"] else "NOT_NULL",
            "default": column["default"] or "",
            "kind": "COLUMN",
            "comment": column.get("comment", ""),
            "database_name": path[0],
            "schema_evolution_record": None,
        }
        for path in paths
        for column in _columns(account, path)
    ]
    return Table.of(_COLUMNS, wanted.of(rows, "column_name"))


def _must_be_there(account: Account, path: list[str]) -> None:
    try:
        must_have(account, "TABLE", path)
    except SqlError as error:
        raise not_found(dotted(path)) from error


def describe_table(account: Account, session: Session, path: list[str]) -> Table:
    """DESCRIBE TABLE of one that is there."""
    nothing = dict.fromkeys(("check", "expression", "policy name", "privacy domain", "schema_evolution_record"))
    rows = [
        {
            **nothing,
            "name": column["name"],
            "type": column["type"],
            "kind": "COLUMN",
            "null?": _yes(column["nullable"]),
            "default": column["default"],
            "primary key": _yes(bool(column.get("key"))),
            "unique key": "N",
            "comment": column.get("comment") or None,
        }
        for column in _columns(account, path)
    ]
    return Table.of(_DESCRIBED, rows)
