"""How many subscriptions a caller may have at once, counted over processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from pydantic import SecretStr

from shared import clock
from shared.cache import Cache
from shared.errors import RateLimited
from shared.identity.actor import MARKETPLACE, Actor
from shared.identity.addresses import Proxies
from shared.limits.subscriptions import Place, SubscriptionPlaces
from shared.process.app import create_app
from tests.conftest import AccessToken, SettingsFor
from tests.platform.conftest import RedisLink
from tests.platform.test_endpoint import USER, schema
from tests.support.serving import Client, Served, serve

LEASE_SECONDS = 1.5


def actor(name: str = "user_alice") -> Actor:
    return Actor(name, "session_1", frozenset(), frozenset({MARKETPLACE}), clock.now() + timedelta(hours=1))


class Process:
    """One process's places with its own connection to Redis."""

    def __init__(self, settings_for: SettingsFor, redis_url: str, lease_seconds: float) -> None:
        settings = settings_for(
            "platform",
            redis_url=SecretStr(redis_url),
            redis_timeout_seconds=20.0,
            subscriptions_per_actor=10,
            subscriptions_per_address=10,
            rate_limit_replicas=5,
        )
        self.cache = Cache(settings)
        proxies = Proxies(settings.trusted_proxies)
        self.places = SubscriptionPlaces(settings, self.cache, proxies, "platform", lease_seconds)

    async def take(self, times: int, who: Actor | None = None, address: str = "203.0.113.7") -> list[Place]:
        """The places that so many subscriptions got."""
        answers = await asyncio.gather(*(self.places.take(who, address) for _ in range(times)), return_exceptions=True)
        assert {type(answer) for answer in answers} <= {Place, RateLimited}
        return [answer for answer in answers if isinstance(answer, Place)]


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start_process(settings_for: SettingsFor, redis_link: RedisLink) -> AsyncIterator[Start]:
    running: list[Process] = []

    async def start(lease_seconds: float = 60) -> Process:
        process = Process(settings_for, redis_link.url, lease_seconds)
        await process.places.start()
        running.append(process)
        return process

    yield start
    for process in running:
        await process.places.stop()
        await process.cache.close()


async def until_taken(process: Process, seconds: float = 30) -> Place:
    """The next place that gets free."""
    async with asyncio.timeout(seconds):
        while not (taken := await process.take(1)):
            await asyncio.sleep(0.02)
    return taken[0]


async def test_processes_count_together_and_exactly(start_process: Start) -> None:
    first, second = await start_process(), await start_process()
    taken = await asyncio.gather(first.take(20), second.take(20))
    assert len(taken[0]) + len(taken[1]) == 10
    assert len(await second.take(1, who=actor())) == 1
    assert len(await second.take(1, address="203.0.113.8")) == 1


async def test_the_refusal_is_typed(start_process: Start) -> None:
    process = await start_process()
    await process.take(10)
    with pytest.raises(RateLimited, match="10 subscriptions") as refusal:
        await process.places.take(None, "203.0.113.7")
    assert refusal.value.extensions == {"code": "RATE_LIMITED", "retryAfterSeconds": 5.0}


async def test_a_place_that_is_given_back_is_free_at_once_here_and_soon_elsewhere(start_process: Start) -> None:
    first, second = await start_process(), await start_process()
    taken = await first.take(10)
    taken[0].release()
    taken[0].release()
    (again,) = await first.take(1)
    assert await second.take(1) == []

    again.release()
    await until_taken(second)
    assert await first.take(1) == []


async def test_those_whose_address_nobody_told_have_ten_times_as_many(start_process: Start) -> None:
    process = await start_process()
    assert len(await process.take(120, address="127.0.0.1")) == 100


async def test_the_places_of_a_process_that_died_get_free(start_process: Start) -> None:
    first, second = await start_process(LEASE_SECONDS), await start_process(LEASE_SECONDS)
    assert len(await first.take(10)) == 10
    # Without a word, as after a crash.
    task = first.places._task
    assert task is not None
    task.cancel()

    started = time.monotonic()
    assert await second.take(1) == []
    await until_taken(second)
    assert time.monotonic() - started >= LEASE_SECONDS / 2


async def test_the_places_of_a_process_that_lives_stay_taken(start_process: Start) -> None:
    first, second = await start_process(LEASE_SECONDS), await start_process(LEASE_SECONDS)
    held = await first.take(10)
    started = time.monotonic()
    while time.monotonic() - started < 3 * LEASE_SECONDS:
        assert await second.take(1) == []
        await asyncio.sleep(0.05)
    assert len(held) == 10


