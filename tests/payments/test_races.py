"""A hundred at once, at the running subgraph: nothing is done twice, and nobody waits for each other for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from shared import events
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from tests.payments.conftest import PAY_OUT, RETRY, Payments, eur
from tests.payments.test_payouts import earn, ready

AT_ONCE = 100
ROUNDS = 20
PRICE = Money(15_000, CurrencyCode.EUR)
REFUND = """mutation($input: IssueRefundInput!) { issueRefund(input: $input) { escrow { id } userErrors { code } } }"""


async def at_once(acts: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """All of these in turn, a hundred of them, at the same moment."""
    await asyncio.gather(*(acts[number % len(acts)]() for number in range(AT_ONCE)))


async def fund_and_cancel(payments: Payments) -> None:
    """The poster pays again and again while the task is called off."""
    poster = new_id("user")
    await payments.card(poster, "declined_once")
    bid = await payments.accept(PRICE, poster_id=poster)
    escrow_id = (await payments.escrow(bid))["id"]

    async def pay() -> None:
        given = {"escrowId": escrow_id, "idempotencyKey": new_id("key")}
        await payments.act(poster, RETRY, input=given)

    await at_once([pay, pay, pay, lambda: payments.cancel(bid)])
    await payments.settled()

    escrow = await payments.escrow(bid)
    assert escrow["status"] in ("FAILED", "REFUNDED")
    assert await payments.balances() == {}


async def approve_and_cancel(payments: Payments) -> None:
    """The work is approved and called off by agreement."""
    bid = await payments.fund(PRICE)

    await at_once([lambda: payments.complete(bid), lambda: payments.cancel(bid, owes_percent=15)])
    await payments.settled()

    ended = await payments.escrow(bid)
    assert ended["status"] in ("RELEASED", "SPLIT")
    assert await count(payments, "ENDED") == 1


async def release_and_refund(payments: Payments) -> None:
    """The work is approved while an admin gives the money back."""
    bid = await payments.fund(PRICE)
    escrow_id, admin = (await payments.escrow(bid))["id"], payments.token(new_id("user"), scope="marketplace admin")

    async def refund() -> None:
        given = {"escrowId": escrow_id, "reason": "They wrote.", "idempotencyKey": new_id("key")}
        answer = await payments.served.execute(REFUND, {"input": given}, token=admin)
        assert "errors" not in answer, answer

    await at_once([lambda: payments.complete(bid), refund])
    await payments.settled()

    assert (await payments.escrow(bid))["status"] in ("RELEASED", "REFUNDED")
    assert await count(payments, "ENDED") == 1


async def pay_out_and_pay_out(payments: Payments) -> None:
    """A tasker asks for all of the balance a hundred times, half of them with one key."""
    tasker = await ready(payments)
    await earn(payments, tasker, 10_000)

    async def pay_out(key: str) -> dict[str, Any]:
        given = {"amount": eur("90.00"), "idempotencyKey": key}
        return await payments.act(tasker, PAY_OUT, input=given)

    await at_once([lambda: pay_out("the same"), lambda: pay_out(new_id("key"))])

    assert await count(payments, "PAYOUT_REQUESTED") == 1
    assert "PAYABLE EUR" not in await payments.balances()


async def webhook_and_poll(payments: Payments) -> None:
    """The provider tells of a payment while it is asked for it."""
    poster = new_id("user")
    await payments.card(poster, "processed")
    bid = await payments.accept(PRICE, poster_id=poster)
    charge = await provider_id(payments, bid)
    await payments.sandbox.push(charge, "succeed")

    async def poll() -> None:
        await payments.sql("UPDATE settlements SET due_at = now() WHERE kind = 'CHARGE'")

    await at_once([lambda: payments.webhook("charge", charge), poll])
    await payments.settled()

    assert (await payments.escrow(bid))["status"] == "FUNDED"
    assert await count(payments, "CHARGED") == 1


async def provider_id(payments: Payments, bid: events.BidSnapshot) -> str:
    while True:
        found = await payments.sql(
            "SELECT provider_id FROM charges WHERE task_id = :id AND confirmed_attempt = 1", id=bid.task_id
        )
        if found:
            return str(found[0][0])
        await asyncio.sleep(0.02)


async def count(payments: Payments, step: str) -> int:
    ((found,),) = await payments.sql("SELECT count(*) FROM ledger_transactions WHERE step = :step", step=step)
    return int(str(found))


RACES = {
    race.__name__: race
    for race in (fund_and_cancel, approve_and_cancel, release_and_refund, pay_out_and_pay_out, webhook_and_poll)
}


@pytest.mark.table(share=1 / ROUNDS, kinds=lambda race, number: [race])
@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("race", RACES)
async def test_of_a_hundred_at_once_one_has_its_way(payments: Payments, race: str, number: int) -> None:
    await RACES[race](payments)

    # No transaction was ended by PostgreSQL since two waited for each other.
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await payments.sql(deadlocks) == [(0,)]
