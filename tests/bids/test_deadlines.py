"""Pending bids expire after 14 days."""

from datetime import timedelta

import pytest

from shared import clock, events
from shared.ids import new_id
from subgraphs.bids import actions, rules
from tests.bids.conftest import ACCEPT, DECLINE, WITHDRAW, Bids, accept
from tests.support.messaging import eventually


async def expired(bids: Bids, *bid_ids: str) -> bool:
    statuses = await bids.statuses()
    return all(statuses[bid_id] == "EXPIRED" for bid_id in bid_ids)


async def test_a_pending_bid_expires_after_14_days_and_others_stay(bids: Bids) -> None:
    task, decided = await bids.task(), await bids.task()
    tasker = new_id("user")
    pending, earlier = [(await bids.place(task))["id"] for _ in range(2)]
    # One that ends two minutes before the other shows that the worker has looked in between.
    await bids.sql("UPDATE bids SET expires_at = expires_at - interval '2 minutes' WHERE id = :id", id=earlier)
    await bids.sql("UPDATE deadlines SET due_at = due_at - interval '2 minutes' WHERE subject_id = :id", id=earlier)
    withdrawn, declined = (await bids.place(decided, tasker))["id"], (await bids.place(decided))["id"]
    await bids.act(tasker, WITHDRAW, input={"bidId": withdrawn})
    await bids.act(decided.poster_id, DECLINE, input={"bidId": declined, "reason": "OTHER"})
    accepted = (await accept(bids, decided.poster_id, await bids.place(decided)))["id"]
    assert await bids.deadlines() == {pending, earlier}

    with clock.offset(rules.bids.LIFETIME - timedelta(minutes=1)):
        await eventually(lambda: expired(bids, earlier), 20)
        assert not await expired(bids, pending)
    with clock.offset(rules.bids.LIFETIME + timedelta(seconds=1)):
        await eventually(lambda: expired(bids, pending), 20)

    others = {withdrawn: "WITHDRAWN", declined: "DECLINED", accepted: "ACCEPTED"}
    assert await bids.statuses() == {pending: "EXPIRED", earlier: "EXPIRED", **others}
    bodies = await bids.bodies("bids.bid.expired")
    assert [(body["bid"]["id"], body["reason"]) for body in bodies] == [
        (bid_id, "Nobody decided on it in time.") for bid_id in (earlier, pending)
    ]
    assert await bids.deadlines() == set()


async def test_a_deadline_decides_by_the_bid_as_it_is(bids: Bids) -> None:
    task = await bids.task()
    tasker = new_id("user")
    pending, withdrawn = (await bids.place(task))["id"], (await bids.place(task, tasker))["id"]
    await bids.act(tasker, WITHDRAW, input={"bidId": withdrawn})
    before = await bids.state()

    for bid_id in (pending, withdrawn, new_id("bid")):
        async with bids.database.transaction() as session:
            await actions.expiry.expire_bid(session, bid_id)

    assert await bids.state() == before
    assert await bids.deadlines() == {pending}


async def test_a_bid_whose_time_passed_while_it_was_accepted_expires_when_that_fails(bids: Bids) -> None:
    task = await bids.task()
    bid = await accept(bids, task.poster_id, await bids.place(task))

    with clock.offset(rules.bids.LIFETIME + timedelta(seconds=1)):
        rejected = events.TaskAssignmentRejected(
            task=task, bid_id=bid["id"], tasker_id=bid["tasker"]["id"], reason="Try again."
        )
        async with bids.database.transaction() as session:
            await actions.acceptance.fail_acceptance(session, rejected)
        await eventually(lambda: expired(bids, bid["id"]), 20)

    steps = ["placed", "accepted", "acceptance_failed", "expired"]
    assert await bids.event_types() == [f"bids.bid.{step}" for step in steps]


@pytest.mark.parametrize("handled", [False, True])
async def test_nobody_accepts_a_bid_whose_time_is_up(bids: Bids, handled: bool) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    if not handled:
        # As if no worker were there.
        await bids.sql("DELETE FROM deadlines")

    with clock.offset(rules.bids.LIFETIME + timedelta(seconds=1)):
        if handled:
            await eventually(lambda: expired(bids, bid["id"]), 20)
        before = await bids.state()
        data = await bids.act(task.poster_id, ACCEPT, input={"bidId": bid["id"], "expectedVersion": 1})

    code = "VERSION_CONFLICT" if handled else "INVALID_TRANSITION"
    assert [error["code"] for error in data["acceptBid"]["userErrors"]] == [code]
    assert await bids.state() == before