async def test_a_renewal_takes_no_place_for_whoever_still_asks(
    start_process: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await start_process()
    assert len(await process.take(9)) == 9
    attempt = process.cache.attempt

    async def renewed_before(ask: Callable[..., Awaitable[bool]]) -> bool:
        await process.places._renew_all(process.places._held)
        return await attempt(ask)

    monkeypatch.setattr(process.cache, "attempt", renewed_before)

    assert len(await process.take(1)) == 1
    assert await process.take(1) == []


async def test_a_redis_without_its_data_learns_them_again(start_process: Start) -> None:
    first, second = await start_process(LEASE_SECONDS), await start_process(LEASE_SECONDS)
    await first.take(10)
    await first.cache.client.flushdb()
    deadline = time.monotonic() + 30
    while await second.cache.client.zcard((await second.cache.client.keys("*") or [b"-"])[0]) < 10:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert await second.take(1) == []


async def test_without_redis_each_process_allows_its_share(start_process: Start, redis_link: RedisLink) -> None:
    first, second = await start_process(LEASE_SECONDS), await start_process(LEASE_SECONDS)
    await redis_link.cut()
    held = await first.take(5)
    assert len(held) == len(await second.take(5)) == 2
    held[0].release()
    assert len(await first.take(5)) == 1

    await redis_link.mend()
    deadline = time.monotonic() + 30
    # All four are known again, and six are left.
    while not (first.cache.available and second.cache.available and await total(first) == 4):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert len(await second.take(10)) == 6


async def total(process: Process) -> int:
    """How many places are taken in Redis."""
    keys = await process.cache.client.keys("subscriptions:*")
    return sum([await process.cache.client.zcard(key) for key in keys])


async def test_nothing_in_redis_names_an_address_or_lives_for_ever(start_process: Start) -> None:
    process = await start_process()
    await process.take(1)
    (key,) = await process.cache.client.keys("*")
    assert b"203.0.113" not in key
    assert 0 < await process.cache.client.ttl(key) <= 60


# --- at the endpoint ---


@pytest.fixture
async def replicas(settings_for: SettingsFor) -> AsyncIterator[list[Served]]:
    """Two processes' applications: three subscriptions for an actor or an address, six operations a connection."""
    settings = settings_for(
        "platform", subscriptions_per_actor=3, subscriptions_per_address=3, max_subscriptions_per_connection=6
    )
    async with AsyncExitStack() as stack:
        apps = [create_app("platform", schema, loaders=lambda database: None, settings=settings) for _ in range(2)]
        yield [await stack.enter_async_context(serve(app)) for app in apps]


async def waits(client: Client, id: str) -> str:
    """OK once a subscription is live, or the code with which it was refused."""
    await client.subscribe("subscription { wait }", id=id)
    message = await client.receive()
    assert message["id"] == id
    if message["type"] == "next":
        return "OK"
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["retryAfterSeconds"] > 0
    return str(message["payload"][0]["extensions"]["code"])


async def test_an_actor_has_so_many_over_connections_and_processes(
    replicas: list[Served], access_token: AccessToken
) -> None:
    token = access_token(USER)
    other = access_token("user_01h455vb4pex5vsknk084sn02r")
    first, second = replicas
    async with first.connect(token=token) as one, second.connect(token=token) as two, second.connect(token=other) as b:
        assert [await waits(one, "1"), await waits(one, "2"), await waits(two, "1")] == ["OK"] * 3
        assert [await waits(one, "3"), await waits(two, "2")] == ["RATE_LIMITED"] * 2
        # Only that operation was refused: the others live, queries run, others are not touched.
        await two.subscribe("{ mine }", id="q")
        assert await two.next() == {"data": {"mine": USER}}
        assert await two.receive() == {"id": "q", "type": "complete"}
        assert await waits(b, "1") == "OK"

        await one.send({"id": "1", "type": "complete"})
        async with asyncio.timeout(30):
            while await waits(two, "3") != "OK":
                await asyncio.sleep(0.02)
    # Closed connections give all places back.
    async with asyncio.timeout(30):
        async with first.connect(token=token) as one:
            for number in ("1", "2", "3"):
                while await waits(one, number) != "OK":
                    await asyncio.sleep(0.02)


async def test_a_connection_has_so_many_operations_and_lives_on(replicas: list[Served]) -> None:
    async with replicas[0].connect() as client:
        # Strangers of unknown address, who have ten times as many.
        assert [await waits(client, str(number)) for number in range(7)] == ["OK"] * 6 + ["RATE_LIMITED"]
        await client.send({"id": "0", "type": "complete"})
        assert await waits(client, "7") == "OK"


async def test_a_router_tells_the_address_of_strangers_in_connection_init(replicas: list[Served]) -> None:
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(replicas[0].connect(payload={"X-Forwarded-For": address}))
            for address in ("203.0.113.1", "198.51.100.9, 203.0.113.1, 127.0.0.1", "203.0.113.2")
        ]
        assert [await waits(clients[0], "1"), await waits(clients[0], "2"), await waits(clients[1], "1")] == ["OK"] * 3
        assert [await waits(client, "3") for client in clients] == ["RATE_LIMITED", "RATE_LIMITED", "OK"]


async def test_what_fails_to_start_holds_no_place(replicas: list[Served], access_token: AccessToken) -> None:
    async with replicas[0].connect(token=access_token(USER)) as client:
        for number in range(8):
            await client.subscribe("subscription($to: Int!) { count(to: $to) }", {"to": "x"}, id=str(number))
            assert (await client.receive())["type"] == "error"
        assert [await waits(client, name) for name in "abcd"] == ["OK"] * 3 + ["RATE_LIMITED"]
