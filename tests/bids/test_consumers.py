"""What bids does when tasks tells what became of a task; each event comes twice and has one effect."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.bids import actions
from tests.bids.conftest import PLACE, Bids, accept, place_input
from tests.conftest import Elsewhere
from tests.support import factories
from tests.support.redelivery import deliver, deliver_twice


async def place_refused(bids: Bids, task_id: str) -> str:
    """The code with which a bid on a task is refused."""
    payload = (await bids.act(new_id("user"), PLACE, input=place_input(task_id)))["placeBid"]
    assert payload["bid"] is None
    (error,) = payload["userErrors"]
    return str(error["code"])


def after(task: events.TaskSnapshot, **changes: Any) -> events.TaskSnapshot:
    """The task one version later."""
    return task.model_copy(update={"version": task.version + 1, **changes})


async def test_what_tasks_tells_decides_who_may_bid(bids: Bids, elsewhere: Elsewhere) -> None:
    draft = factories.task_snapshot(status="DRAFT", published_at=None, expires_at=None)
    published = factories.task_snapshot(version=2)
    updated = after(published, title="Paint the long fence", expires_at=clock.now() + timedelta(days=3))

    await deliver_twice(
        elsewhere,
        "bids",
        events.TaskUpdated(task=draft),
        events.TaskCancelled(task=after(draft, status="CANCELLED"), reason="Not wanted", by="POSTER"),
        events.TaskPublished(task=published),
        events.TaskUpdated(task=updated),
    )

    # A draft is as if it did not exist, also in what is refused.
    assert await place_refused(bids, draft.id) == "NOT_FOUND"
    await bids.place(published)
    row = (updated.id, updated.poster_id, updated.title, "OPEN", "EUR", updated.expires_at, 3)
    copies = "SELECT id, poster_id, title, status, currency, expires_at, version FROM tasks"
    assert await bids.sql(copies) == [row]

    # A dead letter that is replayed, days later and under a new event id.
    await deliver(elsewhere, "bids", events.TaskPublished(task=published))
    assert await bids.sql(copies) == [row]


@pytest.mark.parametrize("status", ["EXPIRED", "CANCELLED"])
async def test_a_task_that_closes_ends_its_pending_bids(bids: Bids, elsewhere: Elsewhere, status: str) -> None:
    task, other = await bids.task(), await bids.task()
    accepted = await accept(bids, task.poster_id, await bids.place(task))
    pending = [(await bids.place(task))["id"] for _ in range(3)]
    elsewhere_pending = (await bids.place(other))["id"]
    closed = after(task, status=status)
    happened = (
        events.TaskExpired(task=closed)
        if status == "EXPIRED"
        else events.TaskCancelled(task=closed, reason="Done it myself", by="POSTER")
    )

    await deliver_twice(elsewhere, "bids", happened)

    # The accepted one hears from tasks whether it still gets the task.
    expected = {accepted["id"]: "ACCEPTED", elsewhere_pending: "PENDING", **dict.fromkeys(pending, "EXPIRED")}
    assert await bids.statuses() == expected
    reason = {"EXPIRED": "The task expired.", "CANCELLED": "The task was cancelled."}[status]
    bodies = await bids.bodies("bids.bid.expired")
    assert [(body["bid"]["id"], body["reason"]) for body in bodies] == [(bid_id, reason) for bid_id in pending]
    assert [(body["bid"]["status"], body["bid"]["version"]) for body in bodies] == [("EXPIRED", 2)] * 3
    assert await bids.deadlines() == {elsewhere_pending}
    assert await place_refused(bids, task.id) == "TASK_NOT_OPEN"


async def test_an_old_closing_does_not_end_the_bids_of_a_task_that_is_open_again(
    bids: Bids, elsewhere: Elsewhere
) -> None:
    task = await bids.task(version=5)
    bid = await bids.place(task)
    before = await bids.state()

    old = task.model_copy(update={"version": 3, "status": "EXPIRED"})
    await deliver(elsewhere, "bids", events.TaskExpired(task=old))

    assert await bids.state() == before
    assert await bids.statuses() == {bid["id"]: "PENDING"}
    assert await bids.sql("SELECT status, version FROM tasks") == [("OPEN", 5)]


async def test_an_assigned_task_awards_its_bid_and_declines_the_others(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    first, won, third = [await bids.place(task) for _ in range(3)]
    await accept(bids, task.poster_id, won)
    assigned = events.TaskAssigned(task=after(task, status="ASSIGNED", tasker_id=won["tasker"]["id"]), bid_id=won["id"])

    await deliver_twice(elsewhere, "bids", assigned)
    # The same under a new event id, as after a replay that outlived the inbox.
    await deliver(elsewhere, "bids", assigned)

    assert await bids.statuses() == {first["id"]: "DECLINED", won["id"]: "AWARDED", third["id"]: "DECLINED"}
    assert (await bids.event_types())[4:] == ["bids.bid.awarded", "bids.bid.declined", "bids.bid.declined"]
    (awarded,) = await bids.bodies("bids.bid.awarded")
    assert (awarded["bid"]["id"], awarded["bid"]["status"], awarded["bid"]["version"]) == (won["id"], "AWARDED", 3)
    declined = await bids.bodies("bids.bid.declined")
    assert {body["bid"]["decline_reason"] for body in declined} == {"FOUND_SOMEBODY_ELSE"}
    assert await bids.deadlines() == set()
    assert await place_refused(bids, task.id) == "TASK_NOT_OPEN"


async def test_a_bid_that_could_not_get_an_open_task_is_pending_again(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    bid, other = await bids.place(task), await bids.place(task)
    accepted = await accept(bids, task.poster_id, bid)
    assert await bids.deadlines() == {other["id"]}
    rejected = events.TaskAssignmentRejected(
        task=task, bid_id=bid["id"], tasker_id=bid["tasker"]["id"], reason="Try again."
    )

    await deliver_twice(elsewhere, "bids", rejected)
    await deliver(elsewhere, "bids", rejected)

    assert await bids.statuses() == {bid["id"]: "PENDING", other["id"]: "PENDING"}
    assert await bids.deadlines() == {bid["id"], other["id"]}
    (failed,) = await bids.bodies("bids.bid.acceptance_failed")
    assert (failed["reason"], failed["bid"]["status"], failed["bid"]["version"]) == ("Try again.", "PENDING", 3)
    again = await accept(bids, task.poster_id, {**accepted, "version": 3})
    assert again == {**accepted, "version": 4}


async def test_a_bid_that_could_not_get_a_closed_task_expires(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    await accept(bids, task.poster_id, bid)
    cancelled = after(task, status="CANCELLED")
    reason = "The task is cancelled already."

    await deliver_twice(
        elsewhere,
        "bids",
        events.TaskCancelled(task=cancelled, reason="Done it myself", by="POSTER"),
        events.TaskAssignmentRejected(task=cancelled, bid_id=bid["id"], tasker_id=bid["tasker"]["id"], reason=reason),
    )

    assert await bids.statuses() == {bid["id"]: "EXPIRED"}
    assert (await bids.event_types())[2:] == ["bids.bid.acceptance_failed", "bids.bid.expired"]
    ((failed,), (expired,)) = [await bids.bodies(f"bids.bid.{step}") for step in ("acceptance_failed", "expired")]
    assert (failed["reason"], failed["bid"]["status"], failed["bid"]["version"]) == (reason, "PENDING", 3)
    assert (expired["reason"], expired["bid"]["status"], expired["bid"]["version"]) == (reason, "EXPIRED", 4)
    assert await bids.deadlines() == set()


async def test_no_bid_slips_in_while_a_task_is_assigned(bids: Bids) -> None:
    task = await bids.task()
    won = await accept(bids, task.poster_id, await bids.place(task))

    async def assign() -> None:
        async with bids.database.transaction() as session:
            await actions.acceptance.award_bid(session, after(task, status="ASSIGNED"), won["id"])

    *answers, _ = await asyncio.gather(
        *(bids.act(new_id("user"), PLACE, input=place_input(task.id)) for _ in range(10)), assign()
    )

    placed = [answer["placeBid"]["bid"]["id"] for answer in answers if answer["placeBid"]["bid"]]
    refused = [error["code"] for answer in answers for error in answer["placeBid"]["userErrors"]]
    assert refused == ["TASK_NOT_OPEN"] * (10 - len(placed))
    assert await bids.statuses() == {won["id"]: "AWARDED", **dict.fromkeys(placed, "DECLINED")}


def funding_failed(bid: dict[str, Any], task: events.TaskSnapshot, **changes: Any) -> events.EscrowFundingFailed:
    """The price of an accepted bid did not come."""
    now, amount = clock.now(), Money(15_000, CurrencyCode.EUR)
    nothing = Money(0, CurrencyCode.EUR)
    escrow = events.EscrowSnapshot(
        id=new_id("escrow"), task_id=task.id, bid_id=bid["id"], bid_version=bid["version"], poster_id=task.poster_id,
        tasker_id=bid["tasker"]["id"], status="FAILED", version=2, amount=amount, held=nothing, released=nothing,
        fee=nothing, refunded=nothing, funding_expires_at=now, created_at=now, updated_at=now,
    )  # fmt: skip
    return events.EscrowFundingFailed(escrow=escrow.model_copy(update=changes), reason="DECLINED")


async def test_a_bid_whose_price_did_not_come_is_pending_again(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    bid, other = await bids.place(task), await bids.place(task)
    accepted = await accept(bids, task.poster_id, bid)
    failed = funding_failed(accepted, task)

    await deliver_twice(elsewhere, "bids", failed)

    assert await bids.statuses() == {bid["id"]: "PENDING", other["id"]: "PENDING"}
    assert await bids.deadlines() == {bid["id"], other["id"]}
    (told,) = await bids.bodies("bids.bid.acceptance_failed")
    assert (told["reason"], told["funding_failure"]) == ("The price was not paid.", "DECLINED")
    assert (told["bid"]["status"], told["bid"]["version"]) == ("PENDING", 3)

    # Accepted anew, which is another charge: what is told of the old one is over, under whatever event id.
    again = await accept(bids, task.poster_id, {**bid, "version": 3})
    before = await bids.state()
    await deliver(elsewhere, "bids", failed)
    await deliver(elsewhere, "bids", funding_failed(accepted, task, bid_id=new_id("bid")))
    assert await bids.state() == before

    await deliver(elsewhere, "bids", funding_failed(again, task))
    assert (await accept(bids, task.poster_id, other))["status"] == "ACCEPTED"


async def test_a_bid_whose_price_did_not_come_expires_with_a_closed_task(bids: Bids, elsewhere: Elsewhere) -> None:
    task = await bids.task()
    accepted = await accept(bids, task.poster_id, await bids.place(task))
    cancelled = after(task, status="CANCELLED")

    await deliver_twice(
        elsewhere,
        "bids",
        events.TaskCancelled(task=cancelled, reason="Done it myself", by="POSTER"),
        funding_failed(accepted, task),
    )

    assert await bids.statuses() == {accepted["id"]: "EXPIRED"}
    assert (await bids.event_types())[2:] == ["bids.bid.acceptance_failed", "bids.bid.expired"]
    assert [body["reason"] for body in await bids.bodies("bids.bid.expired")] == ["The task takes no bids any more."]
    assert await bids.deadlines() == set()


@pytest.mark.parametrize("status", ["AWARDED", "WITHDRAWN", "PENDING"])
async def test_what_is_told_of_a_price_counts_for_accepted_bids_alone(
    bids: Bids, elsewhere: Elsewhere, status: str
) -> None:
    task = await bids.task()
    accepted = await accept(bids, task.poster_id, await bids.place(task))
    await bids.sql("UPDATE bids SET status = :status RETURNING 1", status=status)
    before = await bids.state()

    await deliver(elsewhere, "bids", funding_failed(accepted, task))

    assert await bids.state() == before
