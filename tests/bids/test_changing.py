"""updateBid, withdrawBid, declineBid: who may, when, and that a refusal changes nothing."""

import asyncio
from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.bids.rules.bids import TRANSITIONS, Command, Status
from tests.bids.conftest import ACCEPT, DECLINE, UPDATE, WITHDRAW, Bids

# Document, field, who may, the command, and what the input needs besides the bid's id.
MUTATIONS: dict[str, tuple[str, str, str, Command, dict[str, Any]]] = {
    "updateBid": (UPDATE, "updateBid", "tasker", Command.UPDATE, {"estimatedMinutes": 30}),
    "withdrawBid": (WITHDRAW, "withdrawBid", "tasker", Command.WITHDRAW, {}),
    "declineBid": (DECLINE, "declineBid", "poster", Command.DECLINE, {"reason": "OTHER"}),
    "acceptBid": (ACCEPT, "acceptBid", "poster", Command.ACCEPT, {"expectedVersion": 1}),
}


async def test_the_bidder_changes_what_is_given_and_nothing_else(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)

    amount = {"amount": "175.5", "currency": "EUR"}
    first = await bids.act(tasker, UPDATE, input={"bidId": bid["id"], "amount": amount})
    text_ = "I can start on Saturday and bring my own paint."
    second = await bids.act(tasker, UPDATE, input={"bidId": bid["id"], "message": text_, "estimatedMinutes": 45})

    changed = {**bid, "amount": {"amount": "175.50", "currency": "EUR"}, "version": 2}
    assert first == {"updateBid": {"bid": changed, "userErrors": []}}
    assert second == {
        "updateBid": {
            "bid": {**changed, "message": text_, "estimatedMinutes": 45, "version": 3},
            "userErrors": [],
        }
    }
    assert await bids.event_types() == ["bids.bid.placed", "bids.bid.updated", "bids.bid.updated"]


async def test_the_bidder_withdraws_and_may_bid_again(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)

    data = await bids.act(tasker, WITHDRAW, input={"bidId": bid["id"]})

    assert data == {"withdrawBid": {"bid": {**bid, "status": "WITHDRAWN", "version": 2}, "userErrors": []}}
    again = await bids.place(task, tasker)
    assert again["id"] != bid["id"]
    assert await bids.event_types() == ["bids.bid.placed", "bids.bid.withdrawn", "bids.bid.placed"]


async def test_the_poster_declines_with_a_reason(bids: Bids) -> None:
    task = await bids.task()
    bid = await bids.place(task)

    given = {"bidId": bid["id"], "reason": "TIMING", "message": " It must be on Friday. "}
    data = await bids.act(task.poster_id, DECLINE, input=given)

    assert data == {"declineBid": {"bid": {**bid, "status": "DECLINED", "version": 2}, "userErrors": []}}
    (body,) = await bids.bodies("bids.bid.declined")
    assert (body["bid"]["decline_reason"], body["bid"]["decline_message"]) == ("TIMING", "It must be on Friday.")
    asked = "query($id: ID!) { bid(id: $id) { declineReason declineMessage } }"
    told = {"bid": {"declineReason": "TIMING", "declineMessage": "It must be on Friday."}}
    assert await bids.act(bid["tasker"]["id"], asked, id=bid["id"]) == told


async def test_what_is_said_with_a_reason_is_short(bids: Bids) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    before = await bids.state()
    for message in ("", " ", "x" * 501):
        given = {"bidId": bid["id"], "reason": "OTHER", "message": message}
        data = await bids.act(task.poster_id, DECLINE, input=given)
        refusal = {"bid": None, "userErrors": [{"code": "INVALID_INPUT", "field": ["message"]}]}
        assert data == {"declineBid": refusal}
    assert await bids.state() == before


@pytest.mark.parametrize("name", MUTATIONS)
async def test_only_who_may_does_it(bids: Bids, name: str) -> None:
    document, field, who, _, more = MUTATIONS[name]
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    other_side = task.poster_id if who == "tasker" else tasker
    before = await bids.state()

    other = await bids.act(other_side, document, input={"bidId": bid["id"], **more})
    stranger = await bids.act(new_id("user"), document, input={"bidId": bid["id"], **more})
    unknown = await bids.act(tasker, document, input={"bidId": new_id("bid"), **more})
    anonymous = await bids.served.execute(document, {"input": {"bidId": bid["id"], **more}})

    assert other == {field: {"bid": None, "userErrors": [{"code": "NOT_ALLOWED", "field": ["bidId"]}]}}
    hidden = {field: {"bid": None, "userErrors": [{"code": "NOT_FOUND", "field": ["bidId"]}]}}
    assert stranger == unknown == hidden
    assert anonymous["data"] is None
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await bids.state() == before


