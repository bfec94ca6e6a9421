"""`emit`: numbers without gaps, in the order of the commits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from opentelemetry import context as otel
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared import events
from shared.database.db import Database
from shared.messaging.outbox import emit
from tests.conftest import SettingsFor
from tests.support.messaging import emit_numbers, happened, sql


@pytest.fixture
async def database(settings_for: SettingsFor) -> AsyncIterator[Database]:
    database = Database(settings_for("platform"))
    yield database
    await database.close()


async def test_each_stream_is_numbered_by_itself(database: Database) -> None:
    async with database.transaction() as session:
        first = await emit(session, happened(1, "user_a"))
        other = await emit(session, happened(2, "user_b"))
        second = await emit(session, happened(3, "user_a"))

    assert (first, other, second) == (1, 1, 2)
    rows = await sql(
        database, "SELECT stream, seq, type, topic, body->>'reason', published_at FROM outbox ORDER BY position"
    )
    assert rows == [
        ("user:user_a", 1, "users.user.suspended", "users.user", "1", None),
        ("user:user_b", 1, "users.user.suspended", "users.user", "2", None),
        ("user:user_a", 2, "users.user.suspended", "users.user", "3", None),
    ]


async def test_a_rollback_emits_nothing_and_leaves_no_gap(database: Database) -> None:
    await emit_numbers(database, 1)
    with contextlib.suppress(RuntimeError):
        async with database.transaction() as session:
            await emit(session, happened(2))
            raise RuntimeError
    await emit_numbers(database, 3)

    assert await sql(database, "SELECT seq, body->>'reason' FROM outbox ORDER BY position") == [(1, "1"), (2, "3")]


async def test_a_stream_has_one_writer_at_a_time_and_other_streams_do_not_wait(database: Database) -> None:
    async with database.transaction() as session:
        await emit(session, happened(1))
        later = asyncio.create_task(emit_numbers(database, 2))
        await emit_numbers(database, 1, user="user_2")
        # The second writer of the stream has had all the time that the other stream's needed.
        assert not later.done()
        assert await emit(session, happened(3)) == 2
    await later

    rows = await sql(database, "SELECT seq, body->>'reason' FROM outbox WHERE stream = 'user:user_1' ORDER BY seq")
    assert rows == [(1, "1"), (2, "3"), (3, "2")]


async def test_positions_ascend_with_the_numbers_of_a_stream(database: Database) -> None:
    await asyncio.gather(*(emit_numbers(database, *range(10)) for _ in range(8)))

    rows = await sql(database, "SELECT seq FROM outbox ORDER BY position")
    assert rows == [(seq,) for seq in range(1, 81)]


async def test_an_event_that_no_broker_would_take_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="too large"):
        async with database.transaction() as session:
            await emit(session, events.UserSuspended(user_id="user_1", reason="x" * 600_000))

    assert await sql(database, "SELECT * FROM outbox") == []
    assert await sql(database, "SELECT * FROM streams") == []


async def test_the_trace_goes_along(database: Database) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    token = otel.attach(TraceContextTextMapPropagator().extract({"traceparent": traceparent}))
    try:
        await emit_numbers(database, 1)
    finally:
        otel.detach(token)

    assert await sql(database, "SELECT traceparent FROM outbox") == [(traceparent,)]
