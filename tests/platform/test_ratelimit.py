import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from shared.cache import Cache
from shared.errors import RateLimited
from shared.limits.ratelimit import RateLimiter
from tests.conftest import SettingsFor
from tests.platform.conftest import RedisLink

LIMIT = "10/15 minutes"


class Process:
    """One process's limiter with its own connection to Redis."""

    def __init__(self, settings_for: SettingsFor, redis_url: str) -> None:
        settings = settings_for(
            "platform", redis_url=SecretStr(redis_url), redis_timeout_seconds=20.0, rate_limit_replicas=5
        )
        self.cache = Cache(settings)
        self.limiter = RateLimiter(settings, self.cache)

    async def allowed(self, times: int, key: str = "alice@example.com 10.0.0.1", limit: str = LIMIT) -> int:
        """How many of so many hits are allowed."""
        passed = 0
        for _ in range(times):
            try:
                await self.limiter.hit("logIn", key, limit)
                passed += 1
            except RateLimited:
                continue
        return passed


@pytest.fixture
async def processes(settings_for: SettingsFor, redis_link: RedisLink) -> AsyncIterator[list[Process]]:
    made = [Process(settings_for, redis_link.url) for _ in range(2)]
    yield made
    for process in made:
        await process.cache.close()


async def test_all_processes_count_together(processes: list[Process]) -> None:
    first, second = processes
    assert await first.allowed(6) == 6
    assert await second.allowed(6) == 4
    assert await first.allowed(1) == 0


async def test_parallel_hits_do_not_slip_through(processes: list[Process]) -> None:
    assert sum(await asyncio.gather(*(processes[i % 2].allowed(1) for i in range(50)))) == 10


async def test_the_refusal_says_when_to_come_back(processes: list[Process]) -> None:
    await processes[0].allowed(10)
    with pytest.raises(RateLimited) as refusal:
        await processes[0].limiter.hit("logIn", "alice@example.com 10.0.0.1", LIMIT)
    assert refusal.value.extensions["code"] == "RATE_LIMITED"
    assert 890 < float(refusal.value.extensions["retryAfterSeconds"]) <= 900


async def test_the_window_moves(processes: list[Process]) -> None:
    assert await processes[0].allowed(3, limit="2/second") == 2
    deadline = time.monotonic() + 30
    while not await processes[0].allowed(1, limit="2/second"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_others_are_not_locked_out(processes: list[Process]) -> None:
    assert await processes[0].allowed(11, key="alice@example.com 10.0.0.1") == 10
    assert await processes[0].allowed(11, key="alice@example.com 10.0.0.2") == 10


async def test_a_hit_can_cost_more(processes: list[Process]) -> None:
    limiter = processes[0].limiter
    await limiter.hit("export", "user", LIMIT, cost=8)
    with pytest.raises(RateLimited):
        await limiter.hit("export", "user", LIMIT, cost=3)
    await limiter.hit("export", "user", LIMIT, cost=2)


async def test_a_check_counts_nothing(processes: list[Process]) -> None:
    process = processes[0]
    for _ in range(20):
        await process.limiter.check("logIn", "key", LIMIT)
    await process.allowed(10, key="key")
    with pytest.raises(RateLimited):
        await process.limiter.check("logIn", "key", LIMIT)


async def test_cleared_hits_are_forgotten(processes: list[Process]) -> None:
    await processes[0].allowed(10)
    await processes[0].limiter.clear("logIn", "alice@example.com 10.0.0.1", LIMIT)
    assert await processes[1].allowed(10) == 10


async def test_keys_are_stored_without_address_and_e_mail(processes: list[Process]) -> None:
    await processes[0].allowed(1)
    keys = await processes[0].cache.attempt(lambda redis: redis.keys("*"))
    assert len(keys) == 1
    assert b"logIn" in keys[0]
    assert b"alice" not in keys[0]
    assert b"10.0.0.1" not in keys[0]


async def test_without_redis_each_process_allows_its_share(processes: list[Process], redis_link: RedisLink) -> None:
    await redis_link.cut()
    assert await processes[0].allowed(10) == 2
    assert await processes[1].allowed(10) == 2
    with pytest.raises(RateLimited) as refusal:
        await processes[0].limiter.check("logIn", "alice@example.com 10.0.0.1", LIMIT)
    assert 890 < float(refusal.value.extensions["retryAfterSeconds"]) <= 900
    # At least one, however small the limit.
    assert await processes[0].allowed(3, limit="3/minute") == 1


async def test_without_redis_windows_move_and_can_be_cleared(processes: list[Process], redis_link: RedisLink) -> None:
    await redis_link.cut()
    process = processes[0]
    assert await process.allowed(3, limit="5/second") == 1
    deadline = time.monotonic() + 30
    while not await process.allowed(1, limit="5/second"):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)

    await process.allowed(3)
    await process.limiter.clear("logIn", "alice@example.com 10.0.0.1", LIMIT)
    assert await process.allowed(3) == 2


async def test_redis_counts_on_when_it_is_back(processes: list[Process], redis_link: RedisLink) -> None:
    process = processes[0]
    assert await process.allowed(7) == 7
    await redis_link.cut()
    await process.allowed(10)
    await redis_link.mend()
    deadline = time.monotonic() + 30
    while not process.cache.available:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert await process.allowed(10) == 3
