# SPDX-License-Identifier: GPL-3.0-or-later
"""The account as it is served: its catalogue, engine, sessions, faults, and what was executed."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from fakesnow.server import sessions as fakesnow_sessions

from lab.cloud.snowflake import login, tables
from lab.cloud.snowflake.catalogue import Catalogue
from lab.cloud.snowflake.context import Account
from lab.cloud.snowflake.engine import Engine, Session
from lab.cloud.snowflake.errors import SqlError
from lab.cloud.snowflake.faults import Faults
from lab.cloud.snowflake.sql import Reader, dotted
from lab.cloud.store import Store


class Service:
    """One account. directory: where its state is kept; None: in memory. Raises StoreError."""

    def __init__(self, directory: Path | None) -> None:
        databases = directory / "databases" if directory else None
        for made in (directory, databases) if directory else ():
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
            made.chmod(0o700)
        self.catalogue, self.faults = Catalogue(), Faults()
        self.statements: list[dict] = []
        self.store = Store(directory / "catalogue.json" if directory else None, self.catalogue.dump)
        self.catalogue.load(self.store.read())
        self.account = Account(self.catalogue, Engine(databases))
        self.turn = asyncio.Lock()  # one statement at a time
        self._number = 0
        self._reconcile()

    def _reconcile(self) -> None:
        """After a start: forget what has no data any more, and tell the engine the declared types."""
        engine = self.account.engine
        for kind in ("DATABASE", "SCHEMA", "TABLE"):
            for name in list(self.catalogue.objects[kind]):
                path = Reader(name).path()
                if not engine.has(kind, path):
                    self.catalogue.forget(kind, name)
                elif kind == "TABLE":
                    tables.declare(self.account, path)

    def reset(self) -> None:
        """As new: no user, no object, no session, no fault, nothing executed."""
        sessions = list(self.account.sessions.values())
        for name in self.account.engine.databases():
            self.account.engine.drop_database(name, sessions)
        for session in sessions:
            self.leave(session.token)
        with self.catalogue.lock:
            self.catalogue.reset()
        self.faults.clear()
        self.statements.clear()
        self.store.touch()

    def enter(self, data: dict, wanted: dict) -> Session:
        """Log in. wanted: roleName, warehouse, databaseName, schemaName as given. Raises LoginError."""
        user = login.check(self.catalogue, data)
        role = login.role_of(self.catalogue, user, wanted.get("roleName"))
        self._number += 1
        parameters = data.get("SESSION_PARAMETERS") or {}
        connection = self.account.engine.connect()
        connection._autocommit = parameters.get("AUTOCOMMIT", True)  # noqa: SLF001
        session = Session(secrets.token_urlsafe(32), self._number, user, role, None, connection)
        own = self.catalogue.objects["USER"][user].get("default_warehouse")
        warehouse = dotted(self._path(wanted.get("warehouse") or own))
        session.warehouse = warehouse if warehouse in self.catalogue.objects["WAREHOUSE"] else None
        self._use(session, wanted)
        self.account.sessions[session.token] = session
        fakesnow_sessions[session.token] = connection
        return session

    @staticmethod
    def _path(name: str | None) -> list[str]:
        """A name given at the login; empty for none, or what is none."""
        try:
            return Reader(name).path() if name else []
        except SqlError:
            return []

    def _use(self, session: Session, wanted: dict) -> None:
        """Names that are not there leave the session without a current database or schema, as in reality."""
        path, schema = self._path(wanted.get("databaseName")), self._path(wanted.get("schemaName"))
        if len(path) != 1 or len(schema) > 1:
            return
        if schema and self.account.engine.has("SCHEMA", [*path, *schema]):
            self.account.engine.use(session, path[0], schema[0])
        elif self.account.engine.has("DATABASE", path):
            self.account.engine.use(session, path[0], None)

    def leave(self, token: str) -> None:
        """Log out."""
        session = self.account.sessions.pop(token, None)
        fakesnow_sessions.pop(token, None)
        if session is not None:
            session.connection.close()

    def close(self) -> None:
        """Write what is left, and give the databases' files back."""
        for token in list(self.account.sessions):
            self.leave(token)
        self.account.engine.close()
        self.store.close()
