"""From a tasker's balance to their bank."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from tests.payments.conftest import BALANCES, ONBOARD, PAY_OUT, Payments, eur
from tests.support.messaging import eventually

ACCOUNT = "{ payoutAccount { status requirements } }"
PAYOUTS = "{ myPayouts { nodes { amount { amount } status failureReason isScheduled } } }"


async def earn(payments: Payments, tasker_id: str, minor: int = 20_000) -> None:
    """The tasker earns this, minus the fee."""
    await payments.complete(await payments.fund(Money(minor, CurrencyCode.EUR), tasker_id=tasker_id))


async def ready(payments: Payments, bank: str = "paid") -> str:
    """A tasker who can be paid out."""
    tasker = new_id("user")
    await payments.onboard(tasker, bank)

    async def active() -> bool:
        account: dict[str, Any] = (await payments.act(tasker, ACCOUNT))["payoutAccount"]
        return bool(account["status"] == "ACTIVE")

    await eventually(active)
    return tasker


async def pay_out(payments: Payments, tasker_id: str, amount: str, key: str | None = None) -> dict[str, Any]:
    given = {"amount": eur(amount), "idempotencyKey": key or new_id("key")}
    payload: dict[str, Any] = (await payments.act(tasker_id, PAY_OUT, input=given))["requestPayout"]
    return payload


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


async def test_a_payout_leaves_the_balance_at_once_and_arrives(payments: Payments) -> None:
    tasker = await ready(payments, "waits")
    await earn(payments, tasker)

    payload = await pay_out(payments, tasker, "100.00", "once")
    again = await pay_out(payments, tasker, "100.00", "once")

    assert payload["userErrors"] == again["userErrors"] == []
    assert payload["payout"]["id"] == again["payout"]["id"]
    balances = (await payments.act(tasker, BALANCES))["myBalances"]
    assert balances == [{"available": eur("80.00"), "onItsWay": eur("100.00"), "leastPayout": eur("10.00")}]
    ((provider_id,),) = await eventually(
        lambda: payments.sql("SELECT provider_id FROM payouts WHERE provider_id IS NOT NULL")
    )
    await payments.sandbox.push(str(provider_id), "pay")
    await payments.webhook("payout", str(provider_id))
    await eventually(lambda: payments.bodies("payments.payout.paid"))
    await payments.settled()
    assert await payments.balances() == {"CLEARING EUR": 10_000, "PAYABLE EUR": 8_000, "REVENUE EUR": 2_000}
    told = await payments.bodies("payments.transaction.balance_changed")
    assert [(each["balance"]["minor"], each["on_its_way"]["minor"]) for each in told] == [
        (18_000, 0), (8_000, 10_000), (8_000, 0)
    ]  # fmt: skip


async def test_a_payout_that_does_not_arrive_is_in_the_balance_again(payments: Payments) -> None:
    tasker = await ready(payments, "waits")
    await earn(payments, tasker)
    await pay_out(payments, tasker, "100.00")
    ((provider_id,),) = await eventually(
        lambda: payments.sql("SELECT provider_id FROM payouts WHERE provider_id IS NOT NULL")
    )

    await payments.sandbox.push(str(provider_id), "fail_account_closed")
    await payments.webhook("payout", str(provider_id))

    (failed,) = await eventually(lambda: payments.bodies("payments.payout.failed"))
    assert failed["reason"] == "ACCOUNT_CLOSED"
    await payments.settled()
    nodes = (await payments.act(tasker, PAYOUTS))["myPayouts"]["nodes"]
    assert nodes == [
        {"amount": {"amount": "100.00"}, "status": "FAILED", "failureReason": "ACCOUNT_CLOSED", "isScheduled": False}
    ]
    assert (await payments.act(tasker, BALANCES))["myBalances"][0]["available"] == eur("180.00")


async def test_what_stands_in_the_way_of_a_payout_is_told(payments: Payments) -> None:
    tasker = new_id("user")
    await earn(payments, tasker)
    assert codes(await pay_out(payments, tasker, "100.00")) == ["PAYOUT_ACCOUNT_NOT_READY"]
    tasker = await ready(payments)
    await earn(payments, tasker, 5_000)

    found = {}
    for amount in ("45.01", "9.99", "0", "-1", "1e3", "10.001", "NaN", str(2**63)):
        found[amount] = codes(await pay_out(payments, tasker, amount))

    assert found == {
        "45.01": ["BALANCE_TOO_LOW"],
        "9.99": ["INVALID_INPUT"],
        "0": ["INVALID_INPUT"],
        "-1": ["INVALID_AMOUNT"],
        "1e3": ["INVALID_AMOUNT"],
        "10.001": ["INVALID_AMOUNT"],
        "NaN": ["INVALID_AMOUNT"],
        str(2**63): ["INVALID_AMOUNT"],
    }
    await payments.happens(events.UserSuspended(user_id=tasker, reason="x"))
    assert codes(await pay_out(payments, tasker, "20.00")) == ["ACCOUNT_SUSPENDED"]
    assert await payments.sql("SELECT count(*) FROM payouts") == [(0,)]


async def test_a_rest_that_nothing_is_added_to_is_paid_out_however_little_it_is(payments: Payments) -> None:
    tasker = await ready(payments)
    await earn(payments, tasker, 900)
    held = await payments.fund(Money(5_000, CurrencyCode.EUR), tasker_id=tasker)
    assert codes(await pay_out(payments, tasker, "8.10")) == ["INVALID_INPUT"]
    await payments.cancel(held)
    await payments.settled()

    assert codes(await pay_out(payments, tasker, "8.00")) == ["INVALID_INPUT"]
    assert codes(await pay_out(payments, tasker, "8.10")) == []
    assert codes(await pay_out(payments, tasker, "0")) == ["INVALID_INPUT"]
    assert (await payments.act(tasker, BALANCES))["myBalances"][0]["available"] == eur("0.00")


async def test_of_many_payouts_at_once_no_more_is_paid_than_there_is(payments: Payments) -> None:
    tasker = await ready(payments)
    await earn(payments, tasker, 10_000)

    payloads = await asyncio.gather(*(pay_out(payments, tasker, "40.00") for _ in range(20)))

    assert sorted(codes(payload) for payload in payloads) == [[], []] + [["BALANCE_TOO_LOW"]] * 18
    balances = (await payments.act(tasker, BALANCES))["myBalances"]
    assert balances[0]["available"] == eur("10.00")


async def test_what_has_come_together_is_paid_out_on_monday(payments: Payments) -> None:
    tasker, unready = await ready(payments), new_id("user")
    await earn(payments, tasker)
    await earn(payments, unready)

    with clock.offset(timedelta(days=7)):
        await eventually(lambda: payments.bodies("payments.payout.requested"))
        deadlines = "SELECT count(*) FROM deadlines WHERE kind = 'weekly_payout' AND due_at > :now"
        await eventually(lambda: both_are_later(payments, deadlines))

    nodes = (await payments.act(tasker, PAYOUTS))["myPayouts"]["nodes"]
    assert [(node["amount"]["amount"], node["isScheduled"]) for node in nodes] == [("180.00", True)]
    assert (await payments.act(unready, PAYOUTS))["myPayouts"]["nodes"] == []


async def both_are_later(payments: Payments, statement: str) -> bool:
    return await payments.sql(statement, now=clock.now()) == [(2,)]


async def test_only_taskers_are_paid_out(payments: Payments) -> None:
    poster = new_id("user")
    answer = await payments.served.execute(ONBOARD, token=payments.token(poster, "POSTER"))
    assert codes(answer["data"]["startPayoutOnboarding"]) == ["ROLE_REQUIRED"]
    assert (await payments.act(poster, ACCOUNT))["payoutAccount"] is None


@pytest.mark.parametrize(("bank", "status"), [("restricted", "INCOMPLETE"), ("rejected", "REJECTED")])
async def test_the_provider_says_how_far_it_has_come(payments: Payments, bank: str, status: str) -> None:
    tasker = new_id("user")
    await payments.onboard(tasker, bank)

    async def told() -> bool:
        account = (await payments.act(tasker, ACCOUNT))["payoutAccount"]
        return bool(account["status"] == status and (account["requirements"] or status == "REJECTED"))

    await eventually(told)
