"""What becomes of the money that is held for a task: frozen, parted, given back in part.

Whatever ends an escrow claims it in one step under its row's lock, with its books; the provider is asked after that.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.messaging.outbox import emit
from shared.money import Money
from shared.transitions import By
from subgraphs.payments import models, rules, store
from subgraphs.payments.actions import books, charging, funding, refunds, steps
from subgraphs.payments.actions.books import Line, Pages
from subgraphs.payments.rules import escrows, ledger, transactions
from subgraphs.payments.rules.escrows import Command, FailureReason, Hold, Status


async def complete(session: AsyncSession, task_id: str) -> None:
    """The work is approved: what is held is the tasker's. Locks the escrow."""
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is not None:
        await _end_now(session, escrow, Money(0, escrow.currency), By.EVENT)


async def cancel(session: AsyncSession, task_id: str, tasker_percent: int) -> None:
    """The task is called off: so much of what is held is the tasker's, the rest goes back. Locks the escrow."""
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is None:
        return
    if escrow.status is Status.PENDING:
        await funding.fail(session, escrow, FailureReason.TASK_CLOSED, By.EVENT)
        return
    refund = rules.shares.owed_to_poster(Money(escrow.held_minor, escrow.currency), tasker_percent)
    await _end_now(session, escrow, refund, By.EVENT)


async def reject(session: AsyncSession, task_id: str, bid_id: str, bid_version: int | None) -> None:
    """The task could not be given to the tasker: all goes back. Locks the escrow.

    A rejection of an earlier acceptance changes nothing.
    """
    escrow = await store.escrows.lock_of_bid(session, task_id, bid_id)
    if escrow is not None and bid_version in (None, escrow.bid_version):
        await _end_now(session, escrow, Money(escrow.held_minor, escrow.currency), By.EVENT)


async def resolve(session: AsyncSession, task_id: str, refund_minor: int) -> None:
    """A dispute ended: so much goes back, the rest is the tasker's. Locks the escrow."""
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is None or escrow.status not in escrows.HELD:
        return
    refund = Money(min(refund_minor, escrow.held_minor), escrow.currency)
    escrow.holds = [hold for hold in escrow.holds if hold != Hold.DISPUTE]
    await _end_now(session, escrow, refund, By.EVENT)


async def freeze_task(session: AsyncSession, task_id: str) -> None:
    """A dispute is open: the money stays where it is. Locks the escrow."""
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is not None:
        pages = Pages()
        freeze(escrow, Hold.DISPUTE, By.EVENT, pages)
        await books.write(session, pages)


async def unfreeze_task(session: AsyncSession, task_id: str) -> None:
    """A dispute was called off: the money goes on as before. Locks the escrow."""
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is not None:
        pages = Pages()
        await unfreeze(session, escrow, Hold.DISPUTE, By.EVENT, pages)
        await books.write(session, pages)


def freeze(escrow: models.Escrow, hold: Hold, by: By, pages: Pages) -> None:
    """Freezes what is held, until this hold is taken off; hold the lock."""
    if escrow.status not in escrows.HELD or hold in escrow.holds:
        return
    escrow.holds = [*escrow.holds, hold.value]
    if escrow.status is Status.FUNDED:
        steps.step(escrow, Command.FREEZE, by)
    pages.told.append(events.EscrowFrozen(escrow=steps.snapshot(escrow), reason=hold))


async def unfreeze(session: AsyncSession, escrow: models.Escrow, hold: Hold, by: By, pages: Pages) -> None:
    """Takes a hold off; once there is none, what was decided meanwhile is done. Hold the lock."""
    if hold not in escrow.holds:
        return
    escrow.holds = [each for each in escrow.holds if each != hold]
    if escrow.holds or escrow.status is not Status.FROZEN:
        return
    if escrow.due_refund_minor is not None:
        await end(session, escrow, Money(escrow.due_refund_minor, escrow.currency), by, pages)
        return
    steps.step(escrow, Command.UNFREEZE, by)
    pages.told.append(events.EscrowUnfrozen(escrow=steps.snapshot(escrow)))


