"""Redis as a cache that may be down: nothing waits for it, and everything works without it.

One client per process with short timeouts. The first failure opens a circuit: from then on calls fail
at once, without touching the network, while one task of the background pings until Redis is back.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar, cast

import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.maint_notifications import MaintNotificationsConfig

from shared import background
from shared.config import Settings
from shared.telemetry import CACHE_REQUESTS, REDIS_UP

log = structlog.get_logger(__name__)

T = TypeVar("T")

_PROBE_SECONDS = 1.0
_PREFIX = "cache:"


class CacheUnavailable(Exception):
    """Redis cannot serve at this moment; the caller goes on without it."""


class Cache:
    """The process's connection to Redis.

    `client` is the plain client, for callers that wait in the background and retry themselves; whatever
    runs inside a request goes through `attempt` or `get_or_load`.
    """

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.redis_timeout_seconds
        self.client: Redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                settings.redis_url.get_secret_value(),
                max_connections=settings.redis_pool_size,
                timeout=self._timeout,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
                retry=Retry(NoBackoff(), 0),
                maint_notifications_config=MaintNotificationsConfig(enabled=False),
            )
        )
        self._probe: asyncio.Task[None] | None = None
        self._flights: dict[str, asyncio.Task[object]] = {}
        REDIS_UP.set(1)

    @property
    def available(self) -> bool:
        """Whether Redis answered when it was last asked."""
        return self._probe is None

    async def attempt(self, call: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer of `call`. Raises CacheUnavailable without one, at once while Redis is known to be down."""
        if self._probe is not None:
            raise CacheUnavailable
        try:
            # One limit over waiting for a connection, connecting and reading, which have their own each.
            async with asyncio.timeout(self._timeout):
                return await call(self.client)
        except ResponseError as error:
            # Redis answered, with a refusal (out of memory, read-only after a failover).
            log.warning("redis_refused", error=str(error))
            raise CacheUnavailable from error
        except (RedisError, OSError, TimeoutError) as error:
            self._open_circuit(error)
            raise CacheUnavailable from error

    async def get_or_load(
        self, key: str, ttl: timedelta, load: Callable[[], Awaitable[T]], adapter: TypeAdapter[T]
    ) -> T:
        """The cached value, or what `load` returns, which is then cached for `ttl`.

        `adapter` turns the value into JSON and back. The key begins with the subgraph's name
        (`tasks:categories`) and holds no personal data. Of simultaneous callers in this process one
        loads for all; an error of `load` reaches all of them and is not cached.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._get_or_load(key, ttl, load, adapter), name=f"cache {key}")
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        # A caller that is cancelled must not take the flight from the others.
        return cast(T, await asyncio.shield(flight))

    async def forget(self, key: str) -> None:
        """Drops a cached value. While Redis is down it may live on until its `ttl` ends."""
        with contextlib.suppress(CacheUnavailable):
            await self.attempt(lambda redis: redis.delete(_PREFIX + key))

    async def close(self) -> None:
        """Ends the client and its background task."""
        if self._probe is not None:
            await background.end(self._probe)
        await self.client.aclose(close_connection_pool=True)

    async def _get_or_load(
        self, key: str, ttl: timedelta, load: Callable[[], Awaitable[T]], adapter: TypeAdapter[T]
    ) -> object:
        result = "miss"
        try:
            cached = await self.attempt(lambda redis: redis.get(_PREFIX + key))
            if cached is not None:
                value = adapter.validate_json(cached)
                CACHE_REQUESTS.labels("hit").inc()
                return value
        except CacheUnavailable:
            result = "unavailable"
        except ValidationError:
            # Written by another version of the code.
            result = "invalid"
        CACHE_REQUESTS.labels(result).inc()
        value = await load()
        with contextlib.suppress(CacheUnavailable):
            content = adapter.dump_json(value)
            await self.attempt(lambda redis: redis.set(_PREFIX + key, content, px=ttl))
        return value

    def _landed(self, key: str, flight: asyncio.Task[object]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Looked at here too, for the case that all callers were cancelled meanwhile.
            flight.exception()

    def _open_circuit(self, error: BaseException) -> None:
        if self._probe is None:
            log.warning("redis_unavailable", error=type(error).__name__)
            REDIS_UP.set(0)
            self._probe = asyncio.create_task(self._wait_for_redis(), name="redis probe")

    async def _wait_for_redis(self) -> None:
        """Pings until an answer comes: at once, since a single slow answer is no outage, then every second."""
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    await self.client.ping()
                break
            except (RedisConnectionError, RedisTimeoutError, RedisError, OSError, TimeoutError):
                await asyncio.sleep(_PROBE_SECONDS)
        log.info("redis_available")
        REDIS_UP.set(1)
        self._probe = None
