"""What becomes of money that is held: released, given back, parted, frozen; once."""

import asyncio
from functools import partial

from shared import events
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from tests.payments.conftest import BALANCES, TIP, TRANSACTIONS, Payments, eur
from tests.payments.test_funding import price_change
from tests.support.messaging import eventually


async def test_approval_releases_minus_the_fee(payments: Payments) -> None:
    bid = await payments.fund()

    await payments.complete(bid)

    escrow = await payments.escrow(bid)
    parts = (escrow["status"], escrow["held"], escrow["released"], escrow["fee"], escrow["refunded"])
    assert parts == ("RELEASED", eur("0.00"), eur("150.00"), eur("15.00"), eur("0.00"))
    assert escrow["viewerCan"] == ["TIP"]
    assert await payments.balances() == {"CLEARING EUR": 15_000, "PAYABLE EUR": 13_500, "REVENUE EUR": 1_500}
    balances = (await payments.act(bid.tasker_id, BALANCES))["myBalances"]
    assert balances == [{"available": eur("135.00"), "onItsWay": eur("0.00"), "leastPayout": eur("10.00")}]
    nodes = (await payments.act(bid.tasker_id, TRANSACTIONS))["myTransactions"]["nodes"]
    assert nodes == [
        {
            "receiptNumber": "R-00000002",
            "kind": "EARNING",
            "amount": eur("135.00"),
            "fee": eur("15.00"),
            "task": {"id": bid.task_id},
        }
    ]


async def test_a_cancellation_before_the_start_gives_all_back(payments: Payments) -> None:
    bid = await payments.fund()

    await payments.cancel(bid)

    await payments.settled()
    escrow = await payments.escrow(bid)
    assert (escrow["status"], escrow["refunded"]) == ("REFUNDED", eur("150.00"))
    assert await payments.balances() == {}
    ((charge,),) = await payments.sql("SELECT provider_id FROM charges")
    assert (await payments.sandbox.get(f"/v1/charges/{charge}"))["refunded"] == 15_000


async def test_a_cancellation_after_the_start_owes_the_tasker_a_part(payments: Payments) -> None:
    bid = await payments.fund(Money(10_003, CurrencyCode.EUR))

    await payments.cancel(bid, owes_percent=15)

    await payments.settled()
    escrow = await payments.escrow(bid)
    parts = (escrow["status"], escrow["released"], escrow["fee"], escrow["refunded"])
    # 85.0255 goes back, half to even; the fee is 10 % of the rest.
    assert parts == ("SPLIT", eur("15.00"), eur("1.50"), eur("85.03"))
    assert await payments.balances() == {"CLEARING EUR": 1_500, "PAYABLE EUR": 1_350, "REVENUE EUR": 150}


async def test_a_task_that_cannot_be_assigned_gives_all_back(payments: Payments) -> None:
    bid = await payments.fund()
    other = events.TaskAssignmentRejected(
        task=task(bid), bid_id=new_id("bid"), tasker_id=bid.tasker_id, reason="The task is expired already."
    )

    await payments.happens(other)
    assert (await payments.escrow(bid))["status"] == "FUNDED"
    await payments.happens(other.model_copy(update={"bid_id": bid.id}))

    assert (await payments.escrow(bid))["status"] == "REFUNDED"


def task(bid: events.BidSnapshot) -> events.TaskSnapshot:
    from tests.payments.conftest import task_of

    return task_of(bid, status="CANCELLED")


async def test_an_escrow_ends_once_whatever_comes_at_the_same_moment(payments: Payments) -> None:
    bids = [await payments.fund() for _ in range(5)]

    for bid in bids:
        dispute = {"dispute_id": new_id("dispute"), "task_id": bid.task_id}
        await asyncio.gather(
            payments.complete(bid),
            payments.cancel(bid),
            payments.cancel(bid, owes_percent=15),
            payments.happens(events.DisputeOpened(**dispute)),
            payments.happens(events.DisputeResolved(**dispute, poster_share_minor=5_000)),
            payments.complete(bid),
        )
    await payments.settled()

    ended = await payments.sql(
        "SELECT count(*) FROM outbox WHERE type IN"
        " ('payments.escrow.released', 'payments.escrow.refunded', 'payments.escrow.split')"
    )
    ((frozen,),) = await payments.sql("SELECT count(*) FROM escrows WHERE status = 'FROZEN'")
    assert ended == [(5 - int(str(frozen)),)]
    assert (
        await payments.sql("SELECT id FROM escrows WHERE held_minor + released_minor + refunded_minor <> 15000") == []
    )


