"""Followers of a stream get every event once, in order, whatever fails between the commit and them."""

import asyncio
import contextlib
import gc
import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from statistics import median

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from sqlalchemy.pool import QueuePool

from shared import events
from shared.config import Settings
from shared.database.db import Database
from shared.errors import (
    BadRequest,
    CursorExpired,
    Forbidden,
    RequestError,
    ServerShutdown,
    ServiceUnavailable,
    Unauthenticated,
)
from shared.events import Envelope, Event
from shared.messaging.outbox import Relay
from shared.messaging.streams import Check, StreamHub
from shared.messaging.streams.log import LOG_READS
from shared.privacy import erasure
from tests.conftest import SettingsFor
from tests.support.messaging import TOPIC, emit_numbers, eventually, happened, linked, running, sql

STREAM = "user:user_1"


@pytest.fixture
def settings(settings_for: SettingsFor) -> Settings:
    return settings_for("platform")


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    yield database
    await database.close()


@pytest.fixture
async def hub(settings: Settings, database: Database) -> AsyncIterator[StreamHub]:
    """A hub with a live tail, and a relay that feeds it."""
    async with _live_hub(settings, database) as hub:
        yield hub


@asynccontextmanager
async def _live_hub(settings: Settings, database: Database) -> AsyncIterator[StreamHub]:
    hub = StreamHub(database, settings, [TOPIC])
    relay = Relay(database, settings, [TOPIC])
    async with running(relay, hub):
        await eventually(lambda: hub.tail_connected and relay.leading)
        yield hub


class Following:
    """A subscriber that writes down what it gets."""

    def __init__(
        self, hub: StreamHub, after: int | None, *, stream: str = STREAM, check: Check | None = None, pause: float = 0
    ) -> None:
        self.received: list[Envelope[Event]] = []
        self.end: RequestError | None = None
        self._hub = hub
        self._after = after
        self._stream = stream
        self._check = check
        self._pause = pause
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            async with contextlib.aclosing(self._hub.follow(self._stream, self._after, check=self._check)) as following:
                async for envelope in following:
                    self.received.append(envelope)
                    if self._pause:
                        await asyncio.sleep(self._pause)
        except RequestError as end:
            self.end = end

    @property
    def seqs(self) -> list[int]:
        return [envelope.seq for envelope in self.received]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


async def _attached(hub: StreamHub, count: int) -> None:
    """Until `count` followers wait for something to happen."""
    await eventually(
        lambda: (
            sum(follower.waiter is not None for channel in hub._channels.values() for follower in channel.followers)
            == count
        )
    )


def _has_received(following: Following, count: int) -> bool:
    return len(following.received) >= count


def _last(*followings: Following) -> set[int]:
    return {following.received[-1].seq if following.received else 0 for following in followings}


async def test_without_a_number_it_begins_now(hub: StreamHub, database: Database) -> None:
    await emit_numbers(database, 1, 2)
    following = Following(hub, None)
    await _attached(hub, 1)
    await emit_numbers(database, 3, 4)
    await eventually(lambda: len(following.received) == 2)

    assert [(one.seq, one.event, one.stream) for one in following.received] == [
        (3, happened(3), STREAM),
        (4, happened(4), STREAM),
    ]
    rows = await sql(database, "SELECT CAST(event_id AS text), occurred_at FROM outbox WHERE seq > 2 ORDER BY seq")
    assert [(one.id, one.occurred_at) for one in following.received] == rows
    await following.stop()


async def test_with_a_number_it_begins_behind_it_and_goes_on_live(hub: StreamHub, database: Database) -> None:
    await emit_numbers(database, 1, 2, 3)
    followings = [Following(hub, after) for after in (0, 1, 3)]
    await _attached(hub, 3)
    await emit_numbers(database, 4)
    await eventually(lambda: _last(*followings) == {4})

    assert [following.seqs for following in followings] == [[1, 2, 3, 4], [2, 3, 4], [4]]
    # From the log and from Kafka alike.
    assert [one.event for one in followings[0].received] == [happened(n) for n in (1, 2, 3, 4)]


