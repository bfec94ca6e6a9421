"""What callers may spend on operations, counted over processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from shared import clock
from shared.cache import Cache
from shared.errors import RateLimited
from shared.identity.actor import MARKETPLACE, Actor
from shared.identity.addresses import Proxies
from shared.limits import budget
from shared.limits.budget import OperationBudgets
from tests.conftest import SettingsFor
from tests.platform.conftest import RedisLink

# So long that no window ends while a test runs.
LONG = "1000/30 days"


def actor(name: str = "user_alice") -> Actor:
    return Actor(name, "session_1", frozenset(), frozenset({MARKETPLACE}), clock.now() + timedelta(hours=1))


class Process:
    """One process's budgets with its own connection to Redis."""

    def __init__(self, settings_for: SettingsFor, redis_url: str, **changes: object) -> None:
        limits = {"operation_cost_per_actor": LONG, "operation_cost_per_address": LONG, "rate_limit_replicas": 5}
        settings = settings_for("platform", redis_url=SecretStr(redis_url), **limits | changes)
        self.cache = Cache(settings)
        self.budgets = OperationBudgets(settings, self.cache, Proxies(settings.trusted_proxies))

    def spend(self, times: int, cost: int = 1, who: Actor | None = None, address: str = "203.0.113.7") -> int:
        """How many of so many operations are allowed."""
        passed = 0
        for _ in range(times):
            try:
                self.budgets.account(who, address).spend(cost)
                passed += 1
            except RateLimited:
                continue
        return passed


@pytest.fixture
async def start_process(
    settings_for: SettingsFor, redis_link: RedisLink
) -> AsyncIterator[Callable[..., Awaitable[Process]]]:
    running: list[Process] = []

    async def start(**changes: object) -> Process:
        process = Process(settings_for, redis_link.url, **changes)
        await process.budgets.start()
        running.append(process)
        return process

    yield start
    for process in running:
        await process.budgets.stop()
        await process.cache.close()


Start = Callable[..., Awaitable[Process]]


