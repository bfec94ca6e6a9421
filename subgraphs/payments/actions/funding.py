"""Getting the money of a task: from the acceptance of a bid, and for a higher price."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, deadlines, events
from shared.database.db import settings_of
from shared.errors import InvalidTransition, NotFound, ServiceUnavailable
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import CurrencyCode, Money
from shared.transitions import By, next_status
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import books, refunds, steps
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.provider import port
from subgraphs.payments.rules import charges, escrows, ledger, transactions
from subgraphs.payments.rules.charges import DeclineReason, Purpose
from subgraphs.payments.rules.escrows import FailureReason
from subgraphs.payments.rules.settlements import Kind

FUNDING = "escrow_funding"
PRICE_CHANGE = "price_change_funding"

_TO_SETTLE = (charges.Status.PENDING, charges.Status.ACTION_REQUIRED, charges.Status.CANCELLING)


async def open_escrow(session: AsyncSession, accepted: events.BidAccepted) -> None:
    """A bid was accepted: its price is to be charged, at once, to the card that the poster chose or their default.

    An acceptance has one escrow, however often it is told. One that is told too late to be paid fails at once.
    Raises ServiceUnavailable while the money of an earlier one is not settled: that it goes back comes another way.
    """
    earlier = await store.escrows.lock_newest_of(session, accepted.bid.task_id)
    if (
        earlier is not None
        and earlier.status in escrows.LIVE
        and (earlier.bid_id, earlier.bid_version) != (accepted.bid.id, accepted.bid.version)
    ):
        raise ServiceUnavailable("The money of an earlier acceptance is not settled yet.")
    bid, now = accepted.bid, clock.now()
    expires_at = bid.updated_at + escrows.FUNDING_PERIOD
    escrow = models.Escrow(
        id=new_id("escrow"),
        task_id=bid.task_id,
        bid_id=bid.id,
        bid_version=bid.version,
        poster_id=bid.poster_id,
        tasker_id=bid.tasker_id,
        status=escrows.Status.PENDING,
        amount_minor=bid.amount.minor,
        currency=bid.amount.currency,
        held_minor=0,
        released_minor=0,
        fee_minor=0,
        refunded_minor=0,
        fee_basis_points=rules.shares.fee_basis_points(
            settings_of(session).fees, accepted.category_id, bid.amount.currency
        ),
        holds=[],
        due_refund_minor=None,
        failure=None,
        funding_expires_at=expires_at,
        release_at=None,
        version=1,
        last_step=None,
        created_at=now,
        updated_at=now,
    )
    if not await store.escrows.add_escrow(session, escrow):
        return
    locked = await store.escrows.lock_escrow(session, escrow.id)
    assert locked is not None
    if expires_at <= now:
        await fail(session, locked, FailureReason.NOT_PAID_IN_TIME, By.TIMER)
        return
    if await copies.list_suspended(session, models.Suspension, (bid.poster_id, bid.tasker_id)):
        await fail(session, locked, FailureReason.ACCOUNT_SUSPENDED, By.EVENT)
        return
    await deadlines.schedule(session, FUNDING, escrow.id, expires_at)
    opened = events.EscrowOpened(escrow=steps.snapshot(locked))
    await _charge(session, locked, Purpose.FUNDING, locked.amount_minor, expires_at, accepted.payment_method_id, opened)


async def raise_price(session: AsyncSession, escrow: models.Escrow, agreement_id: str, difference: Money) -> None:
    """Poster and tasker agreed on more: the difference is to be charged. Hold the escrow's lock."""
    expires_at = clock.now() + escrows.FUNDING_PERIOD
    charge = await _charge(
        session, escrow, Purpose.PRICE_CHANGE, difference.minor, expires_at, None, None, agreement_id=agreement_id
    )
    await deadlines.schedule(session, PRICE_CHANGE, charge.id, expires_at)


async def retry_funding(
    session: AsyncSession, actor: Actor, escrow_id: str, payment_method_id: str | None
) -> models.Escrow:
    """Tries again what is open of an escrow, with this card or the poster's default. Locks the escrow and the charge.

    A try that is still being made goes on and answers the escrow. Raises NotFound, NotAllowed, InvalidTransition,
    PaymentMethodRequired.
    """
    escrow = await steps.lock_as_poster(session, actor, escrow_id)
    method = await method_of(session, actor.id, payment_method_id)
    if payment_method_id is not None and method is None:
        raise NotFound("You have no such card.", field=("paymentMethodId",))
    open_charges = await store.charges.lock_open_of(session, escrow.id)
    if not open_charges:
        raise InvalidTransition("Nothing of it is to be paid.")
    if method is None:
        raise rules.methods.PaymentMethodRequired("Add a card first.", field=("paymentMethodId",))
    charge = open_charges[-1]
    rules.charges.check_in_time(charge.expires_at, clock.now())
    if charge.status is charges.Status.PENDING:
        return escrow
    steps.step_charge(charge, charges.Command.TRY, By.POSTER)
    charge.attempt += 1
    charge.payment_method_id, charge.decline = method.id, None
    await steps.settle_soon(session, Kind.CHARGE, charge.id)
    return escrow


