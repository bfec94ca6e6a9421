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
from shared.money import Money
from shared.transitions import By
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import charging, steps
from subgraphs.payments.rules import charges, escrows
from subgraphs.payments.rules.charges import DeclineReason, Purpose
from subgraphs.payments.rules.escrows import FailureReason
from subgraphs.payments.rules.settlements import Kind

FUNDING = "escrow_funding"


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
    await deadlines.schedule(session, charging.PRICE_CHANGE, charge.id, expires_at)


async def retry_funding(
    session: AsyncSession, actor: Actor, escrow_id: str, payment_method_id: str | None
) -> models.Escrow:
    """Tries again what is open of an escrow, with this card or the poster's default. Locks the escrow and the charge.

    A try that is still being made goes on and answers the escrow. Raises NotFound, NotAllowed, InvalidTransition,
    PaymentMethodRequired.
    """
    escrow = await steps.lock_as_poster(session, actor, escrow_id)
    method = await charging.method_of(session, actor.id, payment_method_id)
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
    escrow, charge = await steps.lock_charge(session, charge_id)
    if charge.status not in charges.OPEN:
        return
    if charge.expires_at > clock.now():
        await deadlines.schedule(session, charging.PRICE_CHANGE, charge_id, charge.expires_at)
        return
    await charging.give_up(session, charge, By.TIMER)
    await charging.tell_price_stays(session, escrow, charge)


async def fail(session: AsyncSession, escrow: models.Escrow, reason: FailureReason, by: By) -> None:
    """The money will not come: nothing more is taken, and what still comes goes back. Hold the escrow's lock."""
    steps.step(escrow, escrows.Command.FAIL, by)
    escrow.failure = reason
    for charge in await store.charges.lock_open_of(session, escrow.id):
        await charging.give_up(session, charge, By.STEP)
    await deadlines.cancel(session, FUNDING, escrow.id)
    await emit(session, events.EscrowFundingFailed(escrow=steps.snapshot(escrow), reason=reason))


async def give_up_open(session: AsyncSession, escrow: models.Escrow) -> Sequence[events.Event]:
    """The escrow has ended: what is still to be charged for it is not any more. Hold its lock.

    Answers what is to be told of it: the prices that stay as they were.
    """
    given_up = await store.charges.lock_open_of(session, escrow.id)
    for charge in given_up:
        await charging.give_up(session, charge, By.STEP)
    return [
        charging.price_stays(escrow, charge.agreement_id, FailureReason.TASK_CLOSED)
        for charge in given_up
        if charge.agreement_id
    ]


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
    method = await charging.method_of(session, escrow.poster_id, payment_method_id)
    charge = charging.new_charge(
        escrow, purpose, amount_minor, escrow.currency, expires_at, method, charging.provider_of(session)
    )
    charge.agreement_id = agreement_id
    session.add(charge)
    await session.flush()
    if told is not None:
        await emit(session, told)
    if method is None:
        await charging.decline(session, escrow, charge, DeclineReason.PAYMENT_METHOD_REQUIRED)
    else:
        await steps.settle_soon(session, Kind.CHARGE, charge.id)
    return charge
