# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is: SHOW and DESCRIBE, by the names of their columns, of exactly the objects that are wanted.

LIKE takes `_` for any character and ignores case, and some servers ignore LIKE: names are compared here, exactly.
A value that a server does not tell (a missing column, a null) is None; what is not known is not compared (reference
§4, §5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.snowflake import want
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.column_types import described
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.connection import Connection
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.names import sql_name, sql_text, told_path

Row = Mapping[str, Any]


@dataclass
class Found:
    """What there is, of what is wanted; by resolved names."""

    databases: dict[str, want.Database] = field(default_factory=dict)
    schemas: dict[tuple[str, ...], want.Schema] = field(default_factory=dict)
    tables: dict[tuple[str, ...], want.Table] = field(default_factory=dict)
    warehouses: dict[str, want.Warehouse] = field(default_factory=dict)
    roles: dict[str, want.Role] = field(default_factory=dict)
    grants: set[want.Grant] = field(default_factory=set)


def read(connection: Connection, wanted: want.Wanted, object_role: str, grant_role: str) -> Found:
    """Read everything that the plan compares. Changes nothing but the session's role."""
    found = Found()
    connection.use_role(object_role)
    _read_objects(connection, wanted, found)
    if wanted.roles or wanted.grants:
        connection.use_role(grant_role)
        _read_roles(connection, wanted, found)
    return found


def _read_objects(connection: Connection, wanted: want.Wanted, found: Found) -> None:
    schemas = {schema.path for schema in wanted.schemas} | {table.path[:2] for table in wanted.tables}
    names = [database.name for database in wanted.databases] + [path[0] for path in schemas]
    for name in dict.fromkeys(names):
        for row in _like(connection, "DATABASES", name):
            found.databases[name] = want.Database(name, row.get("comment"), _number(row.get("retention_time")))
    for database in dict.fromkeys(path[0] for path in sorted(schemas)):
        if database in found.databases:
            for row in connection.rows(f"SHOW SCHEMAS IN DATABASE {sql_name(database)}"):
                path = (database, row["name"])
                if path in schemas:
                    found.schemas[path] = want.Schema(path, row.get("comment"), _managed(row))
    for path in dict.fromkeys(table.path[:2] for table in wanted.tables):
        if path in found.schemas:
            _read_tables(connection, path, {table.path[2] for table in wanted.tables if table.path[:2] == path}, found)
    for warehouse in wanted.warehouses:
        for row in _like(connection, "WAREHOUSES", warehouse.name):
            found.warehouses[warehouse.name] = _warehouse(row)


def _read_tables(connection: Connection, schema: tuple[str, str], names: set[str], found: Found) -> None:
    for row in connection.rows(f"SHOW TABLES IN SCHEMA {sql_name(*schema)}"):
        if row["name"] in names:
            path = (*schema, row["name"])
            found.tables[path] = want.Table(path, _columns(connection, path), row.get("comment"))


def _columns(connection: Connection, table: tuple[str, ...]) -> tuple[want.Column, ...]:
    """The columns of a table. DESCRIBE is asked only for a type that SHOW tells in an unknown way: the JSON of some
    is not documented, and fakesnow's DESCRIBE fails in a session without a database."""
    name = sql_name(*table)
    rows = [row for row in connection.rows(f"SHOW COLUMNS IN TABLE {name}") if row.get("kind") in (None, "COLUMN")]
    types = {row["column_name"]: described(row["data_type"]) for row in rows}
    if None in types.values():
        shown = {row["name"]: row["type"] for row in connection.rows(f"DESCRIBE TABLE {name}")}
        types = {column: known or described(shown[column]) or shown[column] for column, known in types.items()}
    return tuple(
        want.Column(row["column_name"], types[row["column_name"]], _yes(row.get("null?")), comment=row.get("comment"))
        for row in rows
    )


def _read_roles(connection: Connection, wanted: want.Wanted, found: Found) -> None:
    for role in wanted.roles:
        for row in _like(connection, "ROLES", role.name):
            held = connection.rows(f"SHOW GRANTS OF ROLE {sql_name(role.name)}")
            to = {
                kind: [told_path(each["grantee_name"])[-1] for each in held if each["granted_to"] == kind]
                for kind in ("ROLE", "USER")
            }
            found.roles[role.name] = want.Role(role.name, row.get("comment"), tuple(to["ROLE"]), tuple(to["USER"]))
    absent = {role.name for role in wanted.roles} - set(found.roles)
    for role in dict.fromkeys(grant.role for grant in wanted.grants):
        if role not in absent:
            mine = [grant for grant in wanted.grants if grant.role == role]
            _read_grants(connection, role, {grant.future for grant in mine}, found)


def _read_grants(connection: Connection, role: str, futures: set[bool], found: Found) -> None:
    for future in sorted(futures):
        for row in connection.rows(f"SHOW {'FUTURE ' if future else ''}GRANTS TO ROLE {sql_name(role)}"):
            kind = str(row.get("granted_on") or row.get("grant_on")).replace("_", " ")
            name = row["name"].rpartition(".")[0] if future else row["name"]  # DB.SCHEMA.<TABLE>
            found.grants.add(want.Grant(role, row["privilege"], kind, told_path(name), future))


def _like(connection: Connection, what: str, name: str) -> list[Row]:
    rows = connection.rows(f"SHOW {what} LIKE {sql_text(name)}")
    return [row for row in rows if row["name"] == name]


def _warehouse(row: Row) -> want.Warehouse:
    told = row.get("auto_suspend", "unknown")
    seconds = _number(0 if told is None else told)  # null: never
    size = want.canonical_size(row["size"]) if row.get("size") else None
    return want.Warehouse(row["name"], size, seconds, _yes(row.get("auto_resume")), row.get("comment"))


def _managed(row: Row) -> bool | None:
    return None if row.get("options") is None else "MANAGED ACCESS" in row["options"].upper()


def _yes(value: object) -> bool | None:
    """Y, true and True; None when nothing is told."""
    return None if value in (None, "") else str(value).upper() in ("Y", "TRUE", "YES")


def _number(value: object) -> int | None:
    return int(value) if str(value).isdigit() else None
