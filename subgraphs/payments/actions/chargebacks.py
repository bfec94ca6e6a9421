"""Charges that payers' banks take back: they freeze what is held, or are the platform's loss."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.ids import new_id
from shared.money import Money
from shared.transitions import By
from subgraphs.payments import models, store
from subgraphs.payments.actions import books, ending, steps
from subgraphs.payments.actions.books import Pages
from subgraphs.payments.provider import port
from subgraphs.payments.provider.port import DisputeStatus
from subgraphs.payments.rules import ledger
from subgraphs.payments.rules.charges import Purpose
from subgraphs.payments.rules.escrows import HELD, Hold


async def take_over(session: AsyncSession, provider: str, charge_id: str, answer: port.Dispute) -> None:
    """Takes over what the provider says of a chargeback. Locks the escrow, the charge and the chargeback.

    It may be over when it is first heard of.
    """
    escrow, charge = await steps.lock_charge(session, charge_id)
    chargeback = await store.chargebacks.lock_by_provider_id(session, provider, answer.id)
    pages = Pages()
    if chargeback is None:
        chargeback = _new(charge, provider, answer)
        session.add(chargeback)
    elif chargeback.status is not DisputeStatus.OPEN:
        return
    if answer.amount.minor and not chargeback.amount_minor:
        # The bank may ask first, and take the money later or never.
        chargeback.amount_minor = answer.amount.minor
        pages.postings.append(ledger.chargeback_opened(chargeback.id, answer.amount))
    elif chargeback.status is answer.status and chargeback.version > 0:
        return
    chargeback.status, chargeback.updated_at = answer.status, clock.now()
    chargeback.version += 1
    taken = Money(chargeback.amount_minor, charge.currency)
    is_held = charge.purpose is not Purpose.TIP
    match answer.status:
        case DisputeStatus.OPEN if is_held:
            ending.freeze(escrow, Hold.CHARGEBACK, By.PROVIDER, pages)
        case DisputeStatus.WON:
            if taken.minor:
                pages.postings.append(ledger.chargeback_won(chargeback.id, taken))
            if is_held and not await store.chargebacks.has_other_open(session, escrow.id, chargeback.id):
                await ending.unfreeze(session, escrow, Hold.CHARGEBACK, By.PROVIDER, pages)
        case DisputeStatus.LOST if taken.minor:
            await _lose(session, escrow if is_held else None, charge, chargeback.id, taken, pages)
        case _:
            pass
    pages.told.append(
        events.TransactionChargedBack(
            user_id=charge.payer_id,
            transaction_id=chargeback.id,
            amount=taken,
            task_id=charge.task_id,
            status=answer.status,
        )
    )
    await books.write(session, pages)


async def _lose(
    session: AsyncSession,
    escrow: models.Escrow | None,
    charge: models.Charge,
    chargeback_id: str,
    amount: Money,
    pages: Pages,
) -> None:
    """The bank keeps the money. What of it is still held pays for that, and what is left of the escrow goes back."""
    charge.refunded_minor = charge.amount_minor
    if escrow is None or escrow.status not in HELD:
        pages.postings.append(ledger.chargeback_lost(chargeback_id, amount, None, Money(0, amount.currency)))
        return
    taken = Money(min(escrow.held_minor, amount.minor), amount.currency)
    pages.postings.append(ledger.chargeback_lost(chargeback_id, amount, escrow.id, taken))
    escrow.held_minor -= taken.minor
    escrow.refunded_minor += taken.minor
    escrow.holds = []
    rest = Money(escrow.held_minor, escrow.currency)
    await ending.end(session, escrow, rest, By.PROVIDER, pages, reason=Hold.CHARGEBACK)


def _new(charge: models.Charge, provider: str, answer: port.Dispute) -> models.Chargeback:
    now = clock.now()
    return models.Chargeback(
        id=new_id("chargeback"),
        charge_id=charge.id,
        escrow_id=charge.escrow_id,
        payer_id=charge.payer_id,
        amount_minor=0,
        currency=answer.amount.currency,
        status=DisputeStatus.OPEN,
        reason=answer.reason,
        provider=provider,
        provider_id=answer.id,
        evidence_due_at=answer.evidence_due_at,
        version=0,
        created_at=now,
        updated_at=now,
    )