async def test_streams_do_not_mix(hub: StreamHub, database: Database) -> None:
    mine, other = Following(hub, 0), Following(hub, 0, stream="user:user_2")
    await emit_numbers(database, 1, 2)
    await emit_numbers(database, 7, user="user_2")
    await eventually(lambda: len(mine.received) == 2 and len(other.received) == 1)

    assert [one.event for one in mine.received] == [happened(1), happened(2)]
    assert [one.event for one in other.received] == [happened(7, "user_2")]


@pytest.mark.timing
async def test_an_idle_stream_delivers_within_milliseconds(hub: StreamHub, database: Database) -> None:
    following = Following(hub, None)
    await _attached(hub, 1)
    took = []
    for number in range(1, 11):
        await emit_numbers(database, number)
        began = time.monotonic()
        await eventually(partial(_has_received, following, number))
        took.append(time.monotonic() - began)

    # By the audit alone each would take a second.
    assert median(took) < 0.3


async def test_who_catches_up_while_others_write_gets_each_event_once_in_order(
    hub: StreamHub, database: Database
) -> None:
    # More than a page of the log, and more than the memory of recent events.
    await sql(database, _MANY, count=450)
    writing = asyncio.create_task(_write_in_parallel(database, 150))
    followings = [Following(hub, after) for after in (0, 100, 250, 449)]
    while not writing.done():
        followings.append(Following(hub, random.randrange(450)))
        await asyncio.sleep(0.02)
    await writing
    await eventually(lambda: _last(*followings) == {600}, 30)

    for following in followings:
        assert following.seqs == list(range(following.seqs[0], 601))
    assert followings[0].seqs[0] == 1