async def schedule_release(session: AsyncSession, task_id: str, release_at: datetime | None) -> None:
    """The tasker delivered, or is to deliver again: when the money is released by itself. Locks the escrow.

    `tasks` has the only timer; here it is shown.
    """
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is None or escrow.status not in escrows.HELD or escrow.release_at == release_at:
        return
    escrow.release_at, escrow.updated_at = release_at, clock.now()
    if release_at is not None:
        await emit(session, events.EscrowAutoReleaseScheduled(escrow=steps.snapshot(escrow)))


async def change_price(session: AsyncSession, task_id: str, agreement_id: str, price: Money) -> None:
    """Poster and tasker agreed on another price: the difference is charged, or goes back. Locks the escrow.

    Where the money went back meanwhile, such as by an admin, no more is charged.
    """
    escrow = await store.escrows.lock_newest_of(session, task_id)
    if escrow is None:
        return
    difference = price - Money(escrow.amount_minor, escrow.currency)
    if escrow.status not in escrows.HELD:
        if difference.minor > 0:
            await emit(session, charging.price_stays(escrow, agreement_id, FailureReason.TASK_CLOSED))
        return
    if difference.minor > 0:
        await funding.raise_price(session, escrow, agreement_id, difference)
    elif difference.minor < 0:
        await _lower_price(session, escrow, agreement_id, -difference)


async def _lower_price(session: AsyncSession, escrow: models.Escrow, agreement_id: str, difference: Money) -> None:
    escrow.amount_minor -= difference.minor
    escrow.held_minor -= difference.minor
    escrow.refunded_minor += difference.minor
    escrow.version += 1
    escrow.updated_at = clock.now()
    await refunds.add_refunds(session, escrow, difference)
    posting = ledger.price_lowered(agreement_id, escrow.id, difference)
    told = events.EscrowPriceLowered(escrow=steps.snapshot(escrow), agreement_id=agreement_id)
    await books.write(session, Pages([posting], [], [told]))


async def end(
    session: AsyncSession, escrow: models.Escrow, refund: Money, by: By, pages: Pages, *, reason: str | None = None
) -> None:
    """Parts what is held, once; hold the lock. While something freezes it, the first decision is kept for later."""
    if escrow.status not in escrows.HELD:
        return
    if escrow.holds:
        if escrow.due_refund_minor is None:
            escrow.due_refund_minor = refund.minor
        return
    held = Money(escrow.held_minor, escrow.currency)
    parts = rules.shares.part(held, refund, escrow.fee_basis_points)
    steps.step(escrow, escrows.ending(held, refund), by)
    escrow.held_minor, escrow.due_refund_minor, escrow.release_at = 0, None, None
    escrow.released_minor, escrow.fee_minor = parts.gross.minor, parts.fee.minor
    escrow.refunded_minor += parts.refund.minor
    pages.told.extend(await funding.give_up_open(session, escrow))
    if parts.refund.minor:
        await refunds.add_refunds(session, escrow, parts.refund)
    if parts.gross.minor:
        kind = transactions.Kind.EARNING
        pages.lines.append(Line(escrow.tasker_id, kind, parts.net, escrow.id, escrow.task_id, parts.fee.minor))
    if held.minor:
        pages.postings.append(ledger.ended(escrow.id, escrow.tasker_id, parts))
    pages.told.append(_ended(escrow, reason))


async def _end_now(session: AsyncSession, escrow: models.Escrow, refund: Money, by: By) -> None:
    pages = Pages()
    await end(session, escrow, refund, by, pages)
    await books.write(session, pages)


def _ended(escrow: models.Escrow, reason: str | None) -> events.EscrowEvent:
    told = steps.snapshot(escrow)
    if escrow.status is Status.REFUNDED:
        return events.EscrowRefunded(escrow=told, reason=reason)
    return events.EscrowSplit(escrow=told) if escrow.status is Status.SPLIT else events.EscrowReleased(escrow=told)
