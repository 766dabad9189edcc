# SPDX-License-Identifier: GPL-3.0-or-later
"""fakesnow below: which databases, schemas, tables and columns DuckDB has, and the statements it carries out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from fakesnow import info_schema
from fakesnow.conn import FakeSnowflakeConnection
from fakesnow.instance import FakeSnow
from snowflake.connector import errors as connector_errors

from lab.cloud.snowflake.errors import SqlError
from lab.cloud.snowflake.sql import dotted

INFORMATION_SCHEMA = "INFORMATION_SCHEMA"
_HIDDEN = ("main", "pg_catalog", "information_schema", "_fs_information_schema")
_TYPES = "_fs_global._fs_information_schema._lab_types"  # the declared types of columns that DuckDB keeps as others
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Session:
    """Someone who is logged in."""

    token: str
    number: int
    user: str
    role: str
    warehouse: str | None
    connection: FakeSnowflakeConnection
    answers: dict[str, dict] = field(default_factory=dict)  # by request, for a client that asks again

    @property
    def database(self) -> str | None:
        return self.connection.database if self.connection.database_set else None

    @property
    def schema(self) -> str | None:
        return self.connection.schema if self.connection.schema_set else None

    def final(self) -> dict:
        """The final… fields of an answer."""
        return {
            "finalDatabaseName": self.database,
            "finalSchemaName": self.schema,
            "finalWarehouseName": self.warehouse,
            "finalRoleName": self.role,
        }


class Engine:
    """One fakesnow. directory: where the databases' files are; None: in memory."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self.fake = FakeSnow(create_database_on_connect=True, db_path=directory)
        self.duck = self.fake.duck_conn.cursor()
        self._show_declared_types()
        for file in sorted(directory.glob("*.db")) if directory else ():
            self.fake.connect(database=file.stem).close()

    def connect(self) -> FakeSnowflakeConnection:
        return self.fake.connect()

    def _show_declared_types(self) -> None:
        """Have INFORMATION_SCHEMA.COLUMNS show the types in `_TYPES`."""
        self.duck.execute(f"create table {_TYPES} (c varchar, s varchar, t varchar, n varchar, declared varchar)")
        declared = (
            f"(select declared from {_TYPES} where c = columns.table_catalog and s = columns.table_schema "  # noqa: S608
            "and t = columns.table_name and n = columns.column_name)"
        )
        view = info_schema.SQL_CREATE_GLOBAL_INFORMATION_SCHEMA_COLUMNS_VIEW
        view = view.replace("create view if not exists", "create or replace view", 1)
        self.duck.execute(view.replace("case when", f"case when {declared} is not null then {declared} when", 1))

    def declare(self, path: list[str], types: dict[str, str]) -> None:
        """Have a table's columns shown with these types in INFORMATION_SCHEMA."""
        self.duck.execute(f"delete from {_TYPES} where c = ? and s = ? and t = ?", path)  # noqa: S608
        for name, declared in types.items():
            self.duck.execute(f"insert into {_TYPES} values (?, ?, ?, ?, ?)", [*path, name, declared])  # noqa: S608

    def databases(self) -> list[str]:
        found = self.duck.execute("select database_name from duckdb_databases() where not internal").fetchall()
        return sorted(name for (name,) in found if name not in ("memory", "_fs_global"))

    def schemas(self, database: str) -> list[str]:
        """A database's schemas, INFORMATION_SCHEMA too."""
        sql = "select schema_name from duckdb_schemas() where database_name = ?"
        found = [name for (name,) in self.duck.execute(sql, [database]).fetchall()]
        return sorted([name for name in found if name not in _HIDDEN] + [INFORMATION_SCHEMA])

    def tables(self, database: str, schema: str) -> list[tuple[str, int]]:
        """A schema's tables with their numbers of rows."""
        sql = "select table_name, estimated_size from duckdb_tables() where database_name = ? and schema_name = ?"
        return sorted(self.duck.execute(sql, [database, schema]).fetchall())

    def views(self, database: str, schema: str) -> list[str]:
        sql = "select view_name from duckdb_views() where database_name = ? and schema_name = ?"
        return [name for (name,) in self.duck.execute(sql, [database, schema]).fetchall()]

    def columns(self, path: list[str]) -> list[tuple[str, str, bool, str | None]]:
        """A table's columns: name, DuckDB's type, whether it may be NULL, default."""
        sql = (
            "select column_name, data_type, is_nullable, column_default from duckdb_columns() "
            "where database_name = ? and schema_name = ? and table_name = ? order by column_index"
        )
        return self.duck.execute(sql, path).fetchall()

    def has(self, kind: str, path: list[str]) -> bool:
        """Whether a database, schema or table is there."""
        if path[0] not in self.databases():
            return False
        if kind == "DATABASE":
            return True
        if path[1] not in self.schemas(path[0]):
            return False
        return kind == "SCHEMA" or path[2] in [name for name, _rows in self.tables(path[0], path[1])]

    def execute(self, session: Session, sql: str) -> None:
        """Have fakesnow carry a statement out. Raises SqlError."""
        try:
            session.connection.cursor().execute(sql, server=True)
        except connector_errors.Error as error:
            raise SqlError(error.errno or 603, error.sqlstate or "XX000", error.raw_msg or str(error)) from error
        except (duckdb.Error, NotImplementedError) as error:
            raise SqlError(603, "XX000", f"SQL execution internal error: {error}") from error

    def create_database(self, session: Session, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise SqlError(9999, "99999", f"The lab cannot have a database of the name {name!r}.")
        self.execute(session, f"CREATE DATABASE {name}")
        self.duck.execute(f"CREATE SCHEMA {name}.PUBLIC")

    def drop_database(self, name: str, sessions: list[Session]) -> None:
        """Detach it, take it from the sessions that use it, and delete its file."""
        for session in sessions:
            if session.connection.database == name:
                self._leave(session)
        self.duck.execute(f"DETACH {name}")
        self._forget([name])
        for ending in (".db", ".db.wal") if self.directory else ():
            (self.directory / f"{name}{ending}").unlink(missing_ok=True)

    def drop_schema(self, path: list[str], sessions: list[Session]) -> None:
        """Drop it, and take it from the sessions that use it."""
        for session in sessions:
            if [session.connection.database, session.connection._schema] == path:  # noqa: SLF001
                self._leave(session)
                session.connection._duck_conn.execute(f"SET schema='{path[0]}.main'")  # noqa: SLF001
                session.connection.database, session.connection.database_set = path[0], True
        self.duck.execute(f"DROP SCHEMA {dotted(path)} CASCADE")
        self._forget(path)

    @staticmethod
    def _leave(session: Session) -> None:
        connection = session.connection
        connection._duck_conn.execute("SET schema='memory.main'")  # noqa: SLF001
        connection.database = connection._schema = None  # noqa: SLF001
        connection.database_set = connection.schema_set = False

    def drop_table(self, session: Session, path: list[str]) -> None:
        self.execute(session, f"DROP TABLE {dotted(path)}")
        self._forget(path)

    def _forget(self, path: list[str]) -> None:
        """What fakesnow and the lab keep of a dropped object's tables elsewhere."""
        own = " and ".join(f"{column} = ?" for column in ("c", "s", "t")[: len(path)])
        self.duck.execute(f"delete from {_TYPES} where {own}", path)  # noqa: S608
        names = ("ext_table_catalog", "ext_table_schema", "ext_table_name")[: len(path)]
        theirs = " and ".join(f"{name} = ?" for name in names)
        for table in ("_fs_tables_ext", "_fs_columns_ext"):
            self.duck.execute(f"delete from _fs_global._fs_information_schema.{table} where {theirs}", path)  # noqa: S608

    def use(self, session: Session, database: str, schema: str | None) -> None:
        """Make them the session's current ones. schema None: PUBLIC, when there is one."""
        if schema is None and "PUBLIC" in self.schemas(database):
            schema = "PUBLIC"
        connection = session.connection
        inside = "_FS_INFORMATION_SCHEMA" if schema == INFORMATION_SCHEMA else schema
        place = f"{database}.{inside or 'main'}".replace("'", "''")
        connection._duck_conn.execute(f"SET schema='{place}'")  # noqa: SLF001
        connection.database, connection.database_set = database, True
        connection._schema, connection.schema_set = inside, inside is not None  # noqa: SLF001

    def close(self) -> None:
        """Detach every database, so that its file is whole."""
        for name in self.databases():
            self.duck.execute(f"DETACH {name}")
        self.fake.duck_conn.close()