async def funding_due(session: AsyncSession, escrow_id: str) -> None:
    """The deadline of an escrow: without the money it fails. Locks the escrow."""
    escrow = await store.escrows.lock_escrow(session, escrow_id)
    if escrow is None or escrow.status is not escrows.Status.PENDING:
        return
    if escrow.funding_expires_at > clock.now():
        await deadlines.schedule(session, FUNDING, escrow_id, escrow.funding_expires_at)
        return
    await fail(session, escrow, FailureReason.NOT_PAID_IN_TIME, By.TIMER)


async def price_change_due(session: AsyncSession, charge_id: str) -> None:
    """The deadline of a higher price: without the difference the price stays. Locks escrow and charge."""
    escrow, charge = await _lock(session, charge_id)
    if charge.status not in charges.OPEN:
        return
    if charge.expires_at > clock.now():
        await deadlines.schedule(session, PRICE_CHANGE, charge_id, charge.expires_at)
        return
    await give_up(session, charge, By.TIMER)
    await _tell_price_stays(session, escrow, charge)


async def fail(session: AsyncSession, escrow: models.Escrow, reason: FailureReason, by: By) -> None:
    """The money will not come: nothing more is taken, and what still comes goes back. Hold the escrow's lock."""
    steps.step(escrow, escrows.Command.FAIL, by)
    escrow.failure = reason
    for charge in await store.charges.lock_open_of(session, escrow.id):
        await give_up(session, charge, By.STEP)
    await deadlines.cancel(session, FUNDING, escrow.id)
    await emit(session, events.EscrowFundingFailed(escrow=steps.snapshot(escrow), reason=reason))


async def give_up_open(session: AsyncSession, escrow: models.Escrow) -> Sequence[events.Event]:
    """The escrow has ended: what is still to be charged for it is not any more. Hold its lock.

    Answers what is to be told of it: the prices that stay as they were.
    """
    given_up = await store.charges.lock_open_of(session, escrow.id)
    for charge in given_up:
        await give_up(session, charge, By.STEP)
    return [
        price_stays(escrow, charge.agreement_id, FailureReason.TASK_CLOSED)
        for charge in given_up
        if charge.agreement_id
    ]


async def prepared(session: AsyncSession, charge_id: str, provider_id: str) -> None:
    """The provider knows the charge: under this id."""
    charge = await store.charges.lock_charge(session, charge_id)
    if charge is not None and charge.provider_id is None:
        charge.provider_id = provider_id


async def take_over(session: AsyncSession, charge_id: str, answer: port.Charge, attempt: int) -> bool:
    """Takes over what the provider says of a charge; whether nothing is open then. Locks escrow and charge.

    `attempt` is the try that it says so of: what it says of another one than the newest is no decision about that.
    """
    escrow, charge = await _lock(session, charge_id)
    charge.confirmed_attempt = max(charge.confirmed_attempt, attempt)
    match answer.status:
        case port.ChargeStatus.SUCCEEDED if charge.status in charges.UNSETTLED:
            await _succeed(session, escrow, charge)
        case port.ChargeStatus.CANCELLED if charge.status in charges.UNSETTLED:
            await _cancelled(session, escrow, charge)
        case port.ChargeStatus.REQUIRES_ACTION if charge.status in charges.OPEN and charge.attempt == attempt:
            await _require_action(session, escrow, charge, answer.action)
        case port.ChargeStatus.PROCESSING if charge.status is charges.Status.ACTION_REQUIRED:
            steps.step_charge(charge, charges.Command.PROCESS, By.PROVIDER)
        case port.ChargeStatus.PREPARED if charge.attempt == attempt and answer.decline is not None:
            await decline(session, escrow, charge, charges.reason_of(answer.decline))
        case _:
            pass
    return charge.status not in _TO_SETTLE


async def refused(session: AsyncSession, charge_id: str, attempt: int) -> bool:
    """The provider does not make a try at all; whether nothing is open then. Locks escrow and charge.

    The payer can make another one, with another card.
    """
    escrow, charge = await _lock(session, charge_id)
    if charge.attempt == attempt:
        charge.confirmed_attempt = attempt
        await decline(session, escrow, charge, DeclineReason.PAYMENT_METHOD_UNUSABLE)
    return charge.status not in _TO_SETTLE


