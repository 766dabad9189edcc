# SPDX-License-Identifier: GPL-3.0-or-later
"""From what there is to what is wanted: statements in order, each with the role that sends it. Pure; drops nothing.

Tables come after the grants on what will hold them, so that future grants are in force when a table is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.snowflake import ddl, want
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.read import Found


@dataclass(frozen=True)
class Statement:
    """One statement, who sends it, and what it does, for people."""

    sql: str
    role: str
    text: str


@dataclass(frozen=True)
class Roles:
    """Who does what; an empty one keeps the role of the session."""

    objects: str = "SYSADMIN"
    roles: str = "USERADMIN"
    grants: str = "SECURITYADMIN"


@dataclass
class Plan:
    """problems forbid every write; warnings tell of differences that are left as they are."""

    statements: list[Statement] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, sql: str, role: str, text: str) -> None:
        self.statements.append(Statement(sql, role, text))


def make_plan(wanted: want.Wanted, found: Found, roles: Roles) -> Plan:
    """Compare, and say what to send."""
    plan = Plan()
    _check_parents(plan, wanted, found)
    _databases(plan, wanted, found, roles.objects)
    _warehouses(plan, wanted, found, roles.objects)
    _roles(plan, wanted, found, roles)
    _grants(plan, [grant for grant in wanted.grants if _on_container(grant)], found, roles.grants)
    for table in wanted.tables:
        _table(plan, table, found.tables.get(table.path), roles.objects)
    _grants(plan, [grant for grant in wanted.grants if not _on_container(grant)], found, roles.grants)
    return plan


def _check_parents(plan: Plan, wanted: want.Wanted, found: Found) -> None:
    """What is not managed must be there already for what lies in it."""
    databases = {database.name for database in wanted.databases} | set(found.databases)
    schemas = {schema.path for schema in wanted.schemas} | set(found.schemas)
    lacking = {path[0] for path in schemas | {table.path[:2] for table in wanted.tables}} - databases
    plan.problems += [f"database {name} does not exist, and `manage` lacks databases" for name in sorted(lacking)]
    lacking_schemas = {table.path[:2] for table in wanted.tables if table.path[0] in databases} - schemas
    plan.problems += [
        f"schema {'.'.join(path)} does not exist, and `manage` lacks schemas" for path in sorted(lacking_schemas)
    ]


def _databases(plan: Plan, wanted: want.Wanted, found: Found, role: str) -> None:
    for database in wanted.databases:
        have = found.databases.get(database.name)
        if have is None:
            plan.add(ddl.create_database(database), role, f"create database {database.name}")
        else:
            changed = _changed(database, have)
            _set(plan, "DATABASE", (database.name,), ddl.database_settings(changed), role)
    for schema in wanted.schemas:
        have = found.schemas.get(schema.path)
        if have is None:
            plan.add(ddl.create_schema(schema), role, f"create schema {'.'.join(schema.path)}")
            if schema.path[1] != "PUBLIC":
                continue
            have = want.Schema(schema.path, "", False)  # a new database has it already, bare
        changed = _changed(schema, have)
        if changed.managed_access is not None:
            verb = "enable" if changed.managed_access else "disable"
            sql = ddl.set_managed_access(schema.path, changed.managed_access)
            plan.add(sql, role, f"{verb} managed access of schema {'.'.join(schema.path)}")
        _set(plan, "SCHEMA", schema.path, ddl.comment_setting(changed.comment), role)


def _warehouses(plan: Plan, wanted: want.Wanted, found: Found, role: str) -> None:
    for warehouse in wanted.warehouses:
        have = found.warehouses.get(warehouse.name)
        if have is None:
            plan.add(ddl.create_warehouse(warehouse), role, f"create warehouse {warehouse.name}")
        else:
            _set(plan, "WAREHOUSE", (warehouse.name,), ddl.warehouse_settings(_changed(warehouse, have)), role)


def _roles(plan: Plan, wanted: want.Wanted, found: Found, roles: Roles) -> None:
    for role in wanted.roles:
        have = found.roles.get(role.name)
        if have is None:
            plan.add(ddl.create_role(role), roles.roles, f"create role {role.name}")
            have = want.Role(role.name)
        else:
            _set(plan, "ROLE", (role.name,), ddl.comment_setting(_changed(role, have).comment), roles.roles)
    for role in wanted.roles:  # when all of them exist
        have = found.roles.get(role.name, want.Role(role.name))
        for kind, names, held in (
            ("ROLE", role.granted_to, have.granted_to),
            ("USER", role.granted_to_users, have.granted_to_users),
        ):
            for grantee in names:
                if grantee not in held:
                    text = f"grant role {role.name} to {kind.lower()} {grantee}"
                    plan.add(ddl.grant_role(role.name, kind, grantee), roles.grants, text)


def _grants(plan: Plan, grants: Sequence[want.Grant], found: Found, role: str) -> None:
    """One statement for all privileges that a role lacks on one object. An owner lacks none."""
    lacking: dict[want.Grant, list[str]] = {}
    for grant in grants:
        owned = not grant.future and replace(grant, privilege="OWNERSHIP") in found.grants
        if grant not in found.grants and not owned:
            lacking.setdefault(replace(grant, privilege=""), []).append(grant.privilege)
    for one, privileges in lacking.items():
        what = f"{'future ' if one.future else ''}{one.kind.lower()}{'s in' if one.future else ''} {'.'.join(one.path)}"
        plan.add(ddl.grant(privileges, one), role, f"grant {', '.join(privileges)} on {what} to role {one.role}")


def _table(plan: Plan, table: want.Table, have: want.Table | None, role: str) -> None:
    name = ".".join(table.path)
    if have is None:
        plan.add(ddl.create_table(table), role, f"create table {name}")
        return
    columns = {column.name: column for column in have.columns}
    for column in table.columns:
        there = columns.get(column.name)
        if there is None:
            _add_column(plan, table, column, role)
            continue
        if there.type != column.type:
            plan.problems.append(
                f"table {name}, column {column.name} is {there.type}, wanted {column.type}; "
                "no type is changed here, so migrate the column by hand or correct the wanted type"
            )
        if there.nullable not in (None, column.nullable):
            is_now = "is nullable" if there.nullable else "is not nullable"
            plan.warnings.append(f"Table {name}, column {column.name} {is_now}, which is not as wanted; it is left so.")
        if column.comment is not None and there.comment is not None and column.comment != there.comment:
            plan.add(ddl.comment_column(table.path, column), role, f"comment column {column.name} of table {name}")
    _set(plan, "TABLE", table.path, ddl.comment_setting(_changed(table, have).comment), role)


def _add_column(plan: Plan, table: want.Table, column: want.Column, role: str) -> None:
    where = f"table {'.'.join(table.path)}, column {column.name}"
    if column.primary_key:
        plan.problems.append(
            f"{where} is missing, and a primary key is not added to a table that exists; migrate it by hand"
        )
    elif not column.nullable and column.default is None:
        plan.problems.append(
            f"{where} is missing, and one that is not nullable needs a default to be added; give it one"
        )
    else:
        plan.add(ddl.add_column(table.path, column), role, f"add column {column.name} to table {'.'.join(table.path)}")


def _set(plan: Plan, kind: str, path: Sequence[str], settings: Sequence[str], role: str) -> None:
    if settings:
        names = ", ".join(setting.split(" = ")[0].lower() for setting in settings)
        plan.add(ddl.alter(kind, path, settings), role, f"set {names} of {kind.lower()} {'.'.join(path)}")


def _changed(wanted: Any, have: Any) -> Any:
    """The wanted object with None for all that is as wanted, or that nobody knows."""
    same = {
        each.name: None
        for each in fields(wanted)
        if getattr(have, each.name) is None or getattr(have, each.name) == getattr(wanted, each.name)
    }
    return replace(wanted, **{name: value for name, value in same.items() if name not in ("name", "path", "columns")})


def _on_container(grant: want.Grant) -> bool:
    """Whether the grant must be in force before tables are made."""
    return grant.future or grant.kind not in ("TABLE", "VIEW")
