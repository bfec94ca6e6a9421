"""Who is suspended: what bids hears of it, what it then refuses, and that all is well again afterwards."""

import pytest

from shared import events
from shared.ids import new_id
from subgraphs.bids import actions
from tests.bids.conftest import ACCEPT, DECLINE, PLACE, UPDATE, WITHDRAW, Bids, accept, place_input
from tests.conftest import Elsewhere
from tests.support.redelivery import deliver, deliver_twice

LIST = """query($id: _Any!) { _entities(representations: [$id]) {
    ... on Task { bids { nodes { id status } } } } }"""


async def copy(bids: Bids, user_id: str, *, is_suspended: bool = True, seq: int = 1) -> None:
    async with bids.database.transaction() as session:
        await actions.people.copy_suspension(session, user_id, is_suspended=is_suspended, seq=seq)


def suspended(user_id: str) -> events.UserSuspended:
    return events.UserSuspended(user_id=user_id, reason="Asked for money outside.", by=new_id("user"))


def reinstated(user_id: str) -> events.UserReinstated:
    return events.UserReinstated(user_id=user_id, by=new_id("user"))


async def test_the_bid_of_a_suspended_tasker_is_shown_and_cannot_be_accepted(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    tasker = bid["tasker"]["id"]
    await deliver_twice(elsewhere, "bids", suspended(tasker))
    before = await bids.state()

    accepting = {"bidId": bid["id"], "expectedVersion": bid["version"]}
    refusal = {"bid": None, "userErrors": [{"code": "COUNTERPART_SUSPENDED", "field": ["bidId"]}]}
    assert await bids.act(task.poster_id, ACCEPT, input=accepting) == {"acceptBid": refusal}
    assert await bids.state() == before
    (shown,) = (await bids.act(task.poster_id, LIST, id={"__typename": "Task", "id": task.id}))["_entities"]
    assert shown == {"bids": {"nodes": [{"id": bid["id"], "status": "PENDING"}]}}

    await deliver_twice(elsewhere, "bids", reinstated(tasker))
    assert (await accept(bids, task.poster_id, bid))["status"] == "ACCEPTED"


async def test_who_is_suspended_bids_no_more_with_a_token_that_lives_on(bids: Bids) -> None:
    task, other = await bids.task(), await bids.task()
    bid = await bids.place(task)
    tasker = bid["tasker"]["id"]
    await copy(bids, tasker)
    before = await bids.state()

    refusal = {"bid": None, "userErrors": [{"code": "ACCOUNT_SUSPENDED", "field": ["taskId"]}]}
    assert await bids.act(tasker, PLACE, input=place_input(other.id)) == {"placeBid": refusal}
    refusal = {"bid": None, "userErrors": [{"code": "ACCOUNT_SUSPENDED", "field": ["bidId"]}]}
    changing = {"bidId": bid["id"], "message": "I would do it for less, too, and at once."}
    assert await bids.act(tasker, UPDATE, input=changing) == {"updateBid": refusal}
    assert await bids.state() == before


async def test_the_task_of_a_suspended_poster_takes_no_bids(bids: Bids, elsewhere: Elsewhere) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task)
    await deliver(elsewhere, "bids", suspended(task.poster_id))
    before = await bids.state()

    refusal = {"bid": None, "userErrors": [{"code": "COUNTERPART_SUSPENDED", "field": ["taskId"]}]}
    assert await bids.act(tasker, PLACE, input=place_input(task.id)) == {"placeBid": refusal}
    refusal = {"bid": None, "userErrors": [{"code": "ACCOUNT_SUSPENDED", "field": ["bidId"]}]}
    accepting = {"bidId": bid["id"], "expectedVersion": bid["version"]}
    assert await bids.act(task.poster_id, ACCEPT, input=accepting) == {"acceptBid": refusal}
    assert await bids.state() == before

    await deliver(elsewhere, "bids", reinstated(task.poster_id))
    assert (await bids.place(task, tasker))["status"] == "PENDING"


@pytest.mark.parametrize("by", ["poster", "tasker"])
async def test_a_bid_can_still_be_declined_and_taken_back(bids: Bids, by: str) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    tasker = bid["tasker"]["id"]
    await copy(bids, tasker if by == "poster" else task.poster_id)

    document, actor, more = (DECLINE, task.poster_id, {"reason": "OTHER"}) if by == "poster" else (WITHDRAW, tasker, {})
    (payload,) = (await bids.act(actor, document, input={"bidId": bid["id"], **more})).values()
    assert payload["userErrors"] == []


async def test_a_bid_that_was_accepted_before_goes_on(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    won = await accept(bids, task.poster_id, await bids.place(task))
    await copy(bids, won["tasker"]["id"])
    assigned = task.model_copy(update={"version": 2, "status": "ASSIGNED", "tasker_id": won["tasker"]["id"]})
    await deliver(elsewhere, "bids", events.TaskAssigned(task=assigned, bid_id=won["id"]))
    assert await bids.statuses() == {won["id"]: "AWARDED"}


async def test_an_old_suspension_that_comes_later_changes_nothing(bids: Bids, elsewhere: Elsewhere) -> None:
    task, tasker = await bids.task(), new_id("user")
    await deliver(elsewhere, "bids", suspended(tasker), reinstated(tasker))

    # A dead letter that is replayed under a new event id.
    await copy(bids, tasker, seq=1)

    assert await bids.sql("SELECT is_suspended, seq FROM suspensions") == [(False, 2)]
    assert (await bids.place(task, tasker))["status"] == "PENDING"


async def test_nothing_of_a_suspension_is_left_of_who_is_erased(bids: Bids, elsewhere: Elsewhere) -> None:
    tasker = new_id("user")
    await deliver_twice(elsewhere, "bids", suspended(tasker), events.UserErased(user_id=tasker))
    assert await bids.sql("SELECT * FROM suspensions") == []
