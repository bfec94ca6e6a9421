"""acceptBid."""

import asyncio

from shared.ids import new_id
from tests.bids.conftest import ACCEPT, Bids


async def test_the_poster_accepts_a_bid(bids: Bids) -> None:
    task = await bids.task()
    bid = await bids.place(task)

    data = await bids.act(task.poster_id, ACCEPT, input={"bidId": bid["id"], "expectedVersion": 1})

    assert data == {"acceptBid": {"bid": {**bid, "status": "ACCEPTED", "version": 2}, "userErrors": []}}
    assert await bids.event_types() == ["bids.bid.placed", "bids.bid.accepted"]
    (told,) = await bids.bodies("bids.bid.accepted")
    assert told["payment_method_id"] is None


async def test_the_card_to_be_charged_is_told(bids: Bids) -> None:
    task = await bids.task()
    given = {"bidId": (await bids.place(task))["id"], "expectedVersion": 1, "paymentMethodId": new_id("method")}

    data = await bids.act(task.poster_id, ACCEPT, input=given)

    assert data["acceptBid"]["userErrors"] == []
    (told,) = await bids.bodies("bids.bid.accepted")
    assert told["payment_method_id"] == given["paymentMethodId"]


async def test_of_100_acceptances_at_once_one_wins(bids: Bids) -> None:
    task = await bids.task()
    placed = [await bids.place(task) for _ in range(10)]

    answers = await asyncio.gather(
        *(
            bids.act(task.poster_id, ACCEPT, input={"bidId": placed[number % 10]["id"], "expectedVersion": 1})
            for number in range(100)
        )
    )

    codes = [[error["code"] for error in answer["acceptBid"]["userErrors"]] for answer in answers]
    # Each of them is sent ten times.
    assert codes.count([]) == 10
    assert len({answer["acceptBid"]["bid"]["id"] for answer in answers if answer["acceptBid"]["bid"]}) == 1
    assert codes.count(["TASK_ALREADY_TAKEN"]) == 90
    assert (await bids.event_types()).count("bids.bid.accepted") == 1


async def test_a_bid_that_changed_meanwhile_is_a_conflict_and_shown_as_it_is(bids: Bids) -> None:
    task = await bids.task()
    tasker = new_id("user")
    bid = await bids.place(task, tasker)
    update = "mutation($input: UpdateBidInput!) { updateBid(input: $input) { userErrors { code } } }"
    changed = {"bidId": bid["id"], "amount": {"amount": "175", "currency": "EUR"}}
    assert await bids.act(tasker, update, input=changed) == {"updateBid": {"userErrors": []}}
    before = await bids.state()

    data = await bids.act(task.poster_id, ACCEPT, input={"bidId": bid["id"], "expectedVersion": 1})

    current = {**bid, "amount": {"amount": "175.00", "currency": "EUR"}, "version": 2}
    assert data == {"acceptBid": {"bid": current, "userErrors": [{"code": "VERSION_CONFLICT", "field": None}]}}
    assert await bids.state() == before


async def test_only_the_poster_accepts(bids: Bids) -> None:
    task = await bids.task()
    tasker = new_id("user")
    bid = await bids.place(task, tasker)
    before = await bids.state()
    given = {"bidId": bid["id"], "expectedVersion": 1}

    by_bidder = await bids.act(tasker, ACCEPT, input=given)
    by_stranger = await bids.act(new_id("user"), ACCEPT, input=given)

    assert by_bidder["acceptBid"] == {"bid": None, "userErrors": [{"code": "NOT_ALLOWED", "field": ["bidId"]}]}
    assert by_stranger["acceptBid"] == {"bid": None, "userErrors": [{"code": "NOT_FOUND", "field": ["bidId"]}]}
    assert await bids.state() == before
