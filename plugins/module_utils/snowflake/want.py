# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted: the module's options, resolved and checked. Pure; finds all problems at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.snowflake.column_types import canonical
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.names import resolve, resolve_path

MANAGE = ("databases", "schemas", "tables", "warehouses", "roles", "grants")
# The kinds in `grants`: the words of GRANT, how many parts the name may have, and whether it is for future objects.
KINDS: Mapping[str, tuple[str, tuple[int, ...], bool]] = {
    "database": ("DATABASE", (1,), False),
    "schema": ("SCHEMA", (2,), False),
    "warehouse": ("WAREHOUSE", (1,), False),
    "table": ("TABLE", (3,), False),
    "view": ("VIEW", (3,), False),
    "future_schemas": ("SCHEMA", (1,), True),
    "future_tables": ("TABLE", (1, 2), True),
    "future_views": ("VIEW", (1, 2), True),
}
SIZES = ("XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE", "3XLARGE", "4XLARGE", "5XLARGE", "6XLARGE")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    nullable: bool | None = True
    default: str | None = None
    comment: str | None = None
    primary_key: bool = False


@dataclass(frozen=True)
class Table:
    path: tuple[str, str, str]
    columns: tuple[Column, ...]
    comment: str | None = None


@dataclass(frozen=True)
class Schema:
    path: tuple[str, str]
    comment: str | None = None
    managed_access: bool | None = None


@dataclass(frozen=True)
class Database:
    name: str
    comment: str | None = None
    retention_days: int | None = None


@dataclass(frozen=True)
class Warehouse:
    name: str
    size: str | None = None
    auto_suspend_seconds: int | None = None
    auto_resume: bool | None = None
    comment: str | None = None
    initially_suspended: bool = True


@dataclass(frozen=True)
class Role:
    name: str
    comment: str | None = None
    granted_to: tuple[str, ...] = ()
    granted_to_users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """One privilege of one role. kind and future as in KINDS."""

    role: str
    privilege: str
    kind: str
    path: tuple[str, ...]
    future: bool = False


@dataclass
class Wanted:
    """Everything wanted of what is managed; None stands for what nobody asked for."""

    databases: list[Database] = field(default_factory=list)
    schemas: list[Schema] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    warehouses: list[Warehouse] = field(default_factory=list)
    roles: list[Role] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)


def read_options(options: Mapping[str, Any]) -> tuple[Wanted, list[str]]:
    """Read the module's options; returns what is wanted, and all problems of it."""
    reader = _Reader()
    reader.databases(options["databases"] or [])
    reader.warehouses(options["warehouses"] or [])
    reader.roles(options["roles"] or [])
    reader.grants(options["grants"] or [])
    wanted = reader.wanted
    for name in MANAGE:
        if name not in options["manage"]:
            setattr(wanted, name, [])
    return wanted, reader.problems


def canonical_size(written: str) -> str | None:
    """`X-Small`, `XSMALL`, `2X-Large`, `XXLARGE`, `X2LARGE` in one form; None when it is no size."""
    text = re.sub(r"[^A-Z0-9]", "", written.upper())
    text = re.sub(r"^X([2-6])LARGE$", r"\1XLARGE", text)
    text = re.sub(r"^(X{2,3})LARGE$", lambda match: f"{len(match[1])}XLARGE", text)
    return text if text in SIZES else None


