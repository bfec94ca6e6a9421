"""From the acceptance of a bid to money that is held, or not."""

from datetime import timedelta

import pytest

from shared import clock, events
from shared.errors import ServiceUnavailable
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from tests.payments.conftest import RETRY, Payments, eur, task_of
from tests.support import factories
from tests.support.messaging import eventually

LATER = timedelta(minutes=16)


async def retry(payments: Payments, user_id: str, escrow_id: str, **given: object) -> dict[str, object]:
    given = {"escrowId": escrow_id, "idempotencyKey": new_id("key"), **given}
    payload: dict[str, object] = (await payments.act(user_id, RETRY, input=given))["retryFunding"]
    return payload


async def declined(payments: Payments, bid: events.BidSnapshot) -> dict[str, object]:
    """The money of a bid once a try to charge it was declined."""

    async def found() -> dict[str, object] | None:
        escrow = await payments.escrow(bid)
        return escrow if escrow["paymentDecline"] else None

    return await eventually(found)


async def test_an_accepted_bid_is_charged_and_held(payments: Payments) -> None:
    bid = await payments.fund()

    escrow = await payments.escrow(bid, bid.tasker_id)
    assert escrow == {
        "id": escrow["id"],
        "task": {"id": bid.task_id},
        "poster": {"id": bid.poster_id},
        "tasker": {"id": bid.tasker_id},
        "status": "FUNDED",
        "amount": eur("150.00"),
        "held": eur("150.00"),
        "released": eur("0.00"),
        "fee": eur("0.00"),
        "refunded": eur("0.00"),
        "requiredAction": None,
        "paymentDecline": None,
        "failureReason": None,
        "holds": [],
        "viewerCan": [],
    }
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 15_000, "ESCROW EUR": 15_000}
    assert await payments.event_types() == ["payment_method.added", "escrow.opened", "escrow.funded"]


async def test_an_acceptance_is_charged_once_however_often_it_is_told(payments: Payments) -> None:
    bid = await payments.fund()

    await payments.happens(events.BidAccepted(bid=bid))

    await payments.settled()
    assert await payments.sql("SELECT count(*) FROM escrows") == [(1,)]
    assert await payments.balances() == {"CLEARING EUR": 15_000, "ESCROW EUR": 15_000}


async def test_without_a_card_the_poster_is_told_and_can_pay_in_time(payments: Payments) -> None:
    bid = await payments.accept()

    escrow = await payments.escrow(bid)
    assert (escrow["status"], escrow["paymentDecline"]) == ("PENDING", {"reason": "PAYMENT_METHOD_REQUIRED"})
    assert escrow["viewerCan"] == ["RETRY_FUNDING"]
    refused = await retry(payments, bid.poster_id, escrow["id"])
    assert refused["userErrors"] == [
        {"code": "PAYMENT_METHOD_REQUIRED", "field": ["paymentMethodId"], "min": None, "max": None}
    ]
    await payments.card(bid.poster_id)
    assert (await retry(payments, bid.poster_id, escrow["id"]))["userErrors"] == []
    await payments.status(bid, "FUNDED")
    assert await payments.event_types() == [
        "escrow.opened", "escrow.payment_declined", "payment_method.added", "escrow.funded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("card", "reason"), [("insufficient_funds", "INSUFFICIENT_FUNDS"), ("suspected_fraud", "DECLINED")]
)
async def test_a_declined_card_says_why_and_another_one_pays(payments: Payments, card: str, reason: str) -> None:
    poster = new_id("user")
    await payments.card(poster, card)
    bid = await payments.accept(poster_id=poster)
    escrow = await declined(payments, bid)
    assert escrow["paymentDecline"] == {"reason": reason}

    other = await payments.card(poster)
    payload = await retry(payments, poster, str(escrow["id"]), paymentMethodId=other["id"])

    assert payload["userErrors"] == []
    funded = await payments.status(bid, "FUNDED")
    assert funded["paymentDecline"] is None
    # One charge at the provider, tried twice.
    assert await payments.sql("SELECT attempt, confirmed_attempt, status FROM charges") == [(2, 2, "SUCCEEDED")]


async def test_the_bank_may_ask_the_payer(payments: Payments) -> None:
    poster = new_id("user")
    await payments.card(poster, "three_d_secure")
    bid = await payments.accept(poster_id=poster)

    async def asked() -> dict[str, str] | None:
        action: dict[str, str] | None = (await payments.escrow(bid))["requiredAction"]
        return action

    action = await eventually(asked)
    assert (await payments.escrow(bid, bid.tasker_id))["requiredAction"] is None
    await payments.sandbox.http.post(action["redirectUrl"], data={"answer": "approve"})
    ((charge,),) = await payments.sql("SELECT provider_id FROM charges")
    await payments.webhook("charge", str(charge))

    escrow = await payments.status(bid, "FUNDED")
    assert escrow["requiredAction"] is None
    assert "escrow.action_required" in await payments.event_types()


