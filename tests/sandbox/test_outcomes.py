"""Each test card and test bank account does what its name says, beyond what the port's contract asks."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeVar, get_args

import pytest

from sandbox.objects import Fault
from sandbox.outcomes import BANKS, CARDS
from shared import clock
from subgraphs.payments.provider.port import (
    ChargeStatus,
    DeclineCode,
    DisputeStatus,
    PayoutAccount,
    PayoutFault,
    PayoutStatus,
    ProviderUnavailable,
    RefundStatus,
)
from subgraphs.payments.provider.sandbox import Sandbox
from subgraphs.payments.rules.payouts import AccountStatus
from tests.sandbox.people import PRICE, charged, key, onboarded, prepared
from tests.sandbox.running import Listener, Running

T = TypeVar("T")
TRIED = {
    "succeeds", "succeeds_too", "expires_this_month", "refused_at_setup", "three_d_secure", "three_d_secure_fails",
    "three_d_secure_hangs", "declined_once", "answer_lost", "request_lost", "error_once", "processed",
    "processed_then_declined", "disputed", "refunds_fail",
}  # fmt: skip


@pytest.fixture
async def provider(sandbox: Running) -> AsyncIterator[Sandbox]:
    client = sandbox.client()
    yield client
    await client.close()


async def until(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """What `ask` answers once it is as it should be. Fails after 30 s."""
    deadline = time.monotonic() + 30
    while not holds(answer := await ask()):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.02)
    return answer


def test_every_test_card_and_bank_is_tried() -> None:
    assert {*CARDS} == TRIED | {code.value.lower() for code in DeclineCode}
    assert {*BANKS} == {"paid", "waits", "looked_at", "restricted", "rejected", *get_args(Fault)}


@pytest.mark.parametrize("code", [*DeclineCode])
async def test_a_card_is_declined_with_the_code_of_its_name(
    sandbox: Running, provider: Sandbox, code: DeclineCode
) -> None:
    declined = await charged(sandbox, provider, code.value.lower())
    assert (declined.status, declined.decline) == (ChargeStatus.PREPARED, code)


async def test_a_card_expires_this_month(sandbox: Running, provider: Sandbox) -> None:
    setup = await provider.start_setup(await provider.create_customer("user_1", key=key()), key=key())
    given = {"client_secret": setup.client_secret, "card": "expires_this_month"}
    await sandbox.http.post("/v1/setups/complete", json=given)
    card = (await provider.get_setup(setup.id)).card
    assert card is not None
    assert (card.expires_year, card.expires_month) == (clock.now().year, clock.now().month)


@pytest.mark.parametrize(
    ("card", "status", "decline"),
    [
        ("three_d_secure", ChargeStatus.SUCCEEDED, None),
        ("three_d_secure_fails", ChargeStatus.PREPARED, DeclineCode.AUTHENTICATION_FAILED),
        ("three_d_secure_hangs", ChargeStatus.REQUIRES_ACTION, None),
    ],
)
async def test_the_bank_makes_of_3_d_secure_what_it_will(
    sandbox: Running, provider: Sandbox, card: str, status: ChargeStatus, decline: DeclineCode | None
) -> None:
    asked = await charged(sandbox, provider, card)
    assert asked.action is not None
    answer = {"client_secret": asked.action.client_secret, "passes": True}
    assert (await sandbox.http.post("/v1/charges/authenticate", json=answer)).is_success
    answered = await provider.get_charge(asked.id)
    assert (answered.status, answered.decline) == (status, decline)


async def test_a_card_is_declined_once(sandbox: Running, provider: Sandbox) -> None:
    charge, card = await prepared(sandbox, provider, "declined_once")
    tries = [await provider.confirm_charge(charge.id, card, key=key()) for _ in range(2)]
    assert [each.status for each in tries] == [ChargeStatus.PREPARED, ChargeStatus.SUCCEEDED]


@pytest.mark.parametrize(
    ("card", "status"),
    [
        ("answer_lost", ChargeStatus.SUCCEEDED),
        ("request_lost", ChargeStatus.PREPARED),
        ("error_once", ChargeStatus.PREPARED),
    ],
)
async def test_the_first_answer_does_not_come(
    sandbox: Running, provider: Sandbox, card: str, status: ChargeStatus
) -> None:
    impatient, one = sandbox.client(call_seconds=0.1), key()
    charge, token = await prepared(sandbox, provider, card)
    with pytest.raises(ProviderUnavailable):
        await impatient.confirm_charge(charge.id, token, key=one)
    assert await provider.get_charge(charge.id) == replace(charge, status=status)
    assert await provider.confirm_charge(charge.id, token, key=one) == replace(charge, status=ChargeStatus.SUCCEEDED)
    await impatient.close()


@pytest.mark.parametrize(
    ("card", "status", "decline"),
    [
        ("processed", ChargeStatus.SUCCEEDED, None),
        ("processed_then_declined", ChargeStatus.PREPARED, DeclineCode.DECLINED),
    ],
)
async def test_what_is_processed_ends_by_itself(
    sandbox: Running, provider: Sandbox, card: str, status: ChargeStatus, decline: DeclineCode | None
) -> None:
    processed = await charged(sandbox, provider, card)
    assert processed.status is ChargeStatus.PROCESSING
    ended = await until(lambda: provider.get_charge(processed.id), lambda charge: charge != processed)
    assert ended == replace(processed, status=status, decline=decline)


async def test_a_charge_is_disputed_at_once(sandbox: Running, provider: Sandbox) -> None:
    charge = await charged(sandbox, provider, "disputed")
    known = await sandbox.get(f"/v1/charges/{charge.id}")
    dispute = await provider.get_dispute(known["dispute"])
    assert (dispute.charge, dispute.status, dispute.amount) == (charge.id, DisputeStatus.OPEN, PRICE)


async def test_a_refund_fails_later(sandbox: Running, provider: Sandbox) -> None:
    charge, one = await charged(sandbox, provider, "refunds_fail"), key()
    made = await provider.refund(charge.id, PRICE, key=one)
    assert made.status is RefundStatus.SUCCEEDED
    await until(lambda: provider.find_refund(charge.id, one), lambda refund: refund != made)
    assert await provider.find_refund(charge.id, one) == replace(made, status=RefundStatus.FAILED)


@pytest.mark.parametrize("bank", ["paid", *get_args(Fault)])
async def test_payouts_end_as_the_bank_says(sandbox: Running, provider: Sandbox, bank: str) -> None:
    await charged(sandbox, provider)
    account, one = await onboarded(sandbox, provider, bank), key()
    sent = await provider.pay_out(account, PRICE, key=one)
    assert sent.status is PayoutStatus.PENDING
    ended = await until(lambda: provider.find_payout(account, one), lambda payout: payout != sent)
    paid = replace(sent, status=PayoutStatus.PAID)
    failed = replace(sent, status=PayoutStatus.FAILED, fault=PayoutFault.__members__.get(bank.upper()))
    assert ended == (paid if bank == "paid" else failed)


async def test_a_payout_waits_for_somebody_to_push_it(sandbox: Running, provider: Sandbox) -> None:
    await charged(sandbox, provider)
    account, one = await onboarded(sandbox, provider, "waits"), key()
    sent = await provider.pay_out(account, PRICE, key=one)
    await sandbox.push(sent.id, "pay")
    assert await provider.find_payout(account, one) == replace(sent, status=PayoutStatus.PAID)
    again = await sandbox.post(f"/v1/admin/{sent.id}/fail_declined")
    assert again["error"]["code"] == "not_possible"


@pytest.mark.parametrize(
    ("bank", "status", "requirements"),
    [
        ("restricted", AccountStatus.INCOMPLETE, ("identity_document",)),
        ("rejected", AccountStatus.REJECTED, ()),
    ],
)
async def test_an_account_becomes_what_the_bank_account_says(
    sandbox: Running, provider: Sandbox, bank: str, status: AccountStatus, requirements: tuple[str, ...]
) -> None:
    account = await onboarded(sandbox, provider, bank)
    assert await provider.get_account(account) == PayoutAccount(account, status, requirements)


async def test_an_account_is_looked_at_before_it_is_active(sandbox: Running, provider: Sandbox, told: Listener) -> None:
    account = await onboarded(sandbox, provider, "looked_at")
    await until(lambda: provider.get_account(account), lambda found: found.status is AccountStatus.ACTIVE)
    assert await told.types(account, 2) == ["account.pending", "account.active"]
