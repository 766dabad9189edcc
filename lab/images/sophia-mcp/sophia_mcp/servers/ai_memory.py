"""AI Memory: what agents want to remember, kept in PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, TypeVar

import psycopg
from mcp.server.mcpserver.exceptions import ToolError
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, Field
from sophia_service.postgres import Postgres, PostgresSettings
from sophia_service.settings import Environment

from sophia_mcp.definition import WRITE, Definition, Tool

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

TABLE = "ai_memory.memories"
SCHEMA_LOCK = 0x50F1A  # replicas that start together create the table one after another
CREATE_TABLE = (
    "create schema if not exists ai_memory",
    """create table if not exists ai_memory.memories (
        id bigint generated always as identity primary key,
        content text not null,
        tags text[] not null default '{}',
        created_at timestamptz not null default now(),
        search tsvector not null generated always as (to_tsvector('english', content)) stored
    )""",
    "create index if not exists memories_search on ai_memory.memories using gin (search)",
    "create index if not exists memories_tags on ai_memory.memories using gin (tags)",
)
INSERT = "insert into ai_memory.memories (content, tags) values (%s, %s) returning id, content, tags, created_at"
# A text matches by its words' stems, or literally where the query has no words that count ("the", "C++").
RECALL = """select id, content, tags, created_at
    from ai_memory.memories, websearch_to_tsquery('english', %(query)s) as wanted
    where (search @@ wanted or strpos(lower(content), lower(%(query)s)) > 0) and tags @> %(tags)s
    order by ts_rank(search, wanted) desc, id desc limit %(limit)s"""
COUNT = "select count(*) from ai_memory.memories where tags @> %s"

Tags = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]],
    Field(max_length=16, description="Labels, such as a project's name."),
]


class Memory(BaseModel):
    id: int
    content: str
    tags: list[str]
    created_at: datetime


class Memories(BaseModel):
    memories: list[Memory] = Field(description="The best match first.")


class MemoryCount(BaseModel):
    count: int


class MemoryStore:
    """The table of memories, made when it is missing, also after the database was replaced."""

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._table_exists = False

    async def rows(self, statement: str, parameters: Any) -> list[TupleRow]:
        """Runs one statement; raises ToolError when the database cannot do it now."""

        async def run(connection: AsyncConnection[TupleRow]) -> list[TupleRow]:
            return await (await connection.execute(statement, parameters)).fetchall()

        try:
            try:
                return await self._with_table(run)
            except psycopg.errors.UndefinedTable:
                self._table_exists = False
                return await self._with_table(run)
        except (psycopg.OperationalError, PoolTimeout) as error:
            logger.warning("the memory database failed: %s", error)
            raise ToolError("the memory database does not answer; try again in a few seconds") from error

    async def _with_table(self, run: Callable[[AsyncConnection[TupleRow]], Awaitable[Answer]]) -> Answer:
        async with self.postgres.connection() as connection:
            if not self._table_exists:
                await self._create_table(connection)
                self._table_exists = True
            return await run(connection)

    @staticmethod
    async def _create_table(connection: AsyncConnection[TupleRow]) -> None:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
            found = await (await connection.execute("select to_regclass(%s)", [TABLE])).fetchone()
            if found[0] is None:
                for statement in CREATE_TABLE:
                    await connection.execute(statement)


def definition(environment: Environment) -> Definition:
    postgres = Postgres(PostgresSettings.read(environment), application_name="sophia-mcp-ai-memory")
    store = MemoryStore(postgres)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        await postgres.open()
        yield
        await postgres.close()

    async def store_memory(
        content: Annotated[str, Field(min_length=1, max_length=20_000, description="What to remember.")],
        tags: Tags = [],  # noqa: B006 (never changed; the SDK copies it into the tool's schema)
    ) -> Memory:
        """Remembers a text for later."""
        return memory((await store.rows(INSERT, [content, tags]))[0])

    async def recall_memories(
        query: Annotated[str, Field(min_length=1, max_length=500, description="Words; quotes, `or` and `-` work.")],
        tags: Tags = [],  # noqa: B006
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> Memories:
        """Finds memories by text; with tags, only memories that carry all of them."""
        rows = await store.rows(RECALL, {"query": query, "tags": tags, "limit": limit})
        return Memories(memories=[memory(row) for row in rows])

    async def count_memories(tags: Tags = []) -> MemoryCount:  # noqa: B006
        """Counts memories; with tags, only memories that carry all of them."""
        return MemoryCount(count=(await store.rows(COUNT, [tags]))[0][0])

    return Definition(
        title="AI Memory",
        instructions="Stores what should be remembered between conversations and finds it again.",
        tools=[Tool(store_memory, WRITE), Tool(recall_memories), Tool(count_memories)],
        probes={"postgres": postgres.version},
        lifespan=lifespan,
    )


def memory(row: TupleRow) -> Memory:
    return Memory(id=row[0], content=row[1], tags=row[2], created_at=row[3])
