"""How many subscriptions a caller may have at once in a subgraph, over all its processes.

Each one holds a place in a sorted set of Redis, whose score is the end of its lease. Processes renew the leases of what
they serve, so that the places of one that died are free again a minute later.
"""

import asyncio
import contextlib
import hashlib
import itertools
import time
import uuid
from collections.abc import Mapping

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from redis.exceptions import RedisError

from shared import background
from shared.cache import Cache, CacheUnavailable
from shared.config import Settings
from shared.errors import RateLimited
from shared.identity.actor import Actor
from shared.identity.addresses import Proxies, one_address
from shared.telemetry import REFUSALS

log = structlog.get_logger(__name__)

LEASE_SECONDS = 60.0
_TICK_SECONDS = 0.2
_KEYS_AT_ONCE = 500
_RETRY_AFTER_SECONDS = 5.0
# Everybody whose address nobody told counts together.
_UNKNOWN_FACTOR = 10

# By Redis' clock, so that the processes' need not agree.
_NOW = "local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) "
# KEYS: the caller's set. ARGV: limit, lease in milliseconds, the new member, members that were given back.
_TAKE = (
    _NOW
    + """
for index = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
)
# ARGV: lease in milliseconds, members. Adds what is missing, for a Redis that was down or lost its data.
_RENEW = (
    _NOW
    + """
for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[index]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
"""
)


class Place:
    """What one subscription holds until `release`."""

    __slots__ = ("_key", "_member", "_places")

    def __init__(self, places: "SubscriptionPlaces", key: str, member: str) -> None:
        self._places, self._key, self._member = places, key, member

    def release(self) -> None:
        """Gives the place back; Redis hears of it in the background."""
        self._places.give_back(self._key, self._member)


class SubscriptionPlaces:
    """The places of one process's subscriptions.

    While Redis is down each process counts its own and allows 1/`rate_limit_replicas` of the limit.
    """

    def __init__(
        self,
        settings: Settings,
        cache: Cache,
        proxies: Proxies,
        subgraph: str,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._subgraph = subgraph
        self._lease = lease_seconds
        self._proxies = proxies
        self._take = cache.client.register_script(_TAKE)
        self._renew = cache.client.register_script(_RENEW)
        self._process = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._held: dict[str, set[str]] = {}
        self._given_back: dict[str, set[str]] = {}
        self._task: asyncio.Task[None] | None = None

    async def take(self, actor: Actor | None, address: str) -> Place:
        """A place for one more subscription of an actor or, of nobody, of a client's address.

        Raises RateLimited while all are taken.
        """
        key, limit = self._caller(actor, address)
        member = f"{self._process}:{next(self._numbers)}"
        try:
            free = await self._cache.attempt(lambda redis: self._ask(key, member, limit))
        except CacheUnavailable:
            free = len(self._held.get(key, ())) < max(1, limit // self._settings.rate_limit_replicas)
        except BaseException:
            self._given_back.setdefault(key, set()).add(member)
            raise
        if not free:
            self._given_back.setdefault(key, set()).add(member)
            REFUSALS.labels("subscriptions").inc()
            raise RateLimited(_RETRY_AFTER_SECONDS, f"At most {limit} subscriptions at once; end one first.")
        # Not before: a renewal meanwhile would take a place for whoever is still asking for one.
        self._held.setdefault(key, set()).add(member)
        return Place(self, key, member)

    def give_back(self, key: str, member: str) -> None:
        """Frees a place."""
        held = self._held.get(key)
        if held is not None and member in held:
            held.remove(member)
            if not held:
                del self._held[key]
            self._given_back.setdefault(key, set()).add(member)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="subscription places")

    async def stop(self) -> None:
        if self._task is not None:
            await background.end(self._task)
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await self._tell_given_back()

    def _caller(self, actor: Actor | None, address: str) -> tuple[str, int]:
        per_address = self._settings.subscriptions_per_address
        if actor is not None:
            caller, limit = actor.id, self._settings.subscriptions_per_actor
        elif self._proxies.covers(address):
            caller, limit = "unknown", _UNKNOWN_FACTOR * per_address
        else:
            caller, limit = one_address(address), per_address
        # Addresses are personal data.
        digest = hashlib.sha256(caller.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return f"subscriptions:{self._subgraph}:{digest}", limit

    async def _ask(self, key: str, member: str, limit: int) -> bool:
        # Told in passing, so that whoever ends one can begin another at once.
        given_back = self._given_back.pop(key, set())
        try:
            return bool(await self._take(keys=[key], args=[limit, self._milliseconds, member, *given_back]))
        except BaseException:
            self._given_back.setdefault(key, set()).update(given_back)
            raise

    @property
    def _milliseconds(self) -> int:
        return int(self._lease * 1000)

    async def _keep(self) -> None:
        next_renewal = time.monotonic() + self._lease / 3
        failing = False
        with suppress_instrumentation():
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                try:
                    await self._tell_given_back()
                    if time.monotonic() >= next_renewal:
                        await self._renew_all(self._held)
                        next_renewal = time.monotonic() + self._lease / 3
                    failing = False
                except (RedisError, OSError, TimeoutError) as error:
                    if not failing:
                        log.warning("subscription_places_alone", error=type(error).__name__)
                    failing = True
                    await asyncio.sleep(1)
                except Exception:
                    log.exception("subscription_places_failed")

    async def _tell_given_back(self) -> None:
        while self._given_back:
            some = dict(itertools.islice(self._given_back.items(), _KEYS_AT_ONCE))
            for key in some:
                del self._given_back[key]
            try:
                async with self._cache.client.pipeline(transaction=False) as pipe:
                    for key, members in some.items():
                        pipe.zrem(key, *members)
                    await pipe.execute()
            except BaseException:
                for key, members in some.items():
                    self._given_back.setdefault(key, set()).update(members)
                raise

    async def _renew_all(self, held: Mapping[str, set[str]]) -> None:
        keys = list(held)
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            async with self._cache.client.pipeline(transaction=False) as pipe:
                for key in keys[start : start + _KEYS_AT_ONCE]:
                    await self._renew(keys=[key], args=[self._milliseconds, *held.get(key, ())], client=pipe)
                await pipe.execute()
