"""Who has blocked whom: what bids hears of it, and what it then refuses."""

import asyncio
from typing import Any

import pytest

from shared import copies, events
from shared.ids import new_id
from subgraphs.bids import actions, models
from tests.bids.conftest import ACCEPT, DECLINE, PLACE, UPDATE, WITHDRAW, Bids, accept, place_input
from tests.conftest import Elsewhere
from tests.support.messaging import eventually
from tests.support.redelivery import deliver, deliver_twice


async def copy(bids: Bids, blocker_id: str, blocked_id: str, *, is_blocked: bool = True, seq: int = 1) -> None:
    async with bids.database.transaction() as session:
        await actions.people.copy_block(session, blocker_id, blocked_id, is_blocked=is_blocked, seq=seq)


async def place_codes(bids: Bids, tasker_id: str, task_id: str) -> list[str]:
    payload = (await bids.act(tasker_id, PLACE, input=place_input(task_id)))["placeBid"]
    return [error["code"] for error in payload["userErrors"]]


async def test_neither_side_of_a_block_bids_until_it_is_taken_back(bids: Bids, elsewhere: Elsewhere) -> None:
    task, tasker, stranger = await bids.task(), new_id("user"), new_id("user")

    for blocker, blocked in ((task.poster_id, tasker), (tasker, task.poster_id)):
        await deliver_twice(elsewhere, "bids", events.UserBlocked(user_id=blocker, blocked_id=blocked))
        before = await bids.state()
        data = await bids.act(tasker, PLACE, input=place_input(task.id))
        # The same answer, whoever blocked whom.
        refusal = {"code": "INTERACTION_BLOCKED", "field": ["taskId"]}
        assert data == {"placeBid": {"bid": None, "userErrors": [refusal]}}
        assert await bids.state() == before
        await deliver_twice(elsewhere, "bids", events.UserUnblocked(user_id=blocker, blocked_id=blocked))

    assert await place_codes(bids, tasker, task.id) == []
    assert await place_codes(bids, stranger, task.id) == []


async def test_an_old_block_that_comes_later_changes_nothing(bids: Bids, elsewhere: Elsewhere) -> None:
    task, tasker = await bids.task(), new_id("user")
    block = events.UserBlocked(user_id=task.poster_id, blocked_id=tasker)
    await deliver(elsewhere, "bids", block, events.UserUnblocked(user_id=task.poster_id, blocked_id=tasker))

    # A dead letter that is replayed under a new event id.
    await copy(bids, task.poster_id, tasker, seq=1)

    assert await bids.sql("SELECT is_blocked, seq FROM blocks") == [(False, 2)]
    assert await place_codes(bids, tasker, task.id) == []


@pytest.mark.parametrize("blocker", ["poster", "tasker"])
async def test_bids_that_are_there_stay_but_go_no_further(bids: Bids, blocker: str) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    tasker = bid["tasker"]["id"]
    pair = (task.poster_id, tasker) if blocker == "poster" else (tasker, task.poster_id)
    await copy(bids, *pair)
    before = await bids.state()
    refusal = {"bid": None, "userErrors": [{"code": "INTERACTION_BLOCKED", "field": ["bidId"]}]}

    accepting = {"bidId": bid["id"], "expectedVersion": bid["version"]}
    assert await bids.act(task.poster_id, ACCEPT, input=accepting) == {"acceptBid": refusal}
    # Its message would go on reaching the other side.
    changing = {"bidId": bid["id"], "message": "Why do you not answer me any more?"}
    assert await bids.act(tasker, UPDATE, input=changing) == {"updateBid": refusal}
    assert await bids.state() == before

    document, actor, more = (
        (DECLINE, task.poster_id, {"reason": "OTHER"}) if blocker == "poster" else (WITHDRAW, tasker, {})
    )
    (payload,) = (await bids.act(actor, document, input={"bidId": bid["id"], **more})).values()
    assert payload["userErrors"] == []


async def test_a_bid_that_was_accepted_before_goes_on(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    won = await accept(bids, task.poster_id, await bids.place(task))
    await copy(bids, task.poster_id, won["tasker"]["id"])
    assigned = task.model_copy(update={"version": 2, "status": "ASSIGNED", "tasker_id": won["tasker"]["id"]})
    await deliver(elsewhere, "bids", events.TaskAssigned(task=assigned, bid_id=won["id"]))
    assert await bids.statuses() == {won["id"]: "AWARDED"}


async def test_a_bid_waits_for_a_block_that_is_being_written(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    async with bids.database.transaction() as session:
        await actions.people.copy_block(session, tasker, task.poster_id, is_blocked=True, seq=1)
        placing = asyncio.create_task(place_codes(bids, tasker, task.id))
        await eventually(lambda: waiting(bids), 20)
        assert not placing.done()
    assert await placing == ["INTERACTION_BLOCKED"]
    assert await bids.statuses() == {}


async def test_a_block_waits_for_a_bid_that_is_being_placed(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    async with bids.database.transaction() as session:
        await copies.lock_pair(session, tasker, task.poster_id, shared=True)
        blocking = asyncio.create_task(copy(bids, task.poster_id, tasker))
        await eventually(lambda: waiting(bids), 20)
        assert not blocking.done()
        assert not await copies.is_blocked(session, models.Block, tasker, task.poster_id)
    await blocking
    assert await place_codes(bids, tasker, task.id) == ["INTERACTION_BLOCKED"]


async def waiting(bids: Bids) -> bool:
    """Whether somebody waits for the lock of a pair."""
    rows: list[tuple[Any, ...]] = await bids.sql(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return bool(rows[0][0])