@pytest.mark.parametrize("name", MUTATIONS)
async def test_every_status_that_does_not_allow_it_is_refused(bids: Bids, name: str) -> None:
    document, field, who, command, more = MUTATIONS[name]
    task, tasker = await bids.task(), new_id("user")
    actor = tasker if who == "tasker" else task.poster_id
    bid = await bids.place(task, tasker)
    for status in Status:
        if (status, command) in TRANSITIONS:
            continue
        await bids.sql("UPDATE bids SET status = :status WHERE id = :id", status=status.value, id=bid["id"])
        before = await bids.state()

        data = await bids.act(actor, document, input={"bidId": bid["id"], **more})

        taken = command is Command.ACCEPT and status in (Status.ACCEPTED, Status.AWARDED)
        code = ("TASK_ALREADY_TAKEN", ["bidId"]) if taken else ("INVALID_TRANSITION", None)
        assert data == {field: {"bid": None, "userErrors": [{"code": code[0], "field": code[1]}]}}, status
        assert await bids.state() == before


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"amount": {"amount": "0.5", "currency": "EUR"}}, "BID_TOO_LOW", ["amount", "amount"]),
        ({"amount": {"amount": "5", "currency": "THB"}}, "CURRENCY_MISMATCH", ["amount", "currency"]),
        ({"message": "short"}, "INVALID_INPUT", ["message"]),
        ({"estimatedMinutes": -5}, "INVALID_INPUT", ["estimatedMinutes"]),
    ],
)
async def test_an_update_obeys_the_rules_of_placing(
    bids: Bids, given: dict[str, Any], code: str, field: list[str]
) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    before = await bids.state()

    data = await bids.act(tasker, UPDATE, input={"bidId": bid["id"], **given})

    assert data == {"updateBid": {"bid": None, "userErrors": [{"code": code, "field": field}]}}
    assert await bids.state() == before


async def test_a_closed_task_takes_no_changes_and_no_acceptance(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    await bids.sql("UPDATE tasks SET status = 'CANCELLED'")
    before = await bids.state()

    updated = await bids.act(tasker, UPDATE, input={"bidId": bid["id"], "estimatedMinutes": 5})
    accepted = await bids.act(task.poster_id, ACCEPT, input={"bidId": bid["id"], "expectedVersion": 1})

    refusal = {"bid": None, "userErrors": [{"code": "TASK_NOT_OPEN", "field": ["taskId"]}]}
    assert (updated, accepted) == ({"updateBid": refusal}, {"acceptBid": refusal})
    assert await bids.state() == before


async def test_everything_at_once_ends_in_one_state_and_no_deadlock(bids: Bids) -> None:
    task = await bids.task()
    taskers = [new_id("user") for _ in range(10)]
    placed = {tasker: await bids.place(task, tasker) for tasker in taskers}

    async def all_of(tasker: str) -> list[dict[str, Any]]:
        bid_id = placed[tasker]["id"]
        return await asyncio.gather(
            bids.act(tasker, UPDATE, input={"bidId": bid_id, "estimatedMinutes": 7}),
            bids.act(tasker, WITHDRAW, input={"bidId": bid_id}),
            bids.act(task.poster_id, DECLINE, input={"bidId": bid_id, "reason": "OTHER"}),
            bids.act(task.poster_id, ACCEPT, input={"bidId": bid_id, "expectedVersion": 1}),
            bids.act(task.poster_id, ACCEPT, input={"bidId": bid_id, "expectedVersion": 2}),
        )

    answers = await asyncio.gather(*(all_of(tasker) for tasker in taskers))

    # One that is sent again is done once.
    successes = {
        (payload["bid"]["id"], field)
        for group in answers
        for answer in group
        for field, payload in answer.items()
        if not payload["userErrors"]
    }
    done = [field for _, field in successes]
    rows = await bids.sql("SELECT status, count(*) FROM bids GROUP BY status")
    counts = {str(status): count for status, count in rows}
    assert counts.get("ACCEPTED", 0) == done.count("acceptBid") <= 1
    assert counts.get("WITHDRAWN", 0) == done.count("withdrawBid")
    assert counts.get("DECLINED", 0) == done.count("declineBid")
    # Each success is one event, and the numbers of the stream have no gap.
    log = (await bids.state())[1]
    assert len(log) == 10 + len(done)
    assert [seq for _, seq, _ in log] == list(range(1, len(log) + 1))
