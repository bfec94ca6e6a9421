"""The same command once more: by the same person it answers the bid as it is, and nothing more happens."""

from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.bids import actions
from tests.bids.conftest import ACCEPT, DECLINE, UPDATE, WITHDRAW, Bids, accept

MUTATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "withdrawBid": (WITHDRAW, "tasker", {}),
    "declineBid": (DECLINE, "poster", {"reason": "OTHER", "message": "Too far away"}),
    "acceptBid": (ACCEPT, "poster", {"expectedVersion": 1}),
    "updateBid": (UPDATE, "tasker", {"expectedVersion": 1, "amount": {"amount": "99", "currency": "EUR"}}),
}
REFUSED = {"bid": None, "userErrors": [{"code": "INVALID_TRANSITION", "field": None}]}


@pytest.mark.parametrize("name", MUTATIONS)
async def test_sent_again_it_answers_the_bid_and_nothing_happens(bids: Bids, name: str) -> None:
    document, who, more = MUTATIONS[name]
    task, tasker = await bids.task(), new_id("user")
    given = {"bidId": (await bids.place(task, tasker))["id"], **more}
    actor = tasker if who == "tasker" else task.poster_id

    first = await bids.act(actor, document, input=given)
    before = await bids.state()
    second = await bids.act(actor, document, input=given)

    assert first == second
    assert first[name]["userErrors"] == []
    assert await bids.state() == before


async def test_an_acceptance_sent_again_finds_the_bid_awarded(bids: Bids) -> None:
    task = await bids.task()
    bid = await accept(bids, task.poster_id, await bids.place(task))
    assigned = task.model_copy(update={"status": "ASSIGNED", "version": 2})
    async with bids.database.transaction() as session:
        await actions.acceptance.award_bid(session, assigned, bid["id"])
    before = await bids.state()

    data = await bids.act(task.poster_id, ACCEPT, input={"bidId": bid["id"], "expectedVersion": 1})

    assert data == {"acceptBid": {"bid": {**bid, "status": "AWARDED", "version": 3}, "userErrors": []}}
    assert await bids.state() == before


async def test_what_happened_by_itself_is_nobodys_command(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    loser, winner = await bids.place(task, tasker), await bids.place(task)
    await accept(bids, task.poster_id, winner)
    async with bids.database.transaction() as session:
        await actions.acceptance.award_bid(
            session, task.model_copy(update={"status": "ASSIGNED", "version": 2}), winner["id"]
        )

    assert await bids.act(task.poster_id, DECLINE, input={"bidId": loser["id"], "reason": "OTHER"}) == {
        "declineBid": REFUSED
    }
    assert await bids.act(tasker, WITHDRAW, input={"bidId": loser["id"]}) == {"withdrawBid": REFUSED}


async def test_an_update_says_which_version_it_is_based_on(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    seen = {"bidId": bid["id"], "expectedVersion": 1}
    await bids.act(tasker, UPDATE, input={**seen, "estimatedMinutes": 30})
    before = await bids.state()

    data = await bids.act(tasker, UPDATE, input={**seen, "estimatedMinutes": 45})

    current = {**bid, "estimatedMinutes": 30, "version": 2}
    assert data == {"updateBid": {"bid": current, "userErrors": [{"code": "VERSION_CONFLICT", "field": None}]}}
    assert await bids.state() == before