async def test_a_payer_who_fails_the_banks_question_can_try_again(payments: Payments) -> None:
    poster = new_id("user")
    await payments.card(poster, "three_d_secure_fails")
    bid = await payments.accept(poster_id=poster)

    async def asked() -> dict[str, str] | None:
        action: dict[str, str] | None = (await payments.escrow(bid))["requiredAction"]
        return action

    action = await eventually(asked)
    await payments.sandbox.http.post(action["redirectUrl"], data={"answer": "approve"})
    escrow = await declined(payments, bid)
    assert escrow["paymentDecline"] == {"reason": "AUTHENTICATION_FAILED"}
    good = await payments.card(poster, "succeeds_too")
    await retry(payments, poster, str(escrow["id"]), paymentMethodId=good["id"])
    await payments.status(bid, "FUNDED")


async def test_an_answer_that_was_lost_is_asked_for_and_nothing_is_charged_twice(payments: Payments) -> None:
    for card in ("answer_lost", "request_lost", "error_once"):
        poster = new_id("user")
        await payments.card(poster, card)
        bid = await payments.accept(poster_id=poster)

        await payments.status(bid, "FUNDED")

        ((charge,),) = await payments.sql("SELECT provider_id FROM charges WHERE payer_id = :payer", payer=poster)
        at_provider = await payments.sandbox.get(f"/v1/charges/{charge}")
        assert at_provider["status"] == "succeeded"
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 45_000, "ESCROW EUR": 45_000}


async def test_money_that_does_not_come_in_time_is_not_taken_any_more(payments: Payments) -> None:
    poster = new_id("user")
    await payments.card(poster, "three_d_secure_hangs")
    bid = await payments.accept(poster_id=poster)
    await eventually(lambda: asked_of(payments, bid))

    with clock.offset(LATER):
        escrow = await payments.status(bid, "FAILED")
        assert (escrow["failureReason"], escrow["viewerCan"]) == ("NOT_PAID_IN_TIME", [])
        refused = await retry(payments, poster, escrow["id"])
        assert [error["code"] for error in refused["userErrors"]] == ["INVALID_TRANSITION"]  # type: ignore[attr-defined]  # a list
        await payments.settled()

    ((charge, status),) = await payments.sql("SELECT provider_id, status FROM charges")
    assert status == "CANCELLED"
    assert (await payments.sandbox.get(f"/v1/charges/{charge}"))["status"] == "cancelled"
    assert (await payments.event_types())[-1] == "escrow.funding_failed"
    assert await payments.balances() == {}


async def asked_of(payments: Payments, bid: events.BidSnapshot) -> bool:
    return (await payments.escrow(bid))["requiredAction"] is not None


async def test_money_that_comes_too_late_goes_back_whole(payments: Payments) -> None:
    poster = new_id("user")
    await payments.card(poster, "processed")
    bid = await payments.accept(poster_id=poster)
    ((charge,),) = await eventually(lambda: payments.sql("SELECT provider_id FROM charges WHERE confirmed_attempt = 1"))
    # The bank takes it in the moment in which the task is called off.
    await payments.sandbox.push(str(charge), "succeed")
    await payments.cancel(bid)

    await payments.settled()
    escrow = await payments.escrow(bid)
    assert (escrow["status"], escrow["failureReason"], escrow["held"]) == ("FAILED", "TASK_CLOSED", eur("0.00"))
    assert (await payments.sandbox.get(f"/v1/charges/{charge}"))["refunded"] == 15_000
    assert await payments.balances() == {}
    kinds = await payments.sql("SELECT kind, amount_minor FROM transactions ORDER BY receipt_number")
    assert kinds == [("CHARGE", -15_000), ("REFUND", 15_000)]


async def test_an_acceptance_that_is_told_too_late_fails_at_once(payments: Payments) -> None:
    poster = new_id("user")
    await payments.card(poster)
    bid = factories.bid_snapshot(
        status="ACCEPTED", version=2, poster_id=poster, updated_at=clock.now() - timedelta(minutes=20)
    )
    await payments.happens(events.BidAccepted(bid=bid))

    escrow = await payments.escrow(bid)
    assert (escrow["status"], escrow["failureReason"]) == ("FAILED", "NOT_PAID_IN_TIME")
    assert await payments.sql("SELECT count(*) FROM charges") == [(0,)]


