"""What is Stripe's own: its half-done payouts, its short memory, its errors, its inquiries, its fees."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared import clock
from shared.config import Settings
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import (
    ChargeStatus,
    DisputeStatus,
    Kind,
    Movement,
    Payout,
    PayoutFault,
    PayoutStatus,
    ProviderRefused,
    ProviderUnavailable,
)
from subgraphs.payments.provider.stripe import Stripe
from tests.payments.provider.stripe_world import StripeWorld, connected, stripe_world
from tests.payments.provider.world import Bank, TestCard
from tests.peers.stripe.peer import SECRET_KEY
from tests.support.loopback import free_port

HUNDRED = Money(10_000, CurrencyCode.EUR)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[StripeWorld]:
    async with stripe_world(tmp_path) as running:
        yield running


async def charged(world: StripeWorld, amount: Money = HUNDRED) -> str:
    """A charge that has succeeded."""
    customer = await world.provider.create_customer("user_1", key="customer")
    setup = await world.provider.start_setup(customer, key="setup")
    await world.give_card(setup, TestCard.SUCCEEDS)
    card = (await world.provider.get_setup(setup.id)).card
    assert card is not None
    charge = await world.provider.prepare_charge(customer, amount, key="charge", subject_id="escrow_1")
    done = await world.provider.confirm_charge(charge.id, card.token, key="confirm")
    assert done.status is ChargeStatus.SUCCEEDED
    return done.id


async def payable(world: StripeWorld) -> str:
    """The account of a tasker who can be paid out the hundred that were charged."""
    await charged(world)
    account = await world.provider.create_account("user_2", key="account")
    url = await world.provider.start_onboarding(account.id, "http://127.0.0.1:8000/payouts")
    await world.finish_onboarding(account.id, url, Bank.GOOD)
    return account.id


async def held(world: StripeWorld) -> int:
    return (await world.provider.balances())[CurrencyCode.EUR].minor


async def test_money_moves_once_though_stripe_has_forgotten_the_keys(world: StripeWorld) -> None:
    charge, account = await charged(world), await payable(world)
    refund = await world.provider.refund(charge, Money(1_000, CurrencyCode.EUR), key="refund")
    payout = await world.provider.pay_out(account, Money(5_000, CurrencyCode.EUR), key="payout")
    world.peer.answers.clear()
    assert await world.provider.refund(charge, Money(1_000, CurrencyCode.EUR), key="refund") == refund
    assert await world.provider.pay_out(account, Money(5_000, CurrencyCode.EUR), key="payout") == payout
    assert await held(world) == 4_000
    for again in (
        world.provider.refund(charge, Money(1_001, CurrencyCode.EUR), key="refund"),
        world.provider.pay_out(account, Money(5_001, CurrencyCode.EUR), key="payout"),
    ):
        with pytest.raises(ProviderRefused, match="idempotency_error"):
            await again


async def test_a_payout_that_ended_half_way_is_completed_when_it_is_asked_for(world: StripeWorld) -> None:
    account = await payable(world)
    async with world.lost(done=True):
        with pytest.raises(ProviderUnavailable):
            await world.provider.pay_out(account, HUNDRED, key="payout")
    assert await held(world) == 0
    assert not [each for each in world.peer.objects.values() if each["object"] == "payout"]
    found = await world.provider.find_payout(account, "payout")
    assert found is not None
    assert found == Payout(found.id, "payout", account, PayoutStatus.PENDING, HUNDRED)
    assert world.peer.sent("payout")["status"] == "pending"


async def test_what_stripe_does_not_send_on_to_the_bank_comes_back_at_once(world: StripeWorld) -> None:
    account = await payable(world)
    world.peer.objects[account]["payouts_enabled"] = False
    payout = await world.provider.pay_out(account, HUNDRED, key="payout")
    assert payout == Payout(
        payout.id, "payout", account, PayoutStatus.FAILED, HUNDRED, fault=PayoutFault.ACCOUNT_UNUSABLE
    )
    assert await held(world) == 10_000
    assert await world.provider.find_payout(account, "payout") == payout
    assert await held(world) == 10_000


async def test_a_payout_has_not_failed_before_the_money_is_back(world: StripeWorld) -> None:
    account = await payable(world)
    payout = await world.provider.pay_out(account, HUNDRED, key="payout")
    await world.fail_payout(payout, PayoutFault.ACCOUNT_CLOSED)
    back = world.peer.funds.pop((account, "eur"))
    assert await world.provider.find_payout(account, "payout") == payout
    assert await held(world) == 0
    world.peer.funds[account, "eur"] = back
    failed = await world.provider.find_payout(account, "payout")
    assert failed is not None
    assert (failed.status, failed.fault) == (PayoutStatus.FAILED, PayoutFault.ACCOUNT_CLOSED)
    assert await held(world) == 10_000


async def test_nothing_is_refused_once_the_money_has_left(world: StripeWorld) -> None:
    account = await payable(world)
    async with world.lost(done=True):
        with pytest.raises(ProviderUnavailable):
            await world.provider.pay_out(account, HUNDRED, key="payout")
    del world.peer.objects[account]
    with pytest.raises(ProviderUnavailable):
        await world.provider.pay_out(account, HUNDRED, key="payout")
    assert await held(world) == 0


async def test_a_bank_may_send_back_what_it_had_taken(world: StripeWorld) -> None:
    account = await payable(world)
    payout = await world.provider.pay_out(account, HUNDRED, key="payout")
    await world.pay(payout)
    await world.fail_payout(payout, PayoutFault.DECLINED)
    failed = await world.provider.find_payout(account, "payout")
    assert failed is not None
    assert (failed.status, failed.fault) == (PayoutStatus.FAILED, PayoutFault.DECLINED)
    assert await held(world) == 10_000


async def test_a_refund_waits_for_charges_to_become_available(world: StripeWorld) -> None:
    charge, account = await charged(world), await payable(world)
    await world.provider.pay_out(account, HUNDRED, key="payout")
    with pytest.raises(ProviderUnavailable):
        await world.provider.refund(charge, HUNDRED, key="refund")
    assert await world.provider.find_refund(charge, "refund") is None


async def test_the_same_call_at_the_same_time_is_done_once(world: StripeWorld) -> None:
    charge, account = await charged(world), await payable(world)
    euro = Money(100, CurrencyCode.EUR)

    async def refund() -> str:
        return (await world.provider.refund(charge, euro, key="refund")).id

    async def pay_out() -> str:
        return (await world.provider.pay_out(account, euro, key="payout")).id

    async def go_on() -> str:
        found = await world.provider.find_payout(account, "half a payout")
        assert found is not None
        return found.id

    async with world.lost(done=True):
        with pytest.raises(ProviderUnavailable):
            await world.provider.pay_out(account, euro, key="half a payout")
    for call in (refund, pay_out, go_on):
        world.peer.gate.clear()
        calls = [asyncio.create_task(call()) for _ in range(2)]
        done, waiting = await asyncio.wait(calls, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        world.peer.gate.set()
        assert [type(each.exception()) for each in done] == [ProviderUnavailable]
        assert [await each for each in waiting] == [await call()]
    assert await held(world) == 9_700
    assert len([each for each in world.peer.objects.values() if each["object"] == "payout"]) == 2


async def test_what_is_far_back_in_a_list_is_found(world: StripeWorld) -> None:
    charge, account = await charged(world), await payable(world)
    euro = Money(100, CurrencyCode.EUR)
    refunds = [await world.provider.refund(charge, euro, key=f"refund-{each}") for each in range(5)]
    payouts = [await world.provider.pay_out(account, euro, key=f"payout-{each}") for each in range(5)]
    assert [await world.provider.find_refund(charge, each.key) for each in refunds] == refunds
    assert [await world.provider.find_payout(account, each.key) for each in payouts] == payouts
    assert await held(world) == 9_000


# Status, type and code of https://docs.stripe.com/api/errors, and whether trying again may help.
ERRORS = [
    (400, "invalid_request_error", "parameter_invalid_integer", ProviderRefused),
    (400, "invalid_request_error", None, ProviderRefused),
    (400, "idempotency_error", None, ProviderRefused),
    (402, "card_error", "card_declined", ProviderRefused),
    (400, "invalid_request_error", "rate_limit", ProviderUnavailable),
    (401, "invalid_request_error", None, ProviderUnavailable),
    (403, "invalid_request_error", None, ProviderUnavailable),
    (409, "invalid_request_error", "idempotency_key_in_use", ProviderUnavailable),
    (429, "invalid_request_error", "lock_timeout", ProviderUnavailable),
    (500, "api_error", None, ProviderUnavailable),
    (503, "api_error", None, ProviderUnavailable),
]


async def test_only_what_stripe_never_does_is_refused(world: StripeWorld) -> None:
    for status, kind, code, expected in ERRORS:
        world.peer.fails = (status, {"type": kind, **({"code": code} if code else {})})
        with pytest.raises(expected) as raised:
            await world.provider.create_customer("user_1", key="customer")
        if isinstance(raised.value, ProviderRefused):
            assert raised.value.code == (code or kind)


async def test_without_an_answer_nothing_is_known(world: StripeWorld) -> None:
    world.peer.drips = True
    for url in (world.url, f"http://127.0.0.1:{free_port()}"):
        async with connected(url, stripe_timeout_seconds=0.2) as provider:
            with pytest.raises(ProviderUnavailable):
                await provider.create_customer("user_1", key="customer")


@pytest.mark.parametrize("missing", ["stripe_secret_key", "stripe_webhook_secrets"])
def test_it_does_not_start_without_key_and_secret(missing: str) -> None:
    values = {"stripe_secret_key": SecretStr("sk_test_1"), "stripe_webhook_secrets": SecretStr("whsec_1")}
    with pytest.raises(ValueError, match="EXCHANGE_STRIPE_SECRET_KEY"):
        Stripe(Settings.model_construct(**{each: value for each, value in values.items() if each != missing}))


async def test_an_inquiry_is_a_dispute_that_has_taken_nothing(world: StripeWorld) -> None:
    charge = await charged(world)
    opened = await world.provider.get_dispute(world.peer.open_dispute(charge, "warning_needs_response"))
    assert (opened.status, opened.amount) == (DisputeStatus.OPEN, Money(0, CurrencyCode.EUR))
    assert opened.evidence_due_at is not None
    world.peer.close_dispute(opened.id, "warning_closed")
    assert (await world.provider.get_dispute(opened.id)).status is DisputeStatus.WON


async def test_movements_tell_fees_and_what_is_none_of_ours(world: StripeWorld) -> None:
    charge = await charged(world)
    begun = clock.now()
    with clock.offset(timedelta(hours=3)):
        world.peer.move({"id": None}, "topup", 500, "eur", "topup")
        world.peer.move({"id": None}, "topup", 500, "xaf", "topup")
    moved = next(each for each in world.peer.objects.values() if each["object"] == "balance_transaction")
    moved.update(fee=320, net=9_680)
    hour = timedelta(hours=1)
    found = [each async for each in world.provider.movements(begun - hour, begun + 4 * hour)]
    assert found == [
        Movement(charge, Kind.CHARGE, HUNDRED, found[0].at, Money(320, CurrencyCode.EUR)),
        Movement(found[1].id, Kind.OTHER, Money(500, CurrencyCode.EUR), found[1].at),
    ]
    assert await held(world) == 9_680 + 500
    assert [each async for each in world.provider.movements(begun + hour, begun + 2 * hour)] == []


async def test_neither_key_nor_people_are_logged(world: StripeWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await charged(world)
    text = caplog.text
    assert "payment_intents" in text
    assert SECRET_KEY not in text
    assert "client_secret" not in text
    assert "4242" not in text
