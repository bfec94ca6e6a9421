"""Giving money back to the cards that it came from."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.ids import new_id
from shared.money import Money
from subgraphs.payments import models, store
from subgraphs.payments.actions import books, steps
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.provider import port
from subgraphs.payments.provider.port import RefundStatus
from subgraphs.payments.rules import ledger, transactions
from subgraphs.payments.rules.charges import Purpose
from subgraphs.payments.rules.settlements import Kind


async def add_refunds(session: AsyncSession, escrow: models.Escrow, amount: Money) -> str:
    """Has an amount given back that is booked as such: of what was paid last first. Locks the escrow's charges.

    Answers the id of the first refund. Raises ValueError if less was paid, and for nothing.
    """
    left, made = amount.minor, []
    for charge in reversed(await store.charges.lock_succeeded_of(session, escrow.id)):
        part = min(left, charge.amount_minor - charge.refunded_minor)
        if part > 0:
            made.append(await _add(session, charge, part))
            left -= part
    if left or not made:
        raise ValueError(f"{amount.format()} {amount.currency} cannot go back")
    return made[0]


async def refund_late(session: AsyncSession, escrow: models.Escrow, charge: models.Charge, paid: Line) -> None:
    """A charge succeeded after what it was for had ended: it goes back whole. Hold both locks."""
    amount = Money(charge.amount_minor, charge.currency)
    await _add(session, charge, charge.amount_minor)
    if charge.purpose is not Purpose.TIP:
        escrow.refunded_minor += charge.amount_minor
    await books.write(session, Pages([ledger.charged_late(charge.id, amount)], [paid]))


async def take_over(session: AsyncSession, refund_id: str, answer: port.Refund) -> RefundStatus:
    """Takes over what the provider says of a refund, and answers with what it is then. Locks the refund.

    One that fails after it had succeeded is money that we owe again: an operator finds a way (docs/money.md).
    """
    refund = await store.refunds.lock_refund(session, refund_id)
    assert refund is not None, "refunds are never deleted"
    refund.provider_id, status = answer.id, answer.status
    if refund.status is status:
        return status
    amount, was = Money(refund.amount_minor, refund.currency), refund.status
    if was is RefundStatus.FAILED or status is RefundStatus.PENDING:
        return was
    charge = await store.charges.get_charge(session, refund.charge_id)
    assert charge is not None, "charges are never deleted"
    refund.status, refund.updated_at = status, clock.now()
    if status is RefundStatus.SUCCEEDED:
        line = Line(refund.payer_id, transactions.Kind.REFUND, amount, refund.id, charge.task_id)
        await books.write(session, Pages([ledger.refunded(refund.id, amount)], [line]))
    elif was is RefundStatus.SUCCEEDED:
        line = Line(refund.payer_id, transactions.Kind.REFUND_RETURNED, -amount, refund.id, charge.task_id)
        await books.write(session, Pages([ledger.refund_returned(refund.id, amount)], [line]))
    return status


async def refused(session: AsyncSession, refund_id: str) -> bool:
    """The provider does not make a refund; whether nothing is open then. Locks the refund.

    Where the payer's bank took the charge back for good, the payer has the money, and we owe it no more. As long as
    that is open, or whatever else is in the way, it is tried again.
    """
    refund = await store.refunds.lock_refund(session, refund_id)
    assert refund is not None, "refunds are never deleted"
    if refund.status is not RefundStatus.PENDING:
        return True
    if not await store.chargebacks.is_lost(session, refund.charge_id):
        return False
    refund.status, refund.updated_at = RefundStatus.FAILED, clock.now()
    await books.write(session, Pages([ledger.refunded_by_bank(refund.id, Money(refund.amount_minor, refund.currency))]))
    return True


async def _add(session: AsyncSession, charge: models.Charge, amount_minor: int) -> str:
    now = clock.now()
    charge.refunded_minor += amount_minor
    refund = models.Refund(
        id=new_id("refund"),
        charge_id=charge.id,
        escrow_id=charge.escrow_id,
        payer_id=charge.payer_id,
        amount_minor=amount_minor,
        currency=charge.currency,
        status=RefundStatus.PENDING,
        provider=charge.provider,
        provider_id=None,
        created_at=now,
        updated_at=now,
    )
    session.add(refund)
    await steps.settle_soon(session, Kind.REFUND, refund.id)
    return refund.id