async def without_card(session: AsyncSession, charge_id: str) -> bool:
    """The payer has never given a card to the provider, which knows nothing of the charge. Locks escrow and charge."""
    escrow, charge = await _lock(session, charge_id)
    if charge.status is charges.Status.CANCELLING:
        steps.step_charge(charge, charges.Command.CANCEL, By.PROVIDER)
    else:
        await decline(session, escrow, charge, DeclineReason.PAYMENT_METHOD_REQUIRED)
    return True


async def decline(session: AsyncSession, escrow: models.Escrow, charge: models.Charge, reason: DeclineReason) -> None:
    """A try was declined; until its time is over the poster can try again. Hold the locks of both."""
    if (charge.status, charges.Command.DECLINE) not in charges.TRANSITIONS:
        return
    steps.step_charge(charge, charges.Command.DECLINE, By.PROVIDER)
    charge.decline = reason
    declined = events.EscrowPaymentDeclined(
        escrow=steps.snapshot(escrow), reason=reason, for_price_change=charge.purpose is Purpose.PRICE_CHANGE
    )
    if charge.purpose is not Purpose.TIP:
        await emit(session, declined)


async def _cancelled(session: AsyncSession, escrow: models.Escrow, charge: models.Charge) -> None:
    """The provider takes nothing any more: as we asked it, or by itself, so that it will not be paid."""
    if charge.status is not charges.Status.CANCELLING:
        steps.step_charge(charge, charges.Command.GIVE_UP, By.PROVIDER)
        if charge.purpose is Purpose.FUNDING and escrow.status is escrows.Status.PENDING:
            await fail(session, escrow, FailureReason.NOT_PAID_IN_TIME, By.TIMER)
        elif charge.purpose is Purpose.PRICE_CHANGE:
            await _tell_price_stays(session, escrow, charge)
    steps.step_charge(charge, charges.Command.CANCEL, By.PROVIDER)


async def _lock(session: AsyncSession, charge_id: str) -> tuple[models.Escrow, models.Charge]:
    """A charge with its escrow, both locked, the escrow first."""
    found = await store.charges.get_charge(session, charge_id)
    assert found is not None, "charges are never deleted"
    escrow = await store.escrows.lock_escrow(session, found.escrow_id)
    charge = await store.charges.lock_charge(session, charge_id)
    assert escrow is not None, "escrows are never deleted"
    assert charge is not None, "charges are never deleted"
    return escrow, charge


async def _succeed(session: AsyncSession, escrow: models.Escrow, charge: models.Charge) -> None:
    was_given_up = charge.status is charges.Status.CANCELLING
    steps.step_charge(charge, charges.Command.SUCCEED, By.PROVIDER)
    amount = Money(charge.amount_minor, charge.currency)
    paid = Line(charge.payer_id, transactions.Kind.CHARGE, -amount, charge.id, charge.task_id)
    if was_given_up:
        await refunds.refund_late(session, escrow, charge, paid)
        return
    if charge.purpose is Purpose.TIP:
        await _tip(session, escrow, charge, amount)
        return
    escrow.held_minor += charge.amount_minor
    posting = ledger.charged(charge.id, escrow.id, amount)
    if charge.purpose is Purpose.FUNDING:
        steps.step(escrow, escrows.Command.FUND, By.PROVIDER)
        await deadlines.cancel(session, FUNDING, escrow.id)
        told: events.Event = events.EscrowFunded(escrow=steps.snapshot(escrow))
    else:
        assert charge.agreement_id is not None, "a price change is one of an agreement"
        escrow.amount_minor += charge.amount_minor
        escrow.version += 1
        escrow.updated_at = clock.now()
        await deadlines.cancel(session, PRICE_CHANGE, charge.id)
        told = events.EscrowPriceChangeFunded(escrow=steps.snapshot(escrow), agreement_id=charge.agreement_id)
    await books.write(session, Pages([posting], [paid], [told]))


async def _tip(session: AsyncSession, escrow: models.Escrow, charge: models.Charge, amount: Money) -> None:
    posting = ledger.tipped(charge.id, escrow.tasker_id, amount)
    lines = [
        Line(charge.payer_id, transactions.Kind.TIP_PAID, -amount, charge.id, charge.task_id),
        Line(escrow.tasker_id, transactions.Kind.TIP_RECEIVED, amount, charge.id, charge.task_id),
    ]
    told = events.TransactionTipped(
        user_id=escrow.tasker_id,
        transaction_id=charge.id,
        amount=amount,
        task_id=escrow.task_id,
        poster_id=escrow.poster_id,
    )
    await books.write(session, Pages([posting], lines, [told]))


