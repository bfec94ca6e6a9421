"""Rate limits: moving windows in Redis, shared by all replicas; a stricter share each while Redis is down."""

import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TypeVar

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from shared.cache import Cache, CacheUnavailable
from shared.config import Settings
from shared.errors import RateLimited

T = TypeVar("T")

_LOCAL_WINDOWS = 50_000


class RateLimiter:
    """Counts hits per limit and key.

    `name` says what is limited (`logIn`), `key` who (an account, an address; several joined by a space),
    `limit` how much, as in `10/15 minutes`. Keys are stored hashed, since they hold e-mail addresses and
    network addresses. While Redis is down each process counts by itself, from zero, and allows
    1/`rate_limit_replicas` of the limit (at least one), so that all replicas together stay about within it.
    """

    def __init__(self, settings: Settings, cache: Cache) -> None:
        self._cache = cache
        self._local = _LocalWindows(settings.rate_limit_replicas)
        self._shared = MovingWindowRateLimiter(
            RedisStorage(
                "async+redis://",
                implementation="redispy",
                key_prefix="limit",
                connection_pool=cache.client.connection_pool,  # type: ignore[arg-type]  # typed too narrowly
            )
        )

    async def hit(self, name: str, key: str, limit: str, cost: int = 1) -> None:
        """Counts `cost` hits. Raises RateLimited, counting nothing, where they exceed the limit."""
        item, digest = _parse(limit), _digest(key)
        try:
            if not await self._attempt(lambda: self._shared.hit(item, name, digest, cost=cost)):
                raise RateLimited(await self._retry_after(item, name, digest))
        except CacheUnavailable:
            self._local.hit(item, f"{name} {digest}", cost)

    async def allows(self, name: str, key: str, limit: str) -> bool:
        """Counts a hit, or answers False, counting nothing, where it exceeds the limit."""
        try:
            await self.hit(name, key, limit)
        except RateLimited:
            return False
        return True

    async def check(self, name: str, key: str, limit: str) -> None:
        """Raises RateLimited if one more hit would exceed the limit; counts nothing.

        Requests that run at the same time can all pass before one of them hits: where that matters, hit
        first and `clear` on success.
        """
        item, digest = _parse(limit), _digest(key)
        try:
            if not await self._attempt(lambda: self._shared.test(item, name, digest)):
                raise RateLimited(await self._retry_after(item, name, digest))
        except CacheUnavailable:
            self._local.check(item, f"{name} {digest}", 1)

    async def clear(self, name: str, key: str, limit: str) -> None:
        """Forgets the hits of a key."""
        item, digest = _parse(limit), _digest(key)
        self._local.clear(item, f"{name} {digest}")
        try:
            await self._attempt(lambda: self._shared.clear(item, name, digest))
        except CacheUnavailable:
            return

    async def _attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        return await self._cache.attempt(lambda redis: call())

    async def _retry_after(self, item: RateLimitItem, name: str, digest: str) -> float:
        stats = await self._attempt(lambda: self._shared.get_window_stats(item, name, digest))
        return max(0.1, stats.reset_time - time.time())


class _LocalWindows:
    """Moving windows of this process; the least recently used go when there are too many.

    The library's own in-memory storage looks through all its keys at each hit, in a thread for each.
    """

    def __init__(self, replicas: int) -> None:
        self._replicas = replicas
        self._hits: OrderedDict[tuple[RateLimitItem, str], deque[float]] = OrderedDict()

    def hit(self, item: RateLimitItem, key: str, cost: int) -> None:
        hits, moment = self.check(item, key, cost)
        hits.extend([moment] * min(cost, self._share(item)))
        self._hits[item, key] = hits
        self._hits.move_to_end((item, key))
        if len(self._hits) > _LOCAL_WINDOWS:
            self._hits.popitem(last=False)

    def check(self, item: RateLimitItem, key: str, cost: int) -> tuple[deque[float], float]:
        hits = self._hits.get((item, key)) or deque()
        moment = time.monotonic()
        while hits and hits[0] <= moment - item.get_expiry():
            hits.popleft()
        share = self._share(item)
        if cost > item.amount or len(hits) + min(cost, share) > share:
            raise RateLimited(max(0.1, hits[0] + item.get_expiry() - moment) if hits else item.get_expiry())
        return hits, moment

    def clear(self, item: RateLimitItem, key: str) -> None:
        self._hits.pop((item, key), None)

    def _share(self, item: RateLimitItem) -> int:
        return max(1, item.amount // self._replicas)


@lru_cache(maxsize=256)
def _parse(limit: str) -> RateLimitItem:
    return parse(limit)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
