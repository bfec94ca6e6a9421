"""A bid on a task whose copy has not come yet waits for it, and costs little meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.pool import QueuePool

from shared import copies, events
from shared.copies import Arrivals
from shared.ids import id_of, new_id
from subgraphs.bids import actions, models
from tests.bids.conftest import PLACE, Bids, place_input
from tests.conftest import Elsewhere
from tests.support import factories
from tests.support.messaging import eventually


def arrivals(bids: Bids) -> Arrivals:
    waiting: Arrivals = bids.served.server._app.state.services.arrivals
    return waiting


@asynccontextmanager
async def waiting(bids: Bids, task_id: str) -> AsyncIterator[asyncio.Task[dict[str, Any]]]:
    """A bid that waits for its task; its answer is to be had once the block has brought what it waits for."""
    before = arrivals(bids).waiting
    placing = asyncio.create_task(bids.act(new_id("user"), PLACE, input=place_input(task_id)))
    await eventually(lambda: arrivals(bids).waiting == before + 1)
    yield placing
    await placing


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, what is waited for comes in time."""
    monkeypatch.setattr(copies, "PATIENCE_SECONDS", 30.0)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("made", ["now", "long ago"])
async def test_a_bid_waits_for_the_event_that_tells_of_its_task(bids: Bids, elsewhere: Elsewhere, made: str) -> None:
    # A draft may have been written long before it is published.
    task = factories.task_snapshot(id=new_id("task") if made == "now" else id_of("task", 7 << 76 | 2 << 62))

    async with waiting(bids, task.id) as placing:
        pool = bids.database.pools()["transaction"].pool
        assert isinstance(pool, QueuePool)
        assert pool.checkedout() == 0
        await elsewhere.emit(events.TaskPublished(task=task))

    assert placing.result()["placeBid"]["userErrors"] == []
    assert await bids.event_types() == ["bids.bid.placed"]
    assert arrivals(bids).waiting == 0


@pytest.mark.usefixtures("patient")
async def test_a_bid_waits_for_what_another_replica_hears(bids: Bids) -> None:
    task = factories.task_snapshot()

    async with waiting(bids, task.id) as placing, bids.database.transaction() as session:
        await actions.tasks.copy_task(session, task)

    assert placing.result()["placeBid"]["userErrors"] == []


@pytest.mark.usefixtures("patient")
async def test_who_asks_for_what_is_not_there_waits_in_few_places(bids: Bids, monkeypatch: pytest.MonkeyPatch) -> None:
    flooder, tasks = new_id("user"), [factories.task_snapshot() for _ in range(copies.MOST_WAITING_PER_CALLER + 1)]
    placing = [asyncio.create_task(bids.act(flooder, PLACE, input=place_input(task.id))) for task in tasks]
    hidden = {"placeBid": {"bid": None, "userErrors": [{"code": "NOT_FOUND", "field": ["taskId"]}]}}

    (answered,), kept = await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
    await eventually(lambda: arrivals(bids).waiting == copies.MOST_WAITING_PER_CALLER)
    assert answered.result() == hidden

    # Others have places of their own, until all are taken.
    monkeypatch.setattr(copies, "MOST_WAITING", copies.MOST_WAITING_PER_CALLER + 1)
    async with waiting(bids, tasks[0].id):
        assert await bids.act(new_id("user"), PLACE, input=place_input(new_id("task"))) == hidden
        async with bids.database.transaction() as session:
            for task in tasks:
                await actions.tasks.copy_task(session, task)

    assert {error["code"] for each in kept for error in (await each)["placeBid"]["userErrors"]} == set()
    assert arrivals(bids).waiting == 0


async def test_what_this_process_hears_is_not_looked_for(bids: Bids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(copies, "_LOOK_SECONDS", 3_600.0)
    own, task_id, heard = Arrivals(bids.database), new_id("task"), False

    async def look() -> str:
        if not heard:
            raise copies.NotCopied("There is no such task.", models.Task, task_id, field=("taskId",))
        return "found"

    found = asyncio.create_task(own.awaited("somebody", look))
    await eventually(lambda: own.waiting == 1)
    heard = True
    own.told("task:task_of_others")
    own.told(f"task:{task_id}")

    assert await found == "found"
    assert own.waiting == 0
    await own.stop()