async def _write_in_parallel(database: Database, count: int) -> None:
    await asyncio.gather(*(emit_numbers(database, *range(count // 3)) for _ in range(3)))


# As if that many events had been emitted and published before.
_MANY = """
    WITH head AS (INSERT INTO streams VALUES ('user:user_1', CAST(:count AS int)))
    INSERT INTO outbox (stream, seq, event_id, type, topic, body, occurred_at, published_at)
    SELECT 'user:user_1', n, gen_random_uuid(), 'users.user.suspended', 'users.user',
           jsonb_build_object('user_id', 'user_1', 'reason', CAST(n AS text)), now(), now()
    FROM generate_series(1, CAST(:count AS int)) AS n
"""


async def test_who_comes_back_with_the_last_number_misses_and_repeats_nothing(
    hub: StreamHub, database: Database
) -> None:
    seqs: list[int] = []
    writing = asyncio.create_task(_write_in_parallel(database, 150))
    while len(seqs) < 150:
        following = Following(hub, seqs[-1] if seqs else 0)
        await eventually(partial(_has_received, following, 1))
        await asyncio.sleep(random.random() * 0.02)
        await following.stop()
        seqs += following.seqs
    await writing

    assert seqs == list(range(1, 151))


async def test_a_slow_follower_reads_the_log_again(settings_for: SettingsFor, database: Database) -> None:
    settings = settings_for("platform", follower_queue_size=4)
    async with _live_hub(settings, database) as hub:
        slow, fast = Following(hub, None, pause=0.005), Following(hub, None)
        await _attached(hub, 2)
        await emit_numbers(database, *range(100))
        await eventually(lambda: _last(slow, fast) == {100})
        assert all(len(channel.recent) <= 4 for channel in hub._channels.values())

    assert slow.seqs == fast.seqs == list(range(1, 101))


@pytest.mark.parametrize("mistreatment", ["lossy", "repeating", "mixed-up"])
async def test_a_tail_that_skips_repeats_or_mixes_up_does_no_harm(
    hub: StreamHub, database: Database, monkeypatch: pytest.MonkeyPatch, mistreatment: str
) -> None:
    deliver = hub._deliver
    earlier: list[ConsumerRecord] = []

    def mistreat(records: Iterable[ConsumerRecord]) -> None:
        batch = list(records)
        earlier.extend(batch)
        if mistreatment == "lossy":
            batch = [record for record in batch if random.random() < 0.5]
        elif mistreatment == "repeating":
            batch = [*batch, *random.sample(earlier, min(len(earlier), 5)), *batch]
        else:
            random.shuffle(batch)
        deliver(batch)

    monkeypatch.setattr(hub, "_deliver", mistreat)
    followings = [Following(hub, None), Following(hub, 0, pause=0.001)]
    await _attached(hub, 2)
    await _write_in_parallel(database, 90)
    await emit_numbers(database, 0)
    await eventually(lambda: _last(*followings) == {91})

    assert [following.seqs for following in followings] == [list(range(1, 92))] * 2


async def test_repetitions_of_the_tail_cost_no_reads(
    hub: StreamHub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver = hub._deliver
    earlier: list[ConsumerRecord] = []

    def repeat(records: Iterable[ConsumerRecord]) -> None:
        earlier.extend(records)
        deliver([*earlier, earlier[0]])

    monkeypatch.setattr(hub, "_deliver", repeat)
    following = Following(hub, None)
    await _attached(hub, 1)
    before = LOG_READS._value.get()
    await emit_numbers(database, *range(20))
    await eventually(lambda: _last(following) == {20})
    returning = Following(hub, 15)
    await eventually(lambda: _last(returning) == {20})

    assert following.seqs == list(range(1, 21))
    assert returning.seqs == list(range(16, 21))
    assert LOG_READS._value.get() == before


async def test_events_arrive_without_kafka(settings: Settings, database: Database) -> None:
    nowhere = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})
    hub = StreamHub(database, nowhere, [TOPIC])
    async with running(hub):
        following = Following(hub, None)
        await _attached(hub, 1)
        await emit_numbers(database, 1, 2, 3)
        await eventually(lambda: len(following.received) == 3)

    assert following.seqs == [1, 2, 3]


async def test_a_tail_that_breaks_is_replaced(
    hub: StreamHub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = Following(hub, None)
    await _attached(hub, 1)

    def fail(records: object) -> None:
        raise KafkaError

    with monkeypatch.context() as broken:
        broken.setattr(hub, "_deliver", fail)
        await emit_numbers(database, 1)
        await eventually(lambda: not hub.tail_connected)
    await emit_numbers(database, 2)
    await eventually(lambda: hub.tail_connected)
    await emit_numbers(database, 3)
    await eventually(lambda: len(following.received) == 3)

    assert following.seqs == [1, 2, 3]


async def test_a_number_that_the_log_no_longer_reaches(hub: StreamHub, database: Database) -> None:
    await emit_numbers(database, 1, 2, 3, 4)
    await sql(database, "DELETE FROM outbox WHERE seq <= 2")
    refused, accepted = Following(hub, 1), Following(hub, 2)
    await eventually(lambda: refused.end and len(accepted.received) == 2)

    assert isinstance(refused.end, CursorExpired)
    assert refused.received == []
    assert accepted.seqs == [3, 4]


async def test_a_log_with_nothing_left(hub: StreamHub, database: Database) -> None:
    await emit_numbers(database, 1, 2)
    await sql(database, "DELETE FROM outbox")
    refused, accepted = Following(hub, 1), Following(hub, 2)
    await eventually(lambda: refused.end)
    await _attached(hub, 1)
    await emit_numbers(database, 3)
    await eventually(lambda: accepted.received)

    assert isinstance(refused.end, CursorExpired)
    assert accepted.seqs == [3]


@pytest.mark.parametrize("after", [-1, 3, 2**63 - 1])
async def test_a_number_that_the_stream_has_not_reached(hub: StreamHub, database: Database, after: int) -> None:
    await emit_numbers(database, 1, 2)
    following = Following(hub, after)
    await eventually(lambda: following.end)

    assert isinstance(following.end, BadRequest)
    assert hub.followers == 0


async def test_a_type_that_this_release_does_not_know_is_passed_over(hub: StreamHub, database: Database) -> None:
    live = Following(hub, 0)
    await emit_numbers(database, 1)
    await eventually(lambda: live.received)
    await sql(database, _INVENTED)
    await emit_numbers(database, 3)
    late = Following(hub, 0)
    await eventually(lambda: _last(live, late) == {3})

    assert live.seqs == late.seqs == [1, 3]


_INVENTED = """
    WITH head AS (UPDATE streams SET head = 2)
    INSERT INTO outbox (stream, seq, event_id, type, topic, body, occurred_at)
    VALUES ('user:user_1', 2, gen_random_uuid(), 'users.user.invented_tomorrow', 'users.user', '{}', now())
"""


async def test_shutdown_ends_everybody_with_its_reason(hub: StreamHub, database: Database) -> None:
    idle, busy = Following(hub, None), Following(hub, None, pause=0.01)
    await _attached(hub, 2)
    writing = asyncio.create_task(emit_numbers(database, *range(30)))
    await eventually(lambda: busy.received)
    await hub.shutdown()
    await asyncio.wait_for(asyncio.gather(idle.task, busy.task), 30)
    late = Following(hub, None)
    await late.task
    await writing

    assert [type(one.end) for one in (idle, busy, late)] == [ServerShutdown] * 3
    assert busy.seqs == list(range(1, len(busy.seqs) + 1))
    assert hub.followers == 0


@pytest.mark.timing
async def test_shutdown_ends_everybody_within_a_second(hub: StreamHub, database: Database) -> None:
    idle, busy = Following(hub, None), Following(hub, None, pause=0.01)
    await _attached(hub, 2)
    writing = asyncio.create_task(emit_numbers(database, *range(30)))
    await eventually(lambda: busy.received)
    await hub.shutdown()
    await asyncio.wait_for(asyncio.gather(idle.task, busy.task), 1)
    await writing


@pytest.mark.parametrize("reason", [Unauthenticated("expired"), Forbidden("not yours")])
async def test_a_lost_right_ends_an_idle_follower(hub: StreamHub, reason: RequestError) -> None:
    lost: list[RequestError] = []
    ending, staying = Following(hub, None, check=lambda: lost[0] if lost else None), Following(hub, None)
    await _attached(hub, 2)
    lost.append(reason)
    await asyncio.wait_for(ending.task, 30)

    assert ending.end is reason
    assert not staying.task.done()


@pytest.mark.timing
async def test_a_lost_right_ends_an_idle_follower_within_2_and_a_half_seconds(hub: StreamHub) -> None:
    lost: list[RequestError] = []
    ending = Following(hub, None, check=lambda: lost[0] if lost else None)
    await _attached(hub, 1)
    lost.append(Forbidden("not yours"))
    await asyncio.wait_for(ending.task, 2.5)


async def test_a_check_that_fails_ends_its_follower_only(hub: StreamHub) -> None:
    def fail() -> RequestError | None:
        raise RuntimeError

    lost = Forbidden("not yours")
    failing, checked = Following(hub, None, check=fail), Following(hub, None, check=lambda: lost)
    await asyncio.wait_for(asyncio.gather(failing.task, checked.task), 30)

    assert isinstance(failing.end, ServiceUnavailable)
    assert checked.end is lost


async def test_nothing_is_kept_of_followers_that_have_gone(hub: StreamHub, database: Database) -> None:
    await emit_numbers(database, 1)
    cancelled = Following(hub, None)
    closed = hub.follow(STREAM, 0)
    abandoned = hub.follow(STREAM, 0)
    never_started = hub.follow(STREAM, 0)
    assert (await anext(closed)).seq == (await anext(abandoned)).seq == 1
    await _attached(hub, 1)
    assert hub.followers == 3

    await cancelled.stop()
    await closed.aclose()
    await never_started.aclose()
    del abandoned
    gc.collect()
    await eventually(lambda: hub.followers == 0)
    assert hub._channels == {}


async def test_idle_followers_hold_no_connection(hub: StreamHub, database: Database) -> None:
    followings = [Following(hub, None, stream=f"user:user_{n}") for n in range(50)]
    await _attached(hub, 50)

    def idle() -> bool:
        pools = [engine.pool for engine in database.pools().values()]
        return all(isinstance(pool, QueuePool) and pool.checkedout() == 0 for pool in pools)

    await eventually(idle)
    assert not any(following.task.done() for following in followings)


async def test_a_thousand_followers_cost_little_more_than_one(
    hub: StreamHub, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = 0
    parse = events.parse

    def count(type: str, body: bytes | str) -> Event:
        nonlocal parsed
        parsed += 1
        return parse(type, body)

    monkeypatch.setattr("shared.messaging.streams.log.parse", count)
    await sql(database, _MANY, count=1000)
    before = LOG_READS._value.get()

    # All re-read the same thousand events at once, then go live.
    followings = [Following(hub, 0) for _ in range(1000)]
    await _attached(hub, 1000)
    reads, parsed_from_log = LOG_READS._value.get() - before, parsed
    await emit_numbers(database, *range(1001, 1006))
    await eventually(lambda: _last(*followings) == {1005})

    assert all(following.seqs == list(range(1, 1006)) for following in followings)
    assert reads <= 20
    assert parsed_from_log <= 4000
    assert parsed - parsed_from_log <= 25


async def test_who_catches_up_soon_after_another_reads_nothing_again(hub: StreamHub, database: Database) -> None:
    await sql(database, _MANY, count=1000)
    before = LOG_READS._value.get()
    slowest = hub.follow(STREAM, 0)
    await anext(slowest)
    for _ in range(10):
        following = Following(hub, 0)
        await eventually(partial(_has_received, following, 1000))
        await following.stop()
    await slowest.aclose()

    assert LOG_READS._value.get() - before <= 10


async def test_memory_is_given_back_once_everybody_has_everything(hub: StreamHub, database: Database) -> None:
    await sql(database, _MANY, count=900)
    following = Following(hub, 0)
    await eventually(lambda: len(following.received) == 900)
    channel = hub._channels[STREAM]

    await eventually(lambda: not channel.pages and len(channel.recent) <= 32)


async def test_a_database_that_goes_away_delays_but_ends_nothing(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(settings) as (behind, link):
        far = Database(behind)
        nowhere = behind.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:1"})
        hub = StreamHub(far, nowhere, [TOPIC])
        async with running(hub):
            following = Following(hub, None)
            await _attached(hub, 1)
            await link.cut()
            await emit_numbers(database, 1, 2)
            # It knows that there is more, and cannot read it.
            hub._channels[STREAM].reached(2)
            refused = Following(hub, 0)
            await asyncio.wait_for(refused.task, 30)
            assert isinstance(refused.end, ServiceUnavailable)
            assert not following.task.done()
            await link.mend()
            await eventually(lambda: len(following.received) == 2)
        await far.close()

    assert following.seqs == [1, 2]
    assert isinstance(following.end, ServerShutdown)


async def test_what_was_redacted_is_nowhere_remembered(database: Database, settings: Settings) -> None:
    """Followers who come later get the redacted events, also beside others who keep the stream in memory."""
    hub = StreamHub(database, settings)
    await emit_numbers(database, 1, 2, 3)
    async with running(hub):
        early = hub.follow("user:user_1", 0)
        assert [(await anext(early)).event for _ in range(3)] == [happened(number) for number in (1, 2, 3)]

        async with database.transaction() as session:
            await erasure.erase(session, "user_1", "users", ())
        (channel,) = hub._channels.values()
        await eventually(lambda: channel.redactions == 1)

        late = hub.follow("user:user_1", 0)
        redacted = events.UserSuspended(user_id="user_1", reason=events.DELETED_TEXT)
        assert [(await anext(late)).event for _ in range(3)] == [redacted] * 3
        # The stream goes on for both.
        await emit_numbers(database, 4)
        assert (await anext(early)).seq == (await anext(late)).seq == 4
        for follower in (early, late):
            await follower.aclose()