async def _require_action(
    session: AsyncSession, escrow: models.Escrow, charge: models.Charge, action: port.Action | None
) -> None:
    assert action is not None, "what requires an action says which"
    if charge.status is charges.Status.ACTION_REQUIRED and charge.action_client_secret == action.client_secret:
        return
    if (charge.status, charges.Command.REQUIRE_ACTION) not in charges.TRANSITIONS:
        return
    steps.step_charge(charge, charges.Command.REQUIRE_ACTION, By.PROVIDER)
    charge.action_client_secret, charge.action_redirect_url = action.client_secret, action.redirect_url
    if charge.purpose is not Purpose.TIP:
        told = events.EscrowActionRequired(
            escrow=steps.snapshot(escrow), for_price_change=charge.purpose is Purpose.PRICE_CHANGE
        )
        await emit(session, told)


async def _charge(
    session: AsyncSession,
    escrow: models.Escrow,
    purpose: Purpose,
    amount_minor: int,
    expires_at: datetime,
    payment_method_id: str | None,
    told: events.Event | None,
    *,
    agreement_id: str | None = None,
) -> models.Charge:
    """A charge for an escrow, to be made at once; without a card it is declined until the poster has one."""
    method = await method_of(session, escrow.poster_id, payment_method_id)
    charge = new_charge(escrow, purpose, amount_minor, escrow.currency, expires_at, method, provider_of(session))
    charge.agreement_id = agreement_id
    session.add(charge)
    await session.flush()
    if told is not None:
        await emit(session, told)
    if method is None:
        await decline(session, escrow, charge, DeclineReason.PAYMENT_METHOD_REQUIRED)
    else:
        await steps.settle_soon(session, Kind.CHARGE, charge.id)
    return charge


def new_charge(
    escrow: models.Escrow,
    purpose: Purpose,
    amount_minor: int,
    currency: CurrencyCode,
    expires_at: datetime,
    method: models.PaymentMethod | None,
    provider: str,
) -> models.Charge:
    """A charge that is being tried for the first time."""
    now = clock.now()
    return models.Charge(
        id=new_id("charge"),
        purpose=purpose,
        escrow_id=escrow.id,
        task_id=escrow.task_id,
        agreement_id=None,
        payer_id=escrow.poster_id,
        amount_minor=amount_minor,
        refunded_minor=0,
        currency=currency,
        status=charges.Status.PENDING,
        payment_method_id=method.id if method else None,
        attempt=1,
        confirmed_attempt=0,
        provider=provider,
        provider_id=None,
        decline=None,
        action_client_secret=None,
        action_redirect_url=None,
        expires_at=expires_at,
        version=1,
        last_step=None,
        created_at=now,
        updated_at=now,
    )


def provider_of(session: AsyncSession) -> str:
    """The provider of what is new; what there is keeps its own."""
    return settings_of(session).payment_provider


async def method_of(session: AsyncSession, user_id: str, payment_method_id: str | None) -> models.PaymentMethod | None:
    """The card that a person chose, or their default; None for what is not theirs or was removed."""
    if payment_method_id is None:
        return await store.methods.get_default(session, user_id)
    method = await store.methods.get_method(session, payment_method_id)
    return method if method is not None and method.user_id == user_id and method.removed_at is None else None


async def give_up(session: AsyncSession, charge: models.Charge, by: By) -> None:
    """Nothing more is to be taken by a charge; the provider is to see to it. Hold the locks."""
    next_status(charges.TRANSITIONS, charge.status, charges.Command.GIVE_UP, by)
    steps.step_charge(charge, charges.Command.GIVE_UP, by)
    await deadlines.cancel(session, PRICE_CHANGE, charge.id)
    await steps.settle_soon(session, Kind.CHARGE, charge.id)


def price_stays(escrow: models.Escrow, agreement_id: str, reason: FailureReason) -> events.EscrowPriceChangeFailed:
    """What is told of a higher price that was not paid."""
    return events.EscrowPriceChangeFailed(escrow=steps.snapshot(escrow), agreement_id=agreement_id, reason=reason)


async def _tell_price_stays(session: AsyncSession, escrow: models.Escrow, charge: models.Charge) -> None:
    assert charge.agreement_id is not None, "a price change is one of an agreement"
    await emit(session, price_stays(escrow, charge.agreement_id, FailureReason.NOT_PAID_IN_TIME))