async def until(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Waits until it holds; answers how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "waited in vain"
        await asyncio.sleep(0.005)
    return time.monotonic() - started


async def test_a_callers_operations_are_allowed_up_to_the_limit(start_process: Start) -> None:
    process = await start_process()
    assert process.spend(times=120, cost=10) == 100
    assert process.spend(times=1) == 0


async def test_a_refusal_spends_nothing_and_says_when_to_come_back(start_process: Start) -> None:
    process = await start_process(operation_cost_per_actor="1000/30 minutes")
    assert process.spend(times=1, cost=990, who=actor()) == 1

    with pytest.raises(RateLimited) as refusal:
        process.budgets.account(actor(), "").spend(11)

    assert refusal.value.extensions["code"] == "RATE_LIMITED"
    # What is spent now counts until it is as old as the window is long.
    assert 0 < float(refusal.value.extensions["retryAfterSeconds"]) <= 2 * 1800
    assert process.spend(times=1, cost=10, who=actor()) == 1


async def test_whoever_comes_back_when_told_is_served(start_process: Start) -> None:
    process = await start_process(operation_cost_per_address="100/1 second")
    for _ in range(3):
        process.spend(times=3, cost=40)
        with pytest.raises(RateLimited) as refusal:
            process.budgets.account(None, "203.0.113.7").spend(40)
        await asyncio.sleep(float(refusal.value.extensions["retryAfterSeconds"]) + 0.05)
        process.budgets.account(None, "203.0.113.7").spend(40)


async def test_what_was_spent_in_the_window_before_counts_as_if_it_had_been_even(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await start_process(operation_cost_per_address="100/1 second")
    window = int(time.time())

    def spend(moment: float) -> int:
        monkeypatch.setattr(budget, "time", SimpleNamespace(time=lambda: window + moment))
        return process.spend(times=200)

    # With windows that know nothing of each other, 100 more would pass at the second moment.
    allowed = [(0.75, 100), (1.0, 0), (1.25, 25), (1.5, 25), (1.75, 25), (2.0, 25), (2.5, 37), (4.0, 100)]
    assert [(moment, spend(moment)) for moment, _ in allowed] == allowed


async def test_processes_count_together_within_a_second(start_process: Start) -> None:
    first, second = await start_process(), await start_process()
    assert first.spend(times=60, cost=10, who=actor()) == 60
    assert second.spend(times=1, cost=10, who=actor()) == 1

    account = second.budgets.account(actor(), "")

    def knows() -> bool:
        # A process asks what was spent elsewhere when it has something to tell.
        second.spend(times=1, who=actor())
        return account.elsewhere == 600

    assert await until(knows) < 5
    second.spend(times=1000, who=actor())
    assert account.own == 400
    assert second.spend(times=1, cost=1, who=actor("user_bob")) == 1


async def test_what_was_spent_just_before_a_window_ended_is_told_all_the_same(start_process: Start) -> None:
    settings = {"operation_cost_per_actor": "1000/4 seconds"}
    first, second = await start_process(**settings), await start_process(**settings)
    # Not told yet when the window turns.
    await first.budgets.stop()
    await until(lambda: time.time() % 4 > 3.9)
    assert first.spend(times=1, cost=900, who=actor()) == 1
    await until(lambda: time.time() % 4 < 0.2)
    assert first.spend(times=1, cost=1, who=actor()) == 1
    await first.budgets.start()

    assert second.spend(times=1, cost=1, who=actor()) == 1
    account = second.budgets.account(actor(), "")

    def knows() -> bool:
        second.spend(times=1, cost=1, who=actor())
        return account.elsewhere_before == 900

    await until(knows, seconds=3)


async def test_actors_and_addresses_have_accounts_of_their_own(start_process: Start) -> None:
    process = await start_process()
    assert process.spend(times=101, cost=10) == 100
    assert process.spend(times=101, cost=10, address="203.0.113.8") == 100
    assert process.spend(times=101, cost=10, who=actor()) == 100
    assert process.spend(times=101, cost=10, who=actor("user_bob")) == 100
    # An actor's account is the same wherever they are, and one customer's IPv6 addresses are one.
    assert process.spend(times=1, cost=10, who=actor(), address="198.51.100.1") == 0
    assert process.spend(times=101, cost=10, address="2001:db8::1") == 100
    assert process.spend(times=1, cost=10, address="2001:db8::2") == 0


async def test_those_whose_address_nobody_told_share_a_larger_account(start_process: Start) -> None:
    process = await start_process(trusted_proxies="10.0.0.0/8")
    assert process.spend(times=600, cost=10, address="10.0.0.1") == 600
    assert process.spend(times=600, cost=10, address="10.0.0.2") == 400
    assert process.spend(times=1, cost=10, address="written by somebody") == 0
    assert process.spend(times=1, cost=10, address="203.0.113.7") == 1


async def test_what_costs_more_than_all_is_not_refused_for_ever(start_process: Start) -> None:
    process = await start_process()
    assert process.spend(times=2, cost=5000) == 1


async def test_without_redis_each_process_allows_its_share(start_process: Start, redis_link: RedisLink) -> None:
    first, second = await start_process(), await start_process()
    await redis_link.cut()
    for process in (first, second):
        assert process.spend(times=1, cost=10) == 1
        await until(lambda process=process: not process.budgets.shared)  # type: ignore[misc]  # of this turn
        assert process.spend(times=100, cost=10) == 19

    await redis_link.mend()
    await until(lambda: first.budgets.shared and second.budgets.shared)
    first.spend(times=1)
    account = first.budgets.account(None, "203.0.113.7")
    await until(lambda: account.elsewhere >= 200)
    assert first.spend(times=100, cost=10) == 59


async def test_a_redis_that_hangs_holds_nobody_up(start_process: Start, redis_link: RedisLink) -> None:
    process = await start_process(redis_timeout_seconds=0.2)
    redis_link.freeze()
    assert process.spend(times=1, cost=10) == 1
    await until(lambda: not process.budgets.shared)
    assert process.spend(times=1, cost=10) == 1


async def test_small_change_and_addresses_are_not_told(start_process: Start) -> None:
    process = await start_process(operation_cost_per_address="100000/30 days")
    assert process.spend(times=9, cost=10) == 9
    assert process.spend(times=1, cost=500, address="203.0.113.9") == 1
    account = process.budgets.account(None, "203.0.113.9")
    await until(lambda: account.untold == 0)

    (key,) = await process.cache.client.keys("*")
    assert key.startswith(b"budget:")
    assert b"203.0.113" not in key
    assert 0 < await process.cache.client.ttl(key) <= 3 * 30 * 86_400


async def test_memory_is_bounded(start_process: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "_ACCOUNTS", 500)
    process = await start_process(operation_cost_per_address="100000/1 second")
    for number in range(2_000):
        process.spend(times=1, cost=100, address=f"198.18.{number >> 8}.{number & 255}")
    assert len(process.budgets._accounts) == len(process.budgets.worth_telling) == 500
    # Those that count no more are forgotten.
    await until(lambda: not process.budgets._accounts)