class _Reader:
    def __init__(self) -> None:
        self.wanted, self.problems, self._seen = Wanted(), [], set()

    def databases(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            where = f"database {entry['name']}"
            name = self._named("database", where, entry["name"])
            days = entry["data_retention_days"]
            if days is not None and not 0 <= days <= 90:
                self.problems.append(f"{where}: data_retention_days is 0 to 90, not {days}")
            if name:
                self.wanted.databases.append(Database(name, entry["comment"], days))
            for schema in entry["schemas"] or []:
                self._schema(name or "?", f"{entry['name']}.{schema['name']}", schema)

    def _schema(self, database: str, label: str, entry: Mapping[str, Any]) -> None:
        where = f"schema {label}"
        name = self._named("schema", where, entry["name"], database)
        if name == "INFORMATION_SCHEMA":
            self.problems.append(f"{where}: this schema is Snowflake's own")
        path = (database, name or "?")
        self.wanted.schemas.append(Schema(path, entry["comment"], entry["managed_access"]))
        for table in entry["tables"] or []:
            self._table(path, f"table {label}.{table['name']}", table)

    def _table(self, schema: tuple[str, str], where: str, entry: Mapping[str, Any]) -> None:
        name = self._named("table", where, entry["name"], *schema) or "?"
        columns = [self._column(f"{where}, column {column['name']}", column) for column in entry["columns"] or []]
        names = [column.name for column in columns if column]
        if not columns:
            self.problems.append(f"{where}: a table has columns")
        for twice in sorted({column for column in names if names.count(column) > 1}):
            self.problems.append(f"{where}: column {twice} is there twice")
        self.wanted.tables.append(
            Table((*schema, name), tuple(column for column in columns if column), entry["comment"])
        )

    def _column(self, where: str, entry: Mapping[str, Any]) -> Column | None:
        name, kind = self._try(where, resolve, entry["name"]), self._try(where, canonical, entry["type"])
        if entry["primary_key"] and entry["nullable"]:
            self.problems.append(f"{where}: a primary key is not nullable")
        if not name or not kind:
            return None
        nullable = not entry["primary_key"] if entry["nullable"] is None else entry["nullable"]
        return Column(name, kind, nullable, entry["default"], entry["comment"], entry["primary_key"])

    def warehouses(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            where = f"warehouse {entry['name']}"
            name, size = self._named("warehouse", where, entry["name"]), entry["size"] and canonical_size(entry["size"])
            if entry["size"] and not size:
                self.problems.append(f"{where}: {entry['size']!r} is not a size; they are {', '.join(SIZES)}")
            seconds = entry["auto_suspend_seconds"]
            if seconds is not None and seconds < 0:
                self.problems.append(f"{where}: auto_suspend_seconds is 0 (never) or more, not {seconds}")
            rest = (entry["auto_resume"], entry["comment"], entry["initially_suspended"])
            self.wanted.warehouses.append(Warehouse(name or "?", size, seconds, *rest))

    def roles(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            where = f"role {entry['name']}"
            name = self._named("role", where, entry["name"])
            to = [self._try(f"{where}, granted_to", resolve, role) for role in entry["granted_to"] or []]
            users = [self._try(f"{where}, granted_to_users", resolve, user) for user in entry["granted_to_users"] or []]
            if name in to:
                self.problems.append(f"{where}: a role is not granted to itself")
            self.wanted.roles.append(Role(name or "?", entry["comment"], tuple(to), tuple(users)))

    def grants(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            kind, lengths, future = KINDS[entry["object"]["kind"]]
            where = f"grant of {entry['role']} on {entry['object']['kind']} {entry['object']['name']}"
            role, path = (
                self._try(where, resolve, entry["role"]),
                self._try(where, resolve_path, entry["object"]["name"]),
            )
            if path and len(path) not in lengths:
                wants = " or ".join(str(length) for length in lengths)
                self.problems.append(f"{where}: the name has {len(path)} parts, not {wants}")
            for written in entry["privileges"]:
                privilege = " ".join(written.upper().split())
                self._privilege(where, privilege)
                grant = Grant(role or "?", privilege, kind, path or (), future)
                if grant not in self.wanted.grants:
                    self.wanted.grants.append(grant)

    def _privilege(self, where: str, privilege: str) -> None:
        if privilege in ("ALL", "ALL PRIVILEGES"):
            self.problems.append(f"{where}: name the privileges, what ALL means changes and cannot be compared")
        elif privilege == "OWNERSHIP":
            self.problems.append(f"{where}: ownership is moved, not granted; this module does not move it")
        elif not re.fullmatch(r"[A-Z]+( [A-Z]+)*", privilege):
            self.problems.append(f"{where}: {privilege!r} is not a privilege")

    def _named(self, kind: str, where: str, written: str, *parents: str) -> str | None:
        name = self._try(where, resolve, written)
        key = (kind, *parents, name)
        if name and key in self._seen:
            self.problems.append(f"{where}: {name} is there twice")
        self._seen.add(key)
        return name

    def _try(self, where: str, read: Callable[[str], Any], written: str) -> Any:
        try:
            return read(written)
        except ValueError as error:
            self.problems.append(f"{where}: {error}")
            return None
