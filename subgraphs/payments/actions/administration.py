"""What admins do with money."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.amounts import read_amount
from shared.errors import NotFound, collected
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.money import Entered, Money
from shared.transitions import By
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import books, ending, refunds, steps
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.rules import escrows, ledger, transactions


async def issue_refund(
    session: AsyncSession, actor: Actor, escrow_id: str, *, amount: Entered | None, reason: str
) -> models.Escrow:
    """Gives back all that is held; of what has been released an amount that the platform pays. Locks the escrow.

    Raises NotFound, InvalidTransition; then together InvalidInput, InvalidAmount, CurrencyMismatch.
    """
    escrow = await store.escrows.lock_escrow(session, escrow_id)
    if escrow is None:
        raise NotFound("There is no such escrow.", field=("escrowId",))
    rules.escrows.check_refundable(escrow.status, is_amount_given=amount is not None)
    pages = Pages()
    with collected() as check:
        told = check(rules.escrows.clean_reason, reason)
        asked = check(read_amount, amount, escrow.currency) if amount is not None else None
    if escrow.status in escrows.HELD:
        escrow.holds = []
        held = Money(escrow.held_minor, escrow.currency)
        await ending.end(session, escrow, held, By.ADMIN, pages, reason=told)
    elif asked is not None:
        paid = await store.charges.lock_succeeded_of(session, escrow.id)
        left = sum(charge.amount_minor - charge.refunded_minor for charge in paid)
        rules.escrows.check_paid(asked, Money(left, escrow.currency))
        refund = await refunds.add_refunds(session, escrow, asked)
        escrow.refunded_minor += asked.minor
        escrow.version += 1
        pages.postings.append(ledger.goodwill(refund, asked))
        pages.told.append(events.EscrowRefunded(escrow=steps.snapshot(escrow), reason=told))
    await books.write(session, pages)
    return escrow


async def charge_tasker(
    session: AsyncSession, actor: Actor, user_id: str, *, amount: Entered, reason: str
) -> models.Transaction:
    """Has a tasker pay for a loss: their balance is less by it, and may be less than nothing.

    Raises together InvalidInput, InvalidAmount; then NotFound for who has never earned anything in that currency.
    """
    with collected() as check:
        asked = check(read_amount, amount)
        told = check(rules.escrows.clean_reason, reason)
    if not await store.ledger.is_there(session, ledger.payable(user_id, asked.currency)):
        raise NotFound("This person has never earned anything in this currency.", field=("userId",))
    recovery_id = new_id("recovery")
    line = Line(user_id, transactions.Kind.RECOVERY, -asked, recovery_id)
    event = events.TaskerCharged(user_id=user_id, transaction_id=recovery_id, amount=-asked, reason=told)
    (row,) = await books.write(session, Pages([ledger.recovered(recovery_id, user_id, asked)], [line], [event]))
    return row
