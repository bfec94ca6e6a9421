"""What every implementation of the port promises, whatever provider stands behind it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from shared import clock
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import (
    Card,
    Charge,
    ChargeStatus,
    DeclineCode,
    DisputeStatus,
    Hint,
    Kind,
    Movement,
    Payout,
    PayoutFault,
    PayoutStatus,
    Provider,
    ProviderRefused,
    ProviderUnavailable,
    RefundStatus,
    Setup,
    SetupStatus,
    WebhookFault,
    WebhookRefused,
)
from subgraphs.payments.rules.payouts import AccountStatus
from tests.payments.provider.world import Bank, TestCard, World

RETURN_URL = "http://127.0.0.1:8000/payouts"
MINUTE = timedelta(minutes=1)
DECLINES = [card for card in TestCard if card.name in {*DeclineCode}]


def euros(minor: int) -> Money:
    return Money(minor, CurrencyCode.EUR)


PRICE = euros(12_550)


def key() -> str:
    return new_id("key")


class Payer:
    """Somebody with cards at the provider."""

    def __init__(self, world: World, customer: str) -> None:
        self.world = world
        self.provider = world.provider
        self.customer = customer

    async def setup(self, card: TestCard) -> Setup:
        """The setup of a card that the payer gave."""
        begun = await self.provider.start_setup(self.customer, key=key())
        await self.world.give_card(begun, card)
        return await self.provider.get_setup(begun.id)

    async def card(self, card: TestCard = TestCard.SUCCEEDS) -> Card:
        given = (await self.setup(card)).card
        assert given is not None
        return given

    async def prepare(self, amount: Money = PRICE) -> Charge:
        return await self.provider.prepare_charge(self.customer, amount, key=key(), subject_id=new_id("escrow"))

    async def charge(self, card: TestCard = TestCard.SUCCEEDS, amount: Money = PRICE) -> Charge:
        """A charge once it has been confirmed with a new card."""
        prepared = await self.prepare(amount)
        return await self.provider.confirm_charge(prepared.id, (await self.card(card)).token, key=key())


@pytest.fixture
async def payer(world: World) -> Payer:
    return Payer(world, await world.provider.create_customer(new_id("user"), key=key()))


@pytest.fixture
async def account(world: World, payer: Payer) -> str:
    """A tasker who can be paid out, and money to do so."""
    await payer.charge(amount=euros(50_000))
    made = await world.provider.create_account(new_id("user"), key=key())
    url = await world.provider.start_onboarding(made.id, RETURN_URL)
    await world.finish_onboarding(made.id, url, Bank.GOOD)
    return made.id


@pytest.fixture
async def grown(provider: Provider) -> Callable[[], Awaitable[int]]:
    """By how many cents our balance has grown since the beginning of the test."""

    async def balance() -> int:
        return (await provider.balances()).get(CurrencyCode.EUR, euros(0)).minor

    before = await balance()

    async def since() -> int:
        return await balance() - before

    return since


async def moved(provider: Provider, object_id: str) -> list[tuple[Kind, int]]:
    """What the movements of the last minutes say of one object."""
    now = clock.now()
    found: list[Movement] = [each async for each in provider.movements(now - 10 * MINUTE, now + MINUTE)]
    assert [each.at for each in found] == sorted(each.at for each in found)
    return [(each.kind, each.amount.minor) for each in found if each.id == object_id]


async def test_a_card_is_given_by_the_client_and_known_by_its_end(payer: Payer) -> None:
    begun = await payer.provider.start_setup(payer.customer, key=key())
    assert begun == Setup(begun.id, payer.customer, SetupStatus.PENDING, begun.client_secret)
    await payer.world.give_card(begun, TestCard.SUCCEEDS)
    done = await payer.provider.get_setup(begun.id)
    assert done == replace(begun, status=SetupStatus.SUCCEEDED, card=done.card)
    assert done.card is not None
    assert done.card.brand == done.card.brand.lower()
    assert len(done.card.last_four) == 4
    assert 1 <= done.card.expires_month <= 12
    assert done.card.expires_year >= clock.now().year


async def test_the_same_number_has_the_same_fingerprint(payer: Payer) -> None:
    cards = [await payer.card(each) for each in (TestCard.SUCCEEDS, TestCard.SUCCEEDS, TestCard.SUCCEEDS_TOO)]
    assert len({each.token for each in cards}) == 3
    assert cards[0].fingerprint == cards[1].fingerprint != cards[2].fingerprint


async def test_a_card_that_is_refused_at_once_ends_the_setup(payer: Payer) -> None:
    failed = await payer.setup(TestCard.REFUSED_AT_SETUP)
    assert (failed.status, failed.card, failed.decline) == (SetupStatus.FAILED, None, DeclineCode.DECLINED)


async def test_a_forgotten_card_is_not_charged_and_may_be_forgotten_again(payer: Payer) -> None:
    card, charge = await payer.card(), await payer.prepare()
    await payer.provider.detach_card(card.token)
    await payer.provider.detach_card(card.token)
    tried = await payer.provider.confirm_charge(charge.id, card.token, key=key())
    assert tried == replace(charge, decline=DeclineCode.PAYMENT_METHOD_UNUSABLE)


async def test_a_card_pays_for_its_owner_alone(payer: Payer) -> None:
    other = Payer(payer.world, await payer.provider.create_customer(new_id("user"), key=key()))
    charge, card = await payer.prepare(), await other.card()
    with pytest.raises(ProviderRefused):
        await payer.provider.confirm_charge(charge.id, card.token, key=key())
    assert await payer.provider.get_charge(charge.id) == charge


async def test_what_is_asked_again_with_its_key_is_not_made_again(provider: Provider) -> None:
    user_id, one = new_id("user"), key()
    customer = await provider.create_customer(user_id, key=one)
    assert await provider.create_customer(user_id, key=one) == customer
    two = key()
    assert await provider.start_setup(customer, key=two) == await provider.start_setup(customer, key=two)


async def test_preparing_takes_nothing(payer: Payer, grown: Callable[[], Awaitable[int]]) -> None:
    one = key()
    charge = await payer.provider.prepare_charge(payer.customer, euros(12_550), key=one, subject_id="escrow_1")
    assert charge == Charge(charge.id, one, ChargeStatus.PREPARED, euros(12_550), euros(0))
    assert await payer.provider.get_charge(charge.id) == charge
    assert await grown() == 0
    again = await payer.provider.prepare_charge(payer.customer, euros(12_550), key=one, subject_id="escrow_1")
    assert again == charge


async def test_a_key_is_for_one_amount(payer: Payer) -> None:
    one = key()
    await payer.provider.prepare_charge(payer.customer, euros(1_000), key=one, subject_id="escrow_1")
    with pytest.raises(ProviderRefused):
        await payer.provider.prepare_charge(payer.customer, euros(2_000), key=one, subject_id="escrow_1")


async def test_confirming_takes_the_money_once(payer: Payer, grown: Callable[[], Awaitable[int]]) -> None:
    charge, card, one = await payer.prepare(), await payer.card(), key()
    taken = await payer.provider.confirm_charge(charge.id, card.token, key=one)
    assert taken == replace(charge, status=ChargeStatus.SUCCEEDED)
    assert await payer.provider.confirm_charge(charge.id, card.token, key=one) == taken
    assert await payer.provider.confirm_charge(charge.id, card.token, key=key()) == taken
    assert await payer.provider.get_charge(charge.id) == taken
    assert await grown() == 12_550
    assert await moved(payer.provider, charge.id) == [(Kind.CHARGE, 12_550)]


@pytest.mark.parametrize("currency", [CurrencyCode.JPY, CurrencyCode.KWD], ids=["no digits", "three digits"])
async def test_amounts_are_those_of_their_currency(payer: Payer, currency: CurrencyCode) -> None:
    before = (await payer.provider.balances()).get(currency, Money(0, currency))
    charge = await payer.charge(amount=Money(50_000, currency))
    assert (charge.status, charge.amount) == (ChargeStatus.SUCCEEDED, Money(50_000, currency))
    assert (await payer.provider.balances())[currency] == before + Money(50_000, currency)


@pytest.mark.parametrize("card", DECLINES, ids=lambda card: card.name)
async def test_a_decline_says_why_and_another_card_may_do(payer: Payer, card: TestCard) -> None:
    charge = await payer.prepare()
    declined = await payer.provider.confirm_charge(charge.id, (await payer.card(card)).token, key=key())
    assert declined == replace(charge, decline=DeclineCode[card.name])
    assert await payer.provider.get_charge(charge.id) == declined
    taken = await payer.provider.confirm_charge(charge.id, (await payer.card()).token, key=key())
    assert taken == replace(charge, status=ChargeStatus.SUCCEEDED)


async def test_the_payer_passes_3_d_secure(payer: Payer, grown: Callable[[], Awaitable[int]]) -> None:
    asked = await payer.charge(TestCard.ASKS_THE_PAYER)
    assert asked.status is ChargeStatus.REQUIRES_ACTION
    assert asked.action is not None
    assert asked.action.client_secret
    assert await grown() == 0
    await payer.world.answer_challenge(asked, passes=True)
    assert await payer.provider.get_charge(asked.id) == replace(asked, status=ChargeStatus.SUCCEEDED, action=None)
    assert await grown() == 12_550


async def test_the_payer_fails_3_d_secure(payer: Payer) -> None:
    asked = await payer.charge(TestCard.ASKS_THE_PAYER)
    await payer.world.answer_challenge(asked, passes=False)
    assert await payer.provider.get_charge(asked.id) == replace(
        asked, status=ChargeStatus.PREPARED, action=None, decline=DeclineCode.AUTHENTICATION_FAILED
    )


@pytest.mark.parametrize("succeeds", [True, False])
async def test_a_charge_that_is_processed_ends_later(payer: Payer, succeeds: bool) -> None:
    processed = await payer.charge(TestCard.IS_PROCESSED)
    assert processed.status is ChargeStatus.PROCESSING
    assert await payer.provider.cancel_charge(processed.id) == processed
    await payer.world.settle(processed, succeeds=succeeds)
    ended = await payer.provider.get_charge(processed.id)
    if succeeds:
        assert ended == replace(processed, status=ChargeStatus.SUCCEEDED)
    else:
        assert ended == replace(processed, status=ChargeStatus.PREPARED, decline=ended.decline)
        assert ended.decline is not None


async def test_a_cancelled_charge_takes_no_money_any_more(payer: Payer) -> None:
    charge, card = await payer.prepare(), await payer.card()
    cancelled = await payer.provider.cancel_charge(charge.id)
    assert cancelled == replace(charge, status=ChargeStatus.CANCELLED)
    assert await payer.provider.cancel_charge(charge.id) == cancelled
    with pytest.raises(ProviderRefused):
        await payer.provider.confirm_charge(charge.id, card.token, key=key())
    assert await payer.provider.get_charge(charge.id) == cancelled


async def test_the_payer_may_be_too_late(payer: Payer) -> None:
    asked = await payer.charge(TestCard.ASKS_THE_PAYER)
    cancelled = await payer.provider.cancel_charge(asked.id)
    assert cancelled == replace(asked, status=ChargeStatus.CANCELLED, action=None)
    await payer.world.answer_challenge(asked, passes=True)
    assert await payer.provider.get_charge(asked.id) == cancelled


async def test_what_has_succeeded_is_not_cancelled(payer: Payer) -> None:
    taken = await payer.charge()
    assert await payer.provider.cancel_charge(taken.id) == taken


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_what_became_of_a_lost_answer_can_be_asked(
    payer: Payer, grown: Callable[[], Awaitable[int]], done: bool
) -> None:
    charge, card, one = await payer.prepare(), await payer.card(), key()
    async with payer.world.lost(done=done):
        with pytest.raises(ProviderUnavailable):
            await payer.provider.confirm_charge(charge.id, card.token, key=one)
    taken = replace(charge, status=ChargeStatus.SUCCEEDED)
    assert await payer.provider.get_charge(charge.id) == (taken if done else charge)
    assert await payer.provider.confirm_charge(charge.id, card.token, key=one) == taken
    assert await grown() == 12_550


async def test_what_there_is_not_is_not_found(provider: Provider) -> None:
    for ask in (provider.get_charge, provider.get_setup, provider.get_account, provider.get_dispute):
        with pytest.raises(LookupError):
            await ask("none_such")
    with pytest.raises(ProviderRefused):
        await provider.cancel_charge("none_such")
    with pytest.raises(LookupError):
        await provider.get_charge("../balances")


async def test_a_charge_is_given_back_in_parts(payer: Payer, grown: Callable[[], Awaitable[int]]) -> None:
    taken, one = await payer.charge(), key()
    part = await payer.provider.refund(taken.id, euros(10_000), key=one)
    assert (part.key, part.charge, part.amount) == (one, taken.id, euros(10_000))
    assert part.status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    assert await payer.provider.refund(taken.id, euros(10_000), key=one) == part
    assert await payer.provider.find_refund(taken.id, one) == part
    assert await payer.provider.get_charge(taken.id) == replace(taken, refunded=euros(10_000))
    with pytest.raises(ProviderRefused):
        await payer.provider.refund(taken.id, euros(2_551), key=key())
    await payer.provider.refund(taken.id, euros(2_550), key=key())
    assert await payer.provider.get_charge(taken.id) == replace(taken, refunded=euros(12_550))
    assert await grown() == 0
    assert await moved(payer.provider, part.id) == [(Kind.REFUND, -10_000)]


async def test_what_took_nothing_gives_nothing_back(payer: Payer) -> None:
    charge = await payer.prepare()
    with pytest.raises(ProviderRefused):
        await payer.provider.refund(charge.id, euros(1), key=key())


async def test_a_failed_refund_comes_back_to_us(payer: Payer, grown: Callable[[], Awaitable[int]]) -> None:
    taken = await payer.charge()
    refund = await payer.provider.refund(taken.id, euros(12_550), key=key())
    await payer.world.fail_refund(refund)
    assert await payer.provider.find_refund(taken.id, refund.key) == replace(refund, status=RefundStatus.FAILED)
    assert await payer.provider.get_charge(taken.id) == taken
    assert await grown() == 12_550
    assert await moved(payer.provider, refund.id) == [(Kind.REFUND, -12_550), (Kind.REFUND, 12_550)]


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_refund_is_found_by_its_key_alone(payer: Payer, done: bool) -> None:
    taken, one = await payer.charge(), key()
    async with payer.world.lost(done=done):
        with pytest.raises(ProviderUnavailable):
            await payer.provider.refund(taken.id, euros(10_000), key=one)
    found = await payer.provider.find_refund(taken.id, one)
    assert (found is not None) is done
    made = await payer.provider.refund(taken.id, euros(10_000), key=one)
    assert found in (made, None)
    assert await payer.provider.get_charge(taken.id) == replace(taken, refunded=euros(10_000))


async def test_a_tasker_sets_an_account_up(provider: Provider, world: World) -> None:
    user_id, one = new_id("user"), key()
    made = await provider.create_account(user_id, key=one)
    assert made.status is AccountStatus.INCOMPLETE
    assert made.requirements
    assert await provider.create_account(user_id, key=one) == made
    with pytest.raises(ProviderRefused):
        await provider.pay_out(made.id, euros(1), key=key())
    await world.finish_onboarding(made.id, await provider.start_onboarding(made.id, RETURN_URL), Bank.INCOMPLETE)
    wanted = await provider.get_account(made.id)
    assert wanted.status is AccountStatus.INCOMPLETE
    assert wanted.requirements
    await world.finish_onboarding(made.id, await provider.start_onboarding(made.id, RETURN_URL), Bank.GOOD)
    active = replace(made, status=AccountStatus.ACTIVE, requirements=())
    assert await provider.get_account(made.id) == active
    await world.restrict(made.id)
    assert (await provider.get_account(made.id)).status is AccountStatus.INCOMPLETE


async def test_a_tasker_is_rejected(provider: Provider, world: World) -> None:
    made = await provider.create_account(new_id("user"), key=key())
    await world.finish_onboarding(made.id, await provider.start_onboarding(made.id, RETURN_URL), Bank.REJECTED)
    assert (await provider.get_account(made.id)).status is AccountStatus.REJECTED


async def test_a_payout_leaves_once_and_is_paid(
    world: World, provider: Provider, account: str, grown: Callable[[], Awaitable[int]]
) -> None:
    one = key()
    payout = await provider.pay_out(account, euros(20_000), key=one)
    assert payout == Payout(payout.id, one, account, PayoutStatus.PENDING, euros(20_000))
    assert await provider.pay_out(account, euros(20_000), key=one) == payout
    assert await provider.find_payout(account, one) == payout
    await world.pay(payout)
    assert await provider.find_payout(account, one) == replace(payout, status=PayoutStatus.PAID)
    assert await grown() == -20_000
    assert await moved(provider, payout.id) == [(Kind.PAYOUT, -20_000)]


@pytest.mark.parametrize("fault", [*PayoutFault])
async def test_a_failed_payout_comes_back_to_us(
    world: World, provider: Provider, account: str, grown: Callable[[], Awaitable[int]], fault: PayoutFault
) -> None:
    payout = await provider.pay_out(account, euros(20_000), key=key())
    await world.fail_payout(payout, fault)
    failed = await provider.find_payout(account, payout.key)
    assert failed == replace(payout, status=PayoutStatus.FAILED, fault=fault)
    assert await grown() == 0
    assert await moved(provider, payout.id) == [(Kind.PAYOUT, -20_000), (Kind.PAYOUT, 20_000)]


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
async def test_a_payout_is_found_by_its_key_alone(
    world: World, provider: Provider, account: str, grown: Callable[[], Awaitable[int]], done: bool
) -> None:
    one = key()
    async with world.lost(done=done):
        with pytest.raises(ProviderUnavailable):
            await provider.pay_out(account, euros(20_000), key=one)
    found = await provider.find_payout(account, one)
    assert (found is not None) is done
    made = await provider.pay_out(account, euros(20_000), key=one)
    assert found in (made, None)
    assert await grown() == -20_000


async def test_nobody_is_paid_what_is_not_there(provider: Provider, account: str) -> None:
    there = (await provider.balances())[CurrencyCode.EUR]
    one = key()
    with pytest.raises(ProviderRefused):
        await provider.pay_out(account, there + euros(1), key=one)
    assert await provider.find_payout(account, one) is None


@pytest.mark.parametrize("won", [True, False], ids=["won", "lost"])
async def test_the_money_goes_and_comes_back_if_it_is_won(
    payer: Payer, grown: Callable[[], Awaitable[int]], won: bool
) -> None:
    taken = await payer.charge()
    dispute = await payer.provider.get_dispute(await payer.world.open_dispute(taken))
    assert (dispute.charge, dispute.status, dispute.amount) == (taken.id, DisputeStatus.OPEN, euros(12_550))
    assert dispute.reason == "fraudulent"
    assert await grown() == 0
    with pytest.raises(ProviderRefused):
        await payer.provider.refund(taken.id, euros(1), key=key())
    await payer.world.close_dispute(dispute, won=won)
    closed = await payer.provider.get_dispute(dispute.id)
    assert closed == replace(
        dispute,
        status=DisputeStatus.WON if won else DisputeStatus.LOST,
        evidence_due_at=closed.evidence_due_at,
    )
    assert await grown() == (12_550 if won else 0)
    back = [(Kind.DISPUTE, 12_550)] if won else []
    assert await moved(payer.provider, dispute.id) == [(Kind.DISPUTE, -12_550), *back]


async def test_a_webhook_tells_of_what_changed(world: World, payer: Payer) -> None:
    taken = await payer.charge()
    body, headers = await world.webhook(Kind.CHARGE, taken.id)
    (hint,) = payer.provider.read_webhook(body, headers)
    assert hint == Hint(hint.id, Kind.CHARGE, taken.id)


async def test_everything_that_changes_is_told(world: World, payer: Payer, account: str) -> None:
    setup, taken = await payer.setup(TestCard.SUCCEEDS), await payer.charge()
    refund = await payer.provider.refund(taken.id, euros(1), key=key())
    dispute = await world.open_dispute(taken)
    payout = await payer.provider.pay_out(account, euros(1_000), key=key())
    await world.pay(payout)
    for kind, object_id in (
        (Kind.SETUP, setup.id),
        (Kind.REFUND, refund.id),
        (Kind.DISPUTE, dispute),
        (Kind.PAYOUT, payout.id),
        (Kind.ACCOUNT, account),
    ):
        body, headers = await world.webhook(kind, object_id)
        assert [(each.kind, each.object_id) for each in payer.provider.read_webhook(body, headers)] == [
            (kind, object_id)
        ]


async def test_what_the_provider_did_not_sign_now_is_refused(world: World, payer: Payer) -> None:
    taken = await payer.charge()
    body, headers = await world.webhook(Kind.CHARGE, taken.id)
    (signature,) = [name for name, value in headers.items() if "v1=" in value]
    altered = body.replace(taken.id.encode(), taken.id[:-1].encode() + b"!")
    assert altered != body
    others = {**headers, signature: headers[signature][:-1] + ("0" if headers[signature][-1] != "0" else "1")}
    for fault, sent, with_headers in (
        (WebhookFault.UNSIGNED, body, {}),
        (WebhookFault.UNSIGNED, body, {**headers, signature: "v1"}),
        (WebhookFault.BAD_SIGNATURE, body, others),
        (WebhookFault.BAD_SIGNATURE, altered, headers),
        (WebhookFault.MALFORMED, b"{}", world.sign(b"{}")),
        (WebhookFault.MALFORMED, b"\xff[", world.sign(b"\xff[")),
    ):
        assert fault_of(payer.provider, sent, with_headers) is fault


@pytest.mark.parametrize("minutes", [-6, 6], ids=["of the future", "of the past"])
async def test_what_was_signed_at_another_time_is_refused(world: World, payer: Payer, minutes: int) -> None:
    body, headers = await world.webhook(Kind.CHARGE, (await payer.charge()).id)
    with clock.offset(minutes * MINUTE):
        assert fault_of(payer.provider, body, headers) is WebhookFault.STALE
    with clock.offset(minutes * MINUTE / 2):
        assert payer.provider.read_webhook(body, headers)


def fault_of(provider: Provider, body: bytes, headers: Mapping[str, str]) -> WebhookFault:
    with pytest.raises(WebhookRefused) as refused:
        provider.read_webhook(body, headers)
    return refused.value.reason
