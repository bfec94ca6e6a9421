"""Consumers: each event has one effect, in order, whatever is repeated, breaks or cannot be read."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import partial

import pytest
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.config import Settings
from shared.database.db import Database
from shared.errors import ServiceUnavailable
from shared.events import Envelope
from shared.messaging.consumer import Consumer, Handlers
from shared.messaging.dead_letters import list_dead_letters
from shared.messaging.outbox import Relay, emit
from tests.conftest import SettingsFor
from tests.support.messaging import (
    TOPIC,
    emit_numbers,
    eventually,
    happened,
    linked,
    publish,
    running,
    sql,
)

Happened = Envelope[events.UserSuspended]


@pytest.fixture
def settings(settings_for: SettingsFor) -> Settings:
    return settings_for("platform")


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    yield database
    await database.close()


@pytest.fixture
async def relay(settings: Settings, database: Database) -> AsyncIterator[Relay]:
    relay = Relay(database, settings, [TOPIC])
    async with running(relay):
        yield relay


async def _count(session: AsyncSession, event: Happened) -> None:
    """An effect that shows a repetition: the stream `effect:<number>` counts its handlings."""
    await session.execute(
        text("INSERT INTO streams VALUES (:s, 1) ON CONFLICT (stream) DO UPDATE SET head = streams.head + 1"),
        {"s": f"effect:{event.stream}:{event.event.reason}"},
    )


async def _effects(database: Database) -> dict[object, object]:
    return dict(await sql(database, "SELECT stream, head FROM streams WHERE stream LIKE 'effect:%'"))  # type: ignore[arg-type] # pairs


async def _has_effects(database: Database, count: int) -> bool:
    return len(await _effects(database)) == count


def _counting() -> Handlers:
    handlers = Handlers()
    handlers.on(events.UserSuspended)(_count)
    return handlers


@pytest.mark.usefixtures("relay")
async def test_tells_of_an_event_once_its_effect_is_there_to_be_read(settings: Settings, database: Database) -> None:
    seen: list[tuple[str, asyncio.Task[bool]]] = []

    def told(stream: str) -> None:
        seen.append((stream, asyncio.create_task(_has_effects(database, 1))))

    async with running(Consumer("other", _counting(), database, settings, told)):
        await emit_numbers(database, 1)
        await eventually(lambda: seen)

    ((stream, there),) = seen
    assert await there
    assert stream == (await sql(database, "SELECT stream FROM outbox"))[0][0]


@pytest.mark.usefixtures("relay")
async def test_events_of_a_stream_are_handled_in_order(settings: Settings, database: Database) -> None:
    handled: dict[str, list[int]] = defaultdict(list)
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def remember(session: AsyncSession, event: Happened) -> None:
        handled[event.stream].append(event.seq)

    async with running(Consumer("other", handlers, database, settings)):
        await asyncio.gather(*(emit_numbers(database, *range(30), user=f"user_{n}") for n in range(4)))
        await eventually(lambda: sum(map(len, handled.values())) == 120)

    assert handled == {f"user:user_{n}": list(range(1, 31)) for n in range(4)}


@pytest.mark.usefixtures("relay")
async def test_a_handler_gets_the_event_with_its_place(settings: Settings, database: Database) -> None:
    received: list[Happened] = []
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def remember(session: AsyncSession, event: Happened) -> None:
        received.append(event)

    async with running(Consumer("other", handlers, database, settings)):
        await emit_numbers(database, 7)
        await eventually(lambda: received)

    ((id_, at),) = await sql(database, "SELECT CAST(event_id AS text), occurred_at FROM outbox")
    assert received == [Envelope(happened(7), str(id_), 1, "user:user_1", at)]  # type: ignore[arg-type] # a datetime


@pytest.mark.usefixtures("relay")
async def test_a_consumer_that_dies_before_it_commits_its_offset_has_no_doubled_effect(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None: ...

    with monkeypatch.context() as dying:
        dying.setattr(Consumer, "_commit", never)
        async with running(Consumer("other", _counting(), database, settings)):
            await emit_numbers(database, 1, 2, 3)
            await eventually(partial(_has_effects, database, 3))

    async with running(Consumer("other", _counting(), database, settings)):
        await emit_numbers(database, 4)
        await eventually(partial(_has_effects, database, 4))

    assert await _effects(database) == {f"effect:user:user_1:{n}": 1 for n in (1, 2, 3, 4)}


@pytest.mark.usefixtures("relay")
async def test_a_consumer_that_comes_back_goes_on_where_it_was(settings: Settings, database: Database) -> None:
    consumer = Consumer("other", _counting(), database, settings)
    async with running(consumer):
        await emit_numbers(database, 1, 2, 3)
        await eventually(partial(_has_effects, database, 3))
    # Without the offsets that the end committed, the inbox alone would keep the effects from doubling.
    await sql(database, "TRUNCATE inbox")
    await emit_numbers(database, 4, 5)

    async with running(Consumer("other", _counting(), database, settings)):
        await eventually(partial(_has_effects, database, 5))

    assert await _effects(database) == {f"effect:user:user_1:{n}": 1 for n in (1, 2, 3, 4, 5)}


@pytest.mark.usefixtures("relay")
async def test_a_passing_fault_holds_up_its_partition_only(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Consumer, "retries", 1)
    healed = asyncio.Event()
    attempts: list[int] = []
    handled: dict[str, list[int]] = defaultdict(list)
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def remember(session: AsyncSession, event: Happened) -> None:
        if event.stream == "user:user_held" and not healed.is_set():
            attempts.append(event.seq)
            raise ServiceUnavailable("The map is away.")
        handled[event.stream].append(event.seq)

    async with running(Consumer("other", handlers, database, settings)):
        await emit_numbers(database, 1, 2, user="user_held")
        # With two partitions, some of these are in the other one.
        for number in range(8):
            await emit_numbers(database, number, user=f"user_{number}")
        await eventually(lambda: handled)
        # More attempts than an event gets that fails for good.
        await eventually(lambda: len(attempts) > Consumer.retries + 1)
        assert "user:user_held" not in handled
        healed.set()
        await eventually(lambda: len(handled) == 9)

    assert set(attempts) == {1}
    assert handled == {"user:user_held": [1, 2]} | {f"user:user_{n}": [1] for n in range(8)}
    assert await list_dead_letters(settings, [TOPIC]) == []


@pytest.mark.usefixtures("relay")
async def test_a_failed_attempt_leaves_no_effect(settings: Settings, database: Database) -> None:
    attempts: list[int] = []
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def fail_at_first(session: AsyncSession, event: Happened) -> None:
        await _count(session, event)
        attempts.append(event.seq)
        if len(attempts) < 3:
            raise RuntimeError

    async with running(Consumer("other", handlers, database, settings)):
        await emit_numbers(database, 1)
        await eventually(partial(_has_effects, database, 1))

    assert attempts == [1, 1, 1]
    assert await _effects(database) == {"effect:user:user_1:1": 1}
    assert await sql(database, "SELECT consumer FROM inbox") == [("other",)]


_GOOD = [
    ("ce_id", b"019ab1c2-0000-7000-8000-000000000001"),
    ("ce_type", b"users.user.suspended"),
    ("ce_time", b"2026-01-01T00:00:00+00:00"),
    ("ce_subject", b"user:user_1"),
    ("seq", b"1"),
]


def _without(name: str) -> list[tuple[str, bytes]]:
    return [pair for pair in _GOOD if pair[0] != name]


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        pytest.param(b"{", _GOOD, id="no-json"),
        pytest.param(b"\xff\xfe", _GOOD, id="no-utf-8"),
        pytest.param(b"[" * 100_000, _GOOD, id="deeply-nested"),
        pytest.param(b'{"user_id": 1}', _GOOD, id="wrong-fields"),
        pytest.param(None, _GOOD, id="no-value"),
        pytest.param(b'{"user_id": "user_1", "reason": "1"}', [], id="no-headers"),
        pytest.param(b'{"user_id": "user_1", "reason": "1"}', _without("ce_id"), id="no-id"),
        pytest.param(b'{"user_id": "user_1", "reason": "1"}', _without("seq"), id="no-number"),
        pytest.param(b'{"user_id": "user_1", "reason": "1"}', [*_without("ce_id"), ("ce_id", b"7")], id="no-uuid"),
        pytest.param(b'{"user_id": "user_1", "reason": "1"}', [("ce_type", b"\xff")], id="type-no-utf-8"),
    ],
)
async def test_what_cannot_be_read_becomes_a_dead_letter_at_once(
    settings: Settings, database: Database, relay: Relay, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    async with running(Consumer("other", _counting(), database, settings)):
        await publish(settings, value, headers=headers)
        await emit_numbers(database, 2)
        await eventually(partial(_has_effects, database, 1))

    (letter,) = await list_dead_letters(settings, [TOPIC])
    assert (letter.value, letter.headers, letter.attempts) == (value, tuple(headers), 1)
    assert await _effects(database) == {"effect:user:user_1:2": 1}


async def test_a_message_without_key_and_value_stops_nothing(
    settings: Settings, database: Database, relay: Relay
) -> None:
    async with running(Consumer("other", _counting(), database, settings)):
        await publish(settings, b"", key=None, partition=0)
        await publish(settings, b"", key=None, partition=1)
        await emit_numbers(database, 2)
        await eventually(partial(_has_effects, database, 1))

    assert len(await list_dead_letters(settings, [TOPIC])) == 2


@pytest.mark.usefixtures("relay")
async def test_types_without_a_handler_are_skipped(settings: Settings, database: Database) -> None:
    unknown = [*_without("ce_type"), ("ce_type", b"users.user.invented_tomorrow")]
    async with running(Consumer("other", _counting(), database, settings)):
        await publish(settings, b"{}", headers=unknown)
        async with database.transaction() as session:
            await emit(session, events.UserReinstated(user_id="user_1"))
        await emit_numbers(database, 2)
        await eventually(partial(_has_effects, database, 1))

    assert await list_dead_letters(settings, [TOPIC]) == []
    assert len(await sql(database, "SELECT * FROM inbox")) == 1


@pytest.mark.usefixtures("relay")
async def test_replicas_come_and_go_without_loss_or_repetition(
    settings: Settings, database: Database, settings_for: SettingsFor
) -> None:
    others = [Database(settings_for("platform")) for _ in range(2)]
    first = Consumer("other", _counting(), database, settings)
    second = Consumer("other", _counting(), others[0], settings)
    third = Consumer("other", _counting(), others[1], settings)
    writing = asyncio.create_task(_write(database, 150))
    try:
        await first.start()
        await eventually(lambda: _effects(database))
        await second.start()
        await eventually(lambda: second.healthy)
        await first.stop()
        await third.start()
        await eventually(lambda: third.healthy)
        await writing
        await eventually(partial(_has_effects, database, 300), 40)
    finally:
        for consumer in (first, second, third):
            await consumer.stop()
        for other in others:
            await other.close()

    assert await _effects(database) == {f"effect:user:user_{u}:{n}": 1 for u in (0, 3) for n in range(150)}


async def _write(database: Database, count: int) -> None:
    # These two streams are in different partitions.
    await asyncio.gather(*(emit_numbers(database, *range(count), user=f"user_{user}") for user in (0, 3)))


@pytest.mark.usefixtures("relay")
async def test_a_consumer_outlives_the_database_going_away(settings: Settings, database: Database) -> None:
    async with linked(settings) as (behind, link):
        far = Database(behind)
        async with running(Consumer("other", _counting(), far, behind)):
            await emit_numbers(database, 1)
            await eventually(partial(_has_effects, database, 1))
            await link.cut()
            await emit_numbers(database, 2, 3)
            await link.mend()
            await eventually(partial(_has_effects, database, 3))
        await far.close()

    assert await _effects(database) == {f"effect:user:user_1:{n}": 1 for n in (1, 2, 3)}
    assert await list_dead_letters(settings, [TOPIC]) == []


@pytest.mark.usefixtures("relay")
async def test_handlers_leave_connections_for_requests(settings_for: SettingsFor) -> None:
    settings = settings_for("platform", transaction_pool_size=2, topic_partitions=6)
    database = Database(settings)
    running_now = peak = handled = 0
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def watch(session: AsyncSession, event: Happened) -> None:
        nonlocal running_now, peak, handled
        running_now += 1
        peak = max(peak, running_now)
        await session.execute(text("SELECT pg_sleep(0.005)"))
        running_now -= 1
        handled += 1

    async with running(Consumer("other", handlers, database, settings)):
        await asyncio.gather(*(emit_numbers(database, 1, user=f"user_{n}") for n in range(20)))
        await eventually(lambda: handled == 20)
    await database.close()

    assert peak == 1


@pytest.mark.usefixtures("relay")
async def test_the_trace_goes_on_in_the_handler(settings: Settings, database: Database) -> None:
    traces: list[int] = []
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def remember(session: AsyncSession, event: Happened) -> None:
        traces.append(trace.get_current_span().get_span_context().trace_id)

    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    token = otel.attach(TraceContextTextMapPropagator().extract({"traceparent": traceparent}))
    try:
        await emit_numbers(database, 1)
    finally:
        otel.detach(token)
    async with running(Consumer("other", handlers, database, settings)):
        await eventually(lambda: traces)

    assert traces == [0x0AF7651916CD43DD8448EB211C80319C]


def test_an_event_has_one_handler() -> None:
    handlers = _counting()
    with pytest.raises(ValueError, match="has a handler already"):
        handlers.on(events.UserSuspended)(_count)
