import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from pydantic import SecretStr, TypeAdapter

from shared.cache import Cache, CacheUnavailable
from tests.conftest import SettingsFor
from tests.platform.conftest import RedisLink
from tests.support.cpu import cpu_seconds_once
from tests.support.messaging import eventually


@dataclass(frozen=True)
class Category:
    id: str
    names: list[str]


CATEGORIES = TypeAdapter(list[Category])
GARDEN = [Category("category_1", ["Garden", "สวน"])]
MINUTE = timedelta(minutes=1)


class Source:
    """What is slow to read; counts how often it is."""

    def __init__(self) -> None:
        self.loads = 0
        self.gate: asyncio.Event | None = None
        self.error: Exception | None = None

    async def load(self) -> list[Category]:
        self.loads += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return GARDEN


@pytest.fixture
async def cache(settings_for: SettingsFor, redis_link: RedisLink) -> AsyncIterator[Cache]:
    # Not 100 ms, so that a busy machine is not taken for an outage.
    cache = Cache(settings_for("platform", redis_url=SecretStr(redis_link.url), redis_timeout_seconds=20.0))
    yield cache
    await cache.close()


async def until_available(cache: Cache) -> None:
    await eventually(lambda: cache.available)


async def test_a_value_is_loaded_once_and_comes_back_as_it_was(cache: Cache) -> None:
    source = Source()
    for _ in range(3):
        assert await cache.get_or_load("tasks:categories", MINUTE, source.load, CATEGORIES) == GARDEN
    assert source.loads == 1


async def test_a_value_lives_for_its_ttl_and_can_be_forgotten_before(cache: Cache) -> None:
    source = Source()
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    assert 59_000 < await cache.attempt(lambda redis: redis.pttl("cache:k")) <= 60_000

    await cache.forget("k")
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    assert source.loads == 2


async def test_a_value_of_another_shape_is_loaded_anew(cache: Cache) -> None:
    await cache.attempt(lambda redis: redis.set("cache:k", b'[{"id": "category_1"}]'))
    source = Source()
    assert await cache.get_or_load("k", MINUTE, source.load, CATEGORIES) == GARDEN
    assert await cache.get_or_load("k", MINUTE, source.load, CATEGORIES) == GARDEN
    assert source.loads == 1


async def test_one_loads_for_all_who_ask_at_the_same_time(cache: Cache) -> None:
    source = Source()
    source.gate = asyncio.Event()
    callers = [asyncio.create_task(cache.get_or_load("k", MINUTE, source.load, CATEGORIES)) for _ in range(50)]
    while source.loads == 0:
        await asyncio.sleep(0)
    # The one who came first gives up; the others must not notice.
    callers[0].cancel()
    source.gate.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)

    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert outcomes[1:] == [GARDEN] * 49
    assert source.loads == 1


async def test_an_error_reaches_all_and_is_not_kept(cache: Cache) -> None:
    source = Source()
    source.error = ConnectionError("no database")
    outcomes = await asyncio.gather(
        *(cache.get_or_load("k", MINUTE, source.load, CATEGORIES) for _ in range(3)), return_exceptions=True
    )
    assert [str(outcome) for outcome in outcomes] == ["no database"] * 3
    assert source.loads == 1

    source.error = None
    assert await cache.get_or_load("k", MINUTE, source.load, CATEGORIES) == GARDEN


async def test_without_redis_values_are_loaded_and_nothing_waits(cache: Cache, redis_link: RedisLink) -> None:
    source = Source()
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    await redis_link.cut()

    assert await cache.get_or_load("k", MINUTE, source.load, CATEGORIES) == GARDEN
    assert not cache.available
    await cache.forget("k")


@pytest.mark.timing
async def test_without_redis_an_attempt_takes_microseconds(cache: Cache, redis_link: RedisLink) -> None:
    await redis_link.cut()

    # CPU time, since the network is not touched. The first finds out.
    async def attempts() -> None:
        for _ in range(1000):
            with pytest.raises(CacheUnavailable):
                await cache.attempt(lambda redis: redis.ping())

    with pytest.raises(CacheUnavailable):
        await cache.attempt(lambda redis: redis.ping())
    assert await cpu_seconds_once(attempts) / 1000 < 100e-6


async def test_redis_is_taken_up_again_when_it_is_back(cache: Cache, redis_link: RedisLink) -> None:
    source = Source()
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    await redis_link.cut()
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    await redis_link.mend()

    await until_available(cache)
    assert await cache.get_or_load("k", MINUTE, source.load, CATEGORIES) == GARDEN
    assert source.loads == 2


@pytest.mark.timing
async def test_redis_is_taken_up_again_within_3_seconds(cache: Cache, redis_link: RedisLink) -> None:
    source = Source()
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    await redis_link.cut()
    await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    await redis_link.mend()
    async with asyncio.timeout(3):
        await until_available(cache)


async def test_a_silent_redis_is_waited_for_and_found_again(settings_for: SettingsFor, redis_link: RedisLink) -> None:
    cache = Cache(settings_for("platform", redis_url=SecretStr(redis_link.url), redis_timeout_seconds=0.1))
    source = Source()
    try:
        await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
        redis_link.freeze()
        started = time.monotonic()
        for _ in range(100):
            assert await cache.get_or_load("k", MINUTE, source.load, CATEGORIES) == GARDEN
        assert time.monotonic() - started > 0.09
        assert source.loads == 101
        await redis_link.mend()
        await until_available(cache)
    finally:
        await cache.close()


@pytest.mark.timing
async def test_a_silent_redis_delays_once(settings_for: SettingsFor, redis_link: RedisLink) -> None:
    cache = Cache(settings_for("platform", redis_url=SecretStr(redis_link.url), redis_timeout_seconds=0.1))
    source = Source()
    try:
        await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
        redis_link.freeze()
        # 100 times the timeout would be ten seconds.
        async with asyncio.timeout(3):
            for _ in range(100):
                await cache.get_or_load("k", MINUTE, source.load, CATEGORIES)
    finally:
        await cache.close()


async def test_a_restart_between_two_calls_is_not_noticed(cache: Cache, redis_link: RedisLink) -> None:
    await asyncio.gather(*(cache.attempt(lambda redis: redis.ping()) for _ in range(5)))
    await redis_link.cut()
    await redis_link.mend()
    assert await asyncio.gather(*(cache.attempt(lambda redis: redis.ping()) for _ in range(5))) == [True] * 5


async def test_a_refused_command_counts_as_unavailable_but_not_as_an_outage(cache: Cache) -> None:
    await cache.attempt(lambda redis: redis.set("text", "x"))
    with pytest.raises(CacheUnavailable):
        await cache.attempt(lambda redis: redis.lpush("text", "y"))
    assert cache.available