async def test_a_bid_that_failed_can_be_accepted_again(payments: Payments) -> None:
    bid = await payments.accept()
    with clock.offset(LATER):
        await payments.status(bid, "FAILED")
        await payments.card(bid.poster_id)
        again = bid.model_copy(update={"version": 4, "updated_at": clock.now()})
        await payments.happens(events.BidAccepted(bid=again))
        await payments.status(bid, "FUNDED")
    failed, funded = (
        await payments.bodies("payments.escrow.funding_failed"),
        await payments.bodies("payments.escrow.funded"),
    )
    assert [body["escrow"]["bid_version"] for body in (*failed, *funded)] == [2, 4]


async def test_only_the_poster_pays(payments: Payments) -> None:
    bid = await payments.accept()
    escrow = await payments.escrow(bid)
    for user_id, code in ((bid.tasker_id, "NOT_ALLOWED"), (new_id("user"), "NOT_FOUND")):
        payload = await retry(payments, user_id, escrow["id"])
        assert [error["code"] for error in payload["userErrors"]] == [code]  # type: ignore[attr-defined]  # a list
    theirs = await payments.card(new_id("user"))
    payload = await retry(payments, bid.poster_id, escrow["id"], paymentMethodId=theirs["id"])
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]  # type: ignore[attr-defined]  # a list


async def test_a_higher_price_is_charged_and_a_lower_one_goes_back(payments: Payments) -> None:
    bid = await payments.fund()
    higher, lower = new_id("agreement"), new_id("agreement")

    await payments.happens(price_change(bid, higher, 18_000, awaiting_funding=True))
    await eventually(lambda: payments.bodies("payments.escrow.price_change_funded"))
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 18_000, "ESCROW EUR": 18_000}

    await payments.happens(price_change(bid, lower, 10_000))
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 10_000, "ESCROW EUR": 10_000}
    escrow = await payments.escrow(bid)
    assert (escrow["amount"], escrow["held"], escrow["refunded"]) == (eur("100.00"), eur("100.00"), eur("80.00"))
    # What was paid last goes back first.
    refunded = await payments.sql("SELECT purpose, refunded_minor FROM charges ORDER BY id")
    assert refunded == [("FUNDING", 5_000), ("PRICE_CHANGE", 3_000)]


async def test_a_higher_price_that_is_not_paid_in_time_stays_as_it_was(payments: Payments) -> None:
    bid = await payments.fund()
    methods = await payments.sql("SELECT id FROM payment_methods")
    await payments.sql("UPDATE payment_methods SET removed_at = now(), is_default = false")
    assert methods

    await payments.happens(price_change(bid, new_id("agreement"), 18_000, awaiting_funding=True))
    with clock.offset(LATER):
        await eventually(lambda: payments.bodies("payments.escrow.price_change_failed"))
        await payments.settled()

    escrow = await payments.escrow(bid)
    assert (escrow["status"], escrow["amount"], escrow["held"]) == ("FUNDED", eur("150.00"), eur("150.00"))


def price_change(
    bid: events.BidSnapshot, agreement_id: str, minor: int, *, awaiting_funding: bool = False
) -> events.TaskPriceChangeAnswered:
    agreement = events.AgreementSnapshot(
        id=agreement_id,
        kind="PRICE_CHANGE",
        status="AWAITING_FUNDING" if awaiting_funding else "ACCEPTED",
        version=2,
        requested_by="POSTER",
        requested_by_id=bid.poster_id,
        message="More to do.",
        price=Money(minor, CurrencyCode.EUR),
    )
    return events.TaskPriceChangeAnswered(
        task=task_of(bid, status="ASSIGNED"), agreement=agreement, accepted=True, awaiting_funding=awaiting_funding
    )


async def test_an_acceptance_waits_until_the_money_of_an_earlier_one_has_gone_back(payments: Payments) -> None:
    first = await payments.fund()
    # The task expired meanwhile, was posted again, and another bid was accepted.
    second = factories.bid_snapshot(
        status="ACCEPTED", version=2, task_id=first.task_id, poster_id=first.poster_id, amount=first.amount
    )
    with pytest.raises(ServiceUnavailable):
        await payments.happens(events.BidAccepted(bid=second))
    rejected = events.TaskAssignmentRejected(
        task=task_of(first, status="EXPIRED"), bid_id=first.id, bid_version=2, tasker_id=first.tasker_id, reason="Late."
    )
    await payments.happens(rejected)

    await payments.happens(events.BidAccepted(bid=second))

    await payments.status(second, "FUNDED")
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 15_000, "ESCROW EUR": 15_000}
    # And the rejection again changes nothing of what came after it.
    await payments.happens(rejected)
    assert (await payments.escrow(second))["status"] == "FUNDED"
