# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements: text only, nothing is decided here. All may be sent twice (reference §4). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.sophia.platform.plugins.module_utils.snowflake import want
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.names import sql_name, sql_text


def create_database(database: want.Database) -> str:
    name = sql_name(database.name)
    return " ".join([f"CREATE DATABASE IF NOT EXISTS {name}", *database_settings(database)])


def database_settings(database: want.Database) -> list[str]:
    days = database.retention_days
    return ([] if days is None else [f"DATA_RETENTION_TIME_IN_DAYS = {days}"]) + comment_setting(database.comment)


def create_schema(schema: want.Schema) -> str:
    managed = ["WITH MANAGED ACCESS"] if schema.managed_access else []
    name = sql_name(*schema.path)
    return " ".join([f"CREATE SCHEMA IF NOT EXISTS {name}", *managed, *comment_setting(schema.comment)])


def set_managed_access(path: Sequence[str], managed: bool) -> str:
    return f"ALTER SCHEMA {sql_name(*path)} {'ENABLE' if managed else 'DISABLE'} MANAGED ACCESS"


def create_table(table: want.Table) -> str:
    keys = [sql_name(column.name) for column in table.columns if column.primary_key]
    lines = [column_definition(column) for column in table.columns]
    lines += [f"PRIMARY KEY ({', '.join(keys)})"] if keys else []
    text = f"CREATE TABLE IF NOT EXISTS {sql_name(*table.path)} ({', '.join(lines)})"
    return " ".join([text, *comment_setting(table.comment)])


def column_definition(column: want.Column) -> str:
    parts = [sql_name(column.name), "BINARY" if column.type == "BINARY(8388608)" else column.type]
    parts += [] if column.default is None else [f"DEFAULT {column.default}"]
    parts += [] if column.nullable else ["NOT NULL"]
    return " ".join(parts + ([f"COMMENT {sql_text(column.comment)}"] if column.comment else []))


def add_column(table: Sequence[str], column: want.Column) -> str:
    """Snowflake allows IF NOT EXISTS here only for a column without a default."""
    guard = "IF NOT EXISTS " if column.default is None else ""
    return f"ALTER TABLE {sql_name(*table)} ADD COLUMN {guard}{column_definition(column)}"


def comment_column(table: Sequence[str], column: want.Column) -> str:
    return (
        f"ALTER TABLE {sql_name(*table)} ALTER COLUMN {sql_name(column.name)} COMMENT {sql_text(column.comment or '')}"
    )


def create_warehouse(warehouse: want.Warehouse) -> str:
    """Without INITIALLY_SUSPENDED a new warehouse starts, and costs money."""
    suspended = f"INITIALLY_SUSPENDED = {_boolean(warehouse.initially_suspended)}"
    name = sql_name(warehouse.name)
    return " ".join([f"CREATE WAREHOUSE IF NOT EXISTS {name}", *warehouse_settings(warehouse), suspended])


def warehouse_settings(warehouse: want.Warehouse) -> list[str]:
    parts = [f"WAREHOUSE_SIZE = {sql_text(warehouse.size)}"] if warehouse.size else []
    seconds, resume = warehouse.auto_suspend_seconds, warehouse.auto_resume
    parts += [] if seconds is None else [f"AUTO_SUSPEND = {seconds}"]
    parts += [] if resume is None else [f"AUTO_RESUME = {_boolean(resume)}"]
    return parts + comment_setting(warehouse.comment)


def create_role(role: want.Role) -> str:
    return " ".join([f"CREATE ROLE IF NOT EXISTS {sql_name(role.name)}", *comment_setting(role.comment)])


def grant_role(role: str, kind: str, grantee: str) -> str:
    return f"GRANT ROLE {sql_name(role)} TO {kind} {sql_name(grantee)}"


def grant(privileges: Sequence[str], one: want.Grant) -> str:
    """Grant several privileges on what one of them is for."""
    what = f"{one.kind} {sql_name(*one.path)}"
    if one.future:
        what = f"FUTURE {one.kind}S IN {'DATABASE' if len(one.path) == 1 else 'SCHEMA'} {sql_name(*one.path)}"
    return f"GRANT {', '.join(privileges)} ON {what} TO ROLE {sql_name(one.role)}"


def alter(kind: str, path: Sequence[str], settings: Sequence[str]) -> str:
    return f"ALTER {kind} {sql_name(*path)} SET {' '.join(settings)}"


def comment_setting(comment: str | None) -> list[str]:
    return [] if comment is None else [f"COMMENT = {sql_text(comment)}"]


def _boolean(value: bool) -> str:
    return "TRUE" if value else "FALSE"
