"""Charges: what is to be taken from a card, tried, declined and given up."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.database.db import settings_of
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import CurrencyCode
from shared.transitions import By
from subgraphs.payments import models, store
from subgraphs.payments.actions import steps
from subgraphs.payments.rules import charges
from subgraphs.payments.rules.charges import DeclineReason, Purpose
from subgraphs.payments.rules.escrows import FailureReason
from subgraphs.payments.rules.settlements import Kind

PRICE_CHANGE = "price_change_funding"


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


async def method_of(session: AsyncSession, user_id: str, payment_method_id: str | None) -> models.PaymentMethod | None:
    """The card that a person chose, or their default; None for what is not theirs or was removed."""
    if payment_method_id is None:
        return await store.methods.get_default(session, user_id)
    method = await store.methods.get_method(session, payment_method_id)
    return method if method is not None and method.user_id == user_id and method.removed_at is None else None


def provider_of(session: AsyncSession) -> str:
    """The provider of what is new; what there is keeps its own."""
    return settings_of(session).payment_provider


async def give_up(session: AsyncSession, charge: models.Charge, by: By) -> None:
    """Nothing more is to be taken by a charge; the provider is to see to it. Hold the locks."""
    steps.step_charge(charge, charges.Command.GIVE_UP, by)
    await deadlines.cancel(session, PRICE_CHANGE, charge.id)
    await steps.settle_soon(session, Kind.CHARGE, charge.id)


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


def price_stays(escrow: models.Escrow, agreement_id: str, reason: FailureReason) -> events.EscrowPriceChangeFailed:
    """What is told of a higher price that was not paid."""
    return events.EscrowPriceChangeFailed(escrow=steps.snapshot(escrow), agreement_id=agreement_id, reason=reason)


async def tell_price_stays(session: AsyncSession, escrow: models.Escrow, charge: models.Charge) -> None:
    assert charge.agreement_id is not None, "a price change is one of an agreement"
    await emit(session, price_stays(escrow, charge.agreement_id, FailureReason.NOT_PAID_IN_TIME))
