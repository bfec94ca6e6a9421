"""Tips: what posters give taskers beside the price, without a fee."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines
from shared.amounts import read_amount
from shared.errors import NotFound, collected
from shared.identity.actor import Actor
from shared.money import Entered
from shared.transitions import By
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import charging, steps
from subgraphs.payments.rules import charges, escrows
from subgraphs.payments.rules.charges import Purpose
from subgraphs.payments.rules.settlements import Kind

EXPIRY = "tip_expiry"


async def tip_tasker(
    session: AsyncSession, actor: Actor, *, task_id: str, amount: Entered, payment_method_id: str | None
) -> models.Charge:
    """Has a tip charged to this card, or to the poster's default. Locks the escrow.

    Raises NotFound, NotAllowed, InvalidTransition, PaymentMethodRequired; then together InvalidAmount, InvalidInput,
    CurrencyMismatch.
    """
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is None or not escrows.may_see(actor.id, escrow.poster_id, escrow.tasker_id):
        raise NotFound("There is no money of such a task.", field=("taskId",))
    rules.escrows.check_tippable(actor, escrow.poster_id, escrow.status)
    method = await charging.method_of(session, actor.id, payment_method_id)
    if payment_method_id is not None and method is None:
        raise NotFound("You have no such card.", field=("paymentMethodId",))
    if method is None:
        raise rules.methods.PaymentMethodRequired("Add a card first.", field=("paymentMethodId",))
    with collected() as check:
        asked = check(read_amount, amount, escrow.currency)
    expires_at = clock.now() + escrows.FUNDING_PERIOD
    tip = charging.new_charge(
        escrow, Purpose.TIP, asked.minor, asked.currency, expires_at, method, charging.provider_of(session)
    )
    session.add(tip)
    await deadlines.schedule(session, EXPIRY, tip.id, expires_at)
    await steps.settle_soon(session, Kind.CHARGE, tip.id)
    return tip


async def tip_due(session: AsyncSession, charge_id: str) -> None:
    """The deadline of a tip that was not paid: nothing more is taken. Locks escrow and charge."""
    _, tip = await steps.lock_charge(session, charge_id)
    if tip.status not in charges.OPEN:
        return
    if tip.expires_at > clock.now():
        await deadlines.schedule(session, EXPIRY, charge_id, tip.expires_at)
        return
    await charging.give_up(session, tip, By.TIMER)
