"""The backend's databases."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from sophia_service.health import CheckResult, run_checks
from sophia_service.postgres import Postgres

from sophia_backend.settings import RedisSettings, Settings

CONVERSATION_LIFETIME_SECONDS = 7 * 24 * 3600


class Conversations:
    """How many turns each conversation has had, in Redis, forgotten a week after the last one."""

    def __init__(self, settings: RedisSettings) -> None:
        # One immediate retry, so that a connection that died while idle (a restart of Redis) costs no request.
        self._redis = Redis(
            host=settings.host,
            port=settings.port,
            password=settings.password.reveal(),
            decode_responses=True,
            socket_connect_timeout=2,
            socket_timeout=2,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )

    async def next_turn(self, conversation_id: str) -> int:
        """Counts one more turn and returns its number, from 1; raises redis.exceptions.RedisError."""
        key = f"sophia:chat:{conversation_id}:turns"
        async with self._redis.pipeline(transaction=True) as pipeline:
            turn, _ = await pipeline.incr(key).expire(key, CONVERSATION_LIFETIME_SECONDS).execute()
        return int(turn)

    async def version(self) -> str:
        await self._redis.ping()
        return str((await self._redis.info("server"))["redis_version"])

    async def close(self) -> None:
        await self._redis.aclose()


class Data:
    """Both databases, opened without waiting for either."""

    def __init__(self, settings: Settings) -> None:
        self.postgres = Postgres(settings.postgres, application_name="sophia-backend")
        self.conversations = Conversations(settings.redis)

    async def open(self) -> None:
        await self.postgres.open()

    async def close(self) -> None:
        await self.postgres.close()
        await self.conversations.close()

    async def check(self) -> dict[str, CheckResult]:
        return await run_checks({"postgres": self.postgres.version, "redis": self.conversations.version})