async def test_a_dispute_freezes_and_parts_as_support_says(payments: Payments) -> None:
    bid = await payments.fund()
    dispute = {"dispute_id": new_id("dispute"), "task_id": bid.task_id}

    await payments.happens(events.DisputeOpened(**dispute))
    frozen = await payments.escrow(bid)
    assert (frozen["status"], frozen["holds"]) == ("FROZEN", ["DISPUTE"])
    await payments.complete(bid)
    assert (await payments.escrow(bid))["status"] == "FROZEN"
    await payments.happens(events.DisputeResolved(**dispute, poster_share_minor=5_000))

    await payments.settled()
    escrow = await payments.escrow(bid)
    parts = (escrow["status"], escrow["released"], escrow["fee"], escrow["refunded"], escrow["holds"])
    assert parts == ("SPLIT", eur("100.00"), eur("10.00"), eur("50.00"), [])


async def test_what_was_approved_while_it_was_frozen_is_released_after_it(payments: Payments) -> None:
    bid = await payments.fund()
    dispute = {"dispute_id": new_id("dispute"), "task_id": bid.task_id}
    await payments.happens(events.DisputeOpened(**dispute))
    await payments.complete(bid)

    await payments.happens(events.DisputeWithdrawn(**dispute))

    assert (await payments.escrow(bid))["status"] == "RELEASED"


async def test_a_chargeback_freezes_and_a_won_one_lets_it_go_on(payments: Payments) -> None:
    bid = await payments.fund()
    ((charge,),) = await payments.sql("SELECT provider_id FROM charges")

    dispute = await payments.sandbox.push(str(charge), "dispute")
    await payments.webhook("dispute", dispute["id"])
    await payments.status(bid, "FROZEN")
    assert await payments.balances() == {"CHARGEBACKS EUR": 15_000, "ESCROW EUR": 15_000}
    await payments.complete(bid)
    assert (await payments.escrow(bid))["status"] == "FROZEN"
    await payments.sandbox.push(dispute["id"], "win")
    await payments.webhook("dispute", dispute["id"])

    await payments.status(bid, "RELEASED")
    assert await payments.balances() == {"CLEARING EUR": 15_000, "PAYABLE EUR": 13_500, "REVENUE EUR": 1_500}


WON = "SELECT 1 FROM chargebacks WHERE status = 'WON' HAVING count(*) = :number"


async def test_of_two_chargebacks_the_last_one_that_is_won_lets_it_go_on(payments: Payments) -> None:
    bid = await payments.fund()
    await payments.happens(price_change(bid, new_id("agreement"), 18_000, awaiting_funding=True))
    await eventually(lambda: payments.bodies("payments.escrow.price_change_funded"))
    charges = [str(charge) for (charge,) in await payments.sql("SELECT provider_id FROM charges ORDER BY id")]
    disputes = [(await payments.sandbox.push(charge, "dispute"))["id"] for charge in charges]
    for dispute in disputes:
        await payments.webhook("dispute", dispute)
    await eventually(lambda: two_are_open(payments))

    statuses = []
    for number, dispute in enumerate(disputes, 1):
        await payments.sandbox.push(dispute, "win")
        await payments.webhook("dispute", dispute)
        await eventually(partial(payments.sql, WON, number=number))
        statuses.append((await payments.escrow(bid))["status"])

    assert statuses == ["FROZEN", "FUNDED"]


async def two_are_open(payments: Payments) -> bool:
    return await payments.sql("SELECT count(*) FROM chargebacks WHERE status = 'OPEN'") == [(2,)]


async def test_a_lost_chargeback_is_paid_out_of_what_is_held_and_after_release_by_the_platform(
    payments: Payments,
) -> None:
    for release in (False, True):
        bid = await payments.fund()
        ((charge,),) = await payments.sql("SELECT provider_id FROM charges WHERE task_id = :id", id=bid.task_id)
        if release:
            await payments.complete(bid)
        dispute = await payments.sandbox.push(str(charge), "dispute")
        await payments.sandbox.push(dispute["id"], "lose")
        await payments.webhook("dispute", dispute["id"])
        await payments.settled()
        escrow = await payments.escrow(bid)
        assert escrow["status"] == ("RELEASED" if release else "REFUNDED")
    assert await payments.balances() == {"LOSSES EUR": 15_000, "PAYABLE EUR": 13_500, "REVENUE EUR": 1_500}


async def test_a_tip_is_the_taskers_whole(payments: Payments) -> None:
    bid = await payments.fund()
    await payments.complete(bid)
    given = {"taskId": bid.task_id, "amount": eur("20.00"), "idempotencyKey": new_id("key")}

    first, again = [(await payments.act(bid.poster_id, TIP, input=given))["tipTasker"] for _ in range(2)]

    assert first["userErrors"] == again["userErrors"] == []
    assert first["tip"]["id"] == again["tip"]["id"]
    await eventually(lambda: payments.bodies("payments.transaction.tipped"))
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 17_000, "PAYABLE EUR": 15_500, "REVENUE EUR": 1_500}
    for user_id, code in ((bid.tasker_id, "NOT_ALLOWED"), (new_id("user"), "NOT_FOUND")):
        payload = (await payments.act(user_id, TIP, input=given | {"idempotencyKey": "other"}))["tipTasker"]
        assert [error["code"] for error in payload["userErrors"]] == [code]
