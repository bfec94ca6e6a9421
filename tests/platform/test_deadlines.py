"""Deadlines are handled when they are due, once, whatever happens to those who handle them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from statistics import median

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.database.db import Database
from shared.deadlines import DeadlineWorker, cancel, schedule
from tests.conftest import SettingsFor
from tests.support.messaging import eventually, linked, running, sql


@pytest.fixture
async def database(settings_for: SettingsFor) -> AsyncIterator[Database]:
    database = Database(settings_for("platform"))
    yield database
    await database.close()


async def _schedule(database: Database, subject: str, due_in: float, kind: str = "bid.expiry") -> datetime:
    due_at = clock.now() + timedelta(seconds=due_in)
    async with database.transaction() as session:
        await schedule(session, kind, subject, due_at)
    return due_at


async def _left(database: Database) -> list[tuple[object, ...]]:
    return await sql(database, "SELECT subject_id FROM deadlines ORDER BY subject_id")


async def test_a_deadline_is_handled_when_it_is_due(database: Database) -> None:
    handled: list[tuple[str, datetime, timedelta]] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        handled.append((subject_id, due_at, clock.now() - due_at))

    async with running(DeadlineWorker(database, {"bid.expiry": expire})):
        later = await _schedule(database, "bid_later", 3600)
        soon = []
        for number in range(4):
            soon.append(await _schedule(database, f"bid_{number}", 0.3))
            await eventually(partial(_is_handled, handled, number))
        assert [each[:2] for each in handled] == [(f"bid_{number}", due_at) for number, due_at in enumerate(soon)]
        assert min(late for _, _, late in handled) >= timedelta(0)
        # The worker wakes for the next one; looking every second, it would be late by 0.7 s each time.
        assert min(late for _, _, late in handled) < timedelta(milliseconds=350)

        with clock.offset(timedelta(hours=1)):
            await eventually(partial(_is_handled, handled, 4))
        assert handled[4][:2] == ("bid_later", later)
        await eventually(lambda: _is_empty(database))


def _is_handled(handled: Sequence[object], number: int) -> bool:
    return len(handled) > number


async def _is_empty(database: Database) -> bool:
    return await _left(database) == []


@pytest.mark.timing
async def test_what_this_process_schedules_for_now_is_handled_at_once(database: Database) -> None:
    late: list[timedelta] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        late.append(clock.now() - due_at)

    async with running(DeadlineWorker(database, {"bid.expiry": expire})):
        for number in range(9):
            await _schedule(database, f"bid_{number}", 0)
            await eventually(partial(_is_handled, late, number))
    # Looking every second, it would be late by half of one.
    assert median(late) < timedelta(milliseconds=250)


async def test_idle_workers_ask_once_a_second_by_one_statement(database: Database) -> None:
    asked: list[str] = []
    for engine in database.pools().values():
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        raise AssertionError("nothing is due")

    async with running(DeadlineWorker(database, {"bid.expiry": expire})):
        await _schedule(database, "bid_later", 3600)
        asked.clear()
        await asyncio.sleep(2.5)
    assert 2 <= len(asked) <= 3 * DeadlineWorker.concurrency
    assert {statement.split()[0] for statement in asked} == {"SELECT"}


async def test_scheduling_again_replaces_and_cancelling_calls_off(database: Database) -> None:
    first = await _schedule(database, "bid_1", 10)
    second = await _schedule(database, "bid_1", 20)
    await _schedule(database, "bid_2", 10)
    async with database.transaction() as session:
        await cancel(session, "bid.expiry", "bid_2")
        await cancel(session, "bid.expiry", "bid_3")

    assert first != second
    assert await sql(database, "SELECT subject_id, due_at FROM deadlines") == [("bid_1", second)]


async def test_a_rollback_schedules_nothing(database: Database) -> None:
    with contextlib.suppress(RuntimeError):
        async with database.transaction() as session:
            await schedule(session, "bid.expiry", "bid_1", clock.now())
            raise RuntimeError

    assert await _left(database) == []


async def test_two_workers_handle_each_deadline_once(database: Database, settings_for: SettingsFor) -> None:
    other = Database(settings_for("platform"))
    handled: list[str] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        handled.append(subject_id)
        # Long enough for the others to look for work meanwhile.
        await session.execute(text("SELECT pg_sleep(0.01)"))

    for number in range(40):
        await _schedule(database, f"bid_{number:02}", 0)
    try:
        async with running(
            DeadlineWorker(database, {"bid.expiry": expire}), DeadlineWorker(other, {"bid.expiry": expire})
        ):
            await eventually(lambda: _is_empty(database))
    finally:
        await other.close()

    assert sorted(handled) == [f"bid_{number:02}" for number in range(40)]


async def test_a_worker_claims_one_deadline_whatever_the_planner_thinks_of_the_table(database: Database) -> None:
    """Analyzed while there is one row, it was joined row by row with what is due, asked for anew for each of them."""
    handled: list[str] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        handled.append(subject_id)

    await _schedule(database, "bid_0", -9)
    await sql(database, "ANALYZE deadlines")
    for number in range(1, 5):
        await _schedule(database, f"bid_{number}", number - 9)

    worker = DeadlineWorker(database, {"bid.expiry": expire})
    for number in range(5):
        assert await worker.handle_one()
        assert handled == [f"bid_{each}" for each in range(number + 1)]
        assert await _left(database) == [(f"bid_{each}",) for each in range(number + 1, 5)]
    assert not await worker.handle_one()


async def test_a_slow_handler_holds_up_no_other(database: Database) -> None:
    released = asyncio.Event()
    handled: list[str] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        if subject_id == "bid_slow":
            await released.wait()
        handled.append(subject_id)

    await _schedule(database, "bid_slow", -10)
    await _schedule(database, "bid_1", 0)
    async with running(DeadlineWorker(database, {"bid.expiry": expire})):
        await eventually(lambda: handled == ["bid_1"])
        released.set()
        await eventually(lambda: handled == ["bid_1", "bid_slow"])


async def test_effect_and_deletion_are_one_transaction(database: Database) -> None:
    attempts: list[str] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        await session.execute(text("INSERT INTO streams VALUES (:subject, 1)"), {"subject": subject_id})
        attempts.append(subject_id)
        if len(attempts) == 1:
            raise RuntimeError

    await _schedule(database, "bid_1", 0)
    async with running(DeadlineWorker(database, {"bid.expiry": expire})):
        await eventually(lambda: _is_empty(database))

    # A first effect that had stayed would have made the second insertion fail.
    assert attempts == ["bid_1", "bid_1"]
    assert await sql(database, "SELECT stream, head FROM streams") == [("bid_1", 1)]


async def test_a_failing_deadline_waits_longer_each_time_and_holds_up_no_other(database: Database) -> None:
    handled: list[str] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        handled.append(subject_id)
        if subject_id == "bid_bad":
            raise RuntimeError

    await _schedule(database, "bid_bad", -10)
    await _schedule(database, "bid_good", 0)
    worker = DeadlineWorker(database, {"bid.expiry": expire})
    with contextlib.ExitStack() as clocks:
        async with running(worker):
            await eventually(lambda: "bid_good" in handled)
            for attempts, pause in ((1, 1), (2, 2), (3, 4)):
                due_at = await eventually(partial(_due_after, database, attempts))
                left = due_at - clock.now()
                assert timedelta(seconds=pause - 0.9) < left <= timedelta(seconds=pause)
                clocks.enter_context(clock.offset(left))
    assert handled.count("bid_good") == 1


async def _due_after(database: Database, attempts: int) -> datetime | None:
    rows = await sql(database, "SELECT due_at FROM deadlines WHERE attempts = :n", n=attempts)
    return next((due_at for (due_at,) in rows if isinstance(due_at, datetime)), None)


async def test_a_handler_may_schedule_the_same_deadline_anew(database: Database) -> None:
    async def remind(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        await schedule(session, "reminder", subject_id, due_at + timedelta(days=1))

    due_at = await _schedule(database, "task_1", 0, "reminder")
    async with running(DeadlineWorker(database, {"reminder": remind})):
        expected = [("task_1", due_at + timedelta(days=1), 0)]
        await eventually(lambda: _equals(database, expected))


async def _equals(database: Database, expected: list[tuple[str, datetime, int]]) -> bool:
    return await sql(database, "SELECT subject_id, due_at, attempts FROM deadlines") == expected


async def test_what_is_scheduled_anew_while_it_fails_keeps_its_new_time(database: Database) -> None:
    scheduling: list[asyncio.Task[datetime]] = []

    async def fail(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        # It waits for this transaction's end, in the next moment.
        scheduling.append(asyncio.create_task(_schedule(database, subject_id, 3600)))
        await eventually(partial(_is_waiting_for_a_lock, database))
        raise RuntimeError

    await _schedule(database, "bid_1", 0)
    async with running(DeadlineWorker(database, {"bid.expiry": fail})):
        await eventually(lambda: scheduling)
        due_at = await scheduling[0]

    assert await sql(database, "SELECT subject_id, due_at, attempts FROM deadlines") == [("bid_1", due_at, 0)]


async def _is_waiting_for_a_lock(database: Database) -> bool:
    return bool(
        await sql(
            database,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
    )


async def test_other_kinds_are_left_alone(database: Database) -> None:
    handled: list[str] = []

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        handled.append(subject_id)

    await _schedule(database, "task_1", -10, kind="task.expiry")
    await _schedule(database, "bid_1", 0)
    async with running(DeadlineWorker(database, {"bid.expiry": expire})):
        await eventually(lambda: handled)

    assert handled == ["bid_1"]
    assert await _left(database) == [("task_1",)]


async def test_a_worker_outlives_the_database_going_away(database: Database, settings_for: SettingsFor) -> None:
    handled = asyncio.Event()

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        handled.set()

    async with linked(settings_for("platform")) as (settings, link):
        behind = Database(settings)
        worker = DeadlineWorker(behind, {"bid.expiry": expire})
        async with running(worker):
            await eventually(lambda: worker.healthy)
            await link.cut()
            await eventually(lambda: not worker.healthy)
            await _schedule(database, "bid_1", 0)
            assert not handled.is_set()
            await link.mend()
            await asyncio.wait_for(handled.wait(), 30)
        await behind.close()


async def test_cancelling_does_not_wait_for_a_handler_that_waits_for_the_caller(database: Database) -> None:
    await _schedule(database, "bid_1", 10)
    reached, handled = asyncio.Event(), asyncio.Event()

    async def expire(session: AsyncSession, subject_id: str, due_at: datetime) -> None:
        reached.set()
        # As a handler locks its subject, which the caller of `cancel` holds.
        await session.execute(text("SELECT pg_advisory_xact_lock(1)"))
        handled.set()

    async with database.transaction() as session, running(DeadlineWorker(database, {"bid.expiry": expire})):
        await session.execute(text("SELECT pg_advisory_xact_lock(1)"))
        with clock.offset(timedelta(minutes=1)):
            await asyncio.wait_for(reached.wait(), 30)
            async with asyncio.timeout(30):
                await cancel(session, "bid.expiry", "bid_1")
            await session.commit()
            await asyncio.wait_for(handled.wait(), 30)
