"""A PostgreSQL connection pool that finds its way back when the database restarts or moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from sophia_service.settings import Environment, Secret

CONNECTION_WAIT_SECONDS = 1.5


@dataclass(frozen=True)
class PostgresSettings:
    host: str
    port: int
    database: str
    user: str
    password: Secret

    @classmethod
    def read(cls, environment: Environment) -> PostgresSettings:
        return cls(
            host=environment.text("DATABASE_HOST"),
            port=environment.port("DATABASE_PORT", 5432),
            database=environment.text("DATABASE_NAME"),
            user=environment.text("DATABASE_USER"),
            password=environment.secret_file("DATABASE_PASSWORD_FILE"),
        )


class Postgres:
    """A pool of up to eight connections, each tested before it is handed out.

    A connection to a host that vanished is given up by the kernel after five seconds, not after its default of
    fifteen minutes. Nothing is prepared on the server, so that a pooler in transaction mode can stand in between.
    """

    def __init__(self, settings: PostgresSettings, application_name: str) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            kwargs={
                "host": settings.host,
                "port": settings.port,
                "dbname": settings.database,
                "user": settings.user,
                "password": settings.password.reveal(),
                "application_name": application_name,
                "autocommit": True,
                "prepare_threshold": None,
                "connect_timeout": 2,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 5000,
            },
            name="postgres",
            min_size=1,
            max_size=8,
            timeout=CONNECTION_WAIT_SECONDS,
            reconnect_timeout=1,  # then the next request tries again, instead of a timer that backs off for minutes
            max_lifetime=600,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Starts the pool without waiting for the database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A live connection; raises psycopg.OperationalError when there is none in time."""
        async with self._pool.connection() as connection:
            yield connection

    async def version(self) -> str:
        """What the server says of itself: `select version()`."""
        async with self.connection() as connection:
            row = await (await connection.execute("select version()")).fetchone()
        return str(row[0])
