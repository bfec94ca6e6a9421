"""Writing down that money moved: in the ledger, in what people see of it, and in what is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import CurrencyCode, Money
from subgraphs.payments import models, rules, store
from subgraphs.payments.rules.ledger import AccountKind, Posting, payable
from subgraphs.payments.rules.transactions import Kind

WEEKLY_PAYOUT = "weekly_payout"


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction of a person, as it is to be written."""

    user_id: str
    kind: Kind
    amount: Money
    """What the person has more; negative if less."""
    subject_id: str
    task_id: str | None = None
    fee: int = 0
    """In minor units."""


@dataclass(slots=True)
class Pages:
    """What one transaction of the database writes: gathered first, since it is written in one order."""

    postings: list[Posting] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    told: list[events.Event] = field(default_factory=list)
    """Events of the task's stream, and then of people's."""


async def write(session: AsyncSession, pages: Pages) -> Sequence[models.Transaction]:
    """Writes the ledger, then what people see of it, then tells it: in this order, for all locks. Answers the lines.

    What comes into a balance is paid out in the next week at the latest; its deadline is set first, since whoever
    handles it holds it before the ledger's accounts.

    After `told` each person is told of their transactions and their balance. Call it once in a transaction, as the
    last thing. Raises IntegrityError for what is booked already.
    """
    balances = sorted(_balances(pages.postings))
    for tasker_id, currency in balances:
        await hold_weekly_payout(session, tasker_id, currency)
    for posting in pages.postings:
        await store.ledger.post(session, posting)
    rows = await _number(session, pages.lines)
    for event in pages.told:
        await emit(session, event)
    for row in sorted(rows, key=lambda row: row.user_id):
        await emit(
            session,
            events.TransactionProcessed(
                user_id=row.user_id,
                transaction_id=row.id,
                amount=Money(row.amount_minor, row.currency),
                kind=row.kind,
                task_id=row.task_id,
            ),
        )
    for tasker_id, currency in sorted({*balances, *_on_their_way(pages.told)}):
        await _tell_balance(session, tasker_id, currency)
    return rows


async def hold_weekly_payout(session: AsyncSession, tasker_id: str, currency: CurrencyCode) -> None:
    """Has what is in a balance paid out in the next week, and nobody do so until commit; before the balance's lock."""
    due_at = rules.payouts.next_weekly(clock.now())
    await deadlines.schedule(session, WEEKLY_PAYOUT, f"{tasker_id}:{currency}", due_at)


async def _number(session: AsyncSession, lines: Sequence[Line]) -> Sequence[models.Transaction]:
    if not lines:
        return ()
    first = await store.transactions.take_numbers(session, len(lines))
    rows = [
        models.Transaction(
            id=new_id("transaction"),
            receipt_number=first + place,
            user_id=line.user_id,
            kind=line.kind,
            amount_minor=line.amount.minor,
            fee_minor=line.fee,
            currency=line.amount.currency,
            subject_id=line.subject_id,
            task_id=line.task_id,
            created_at=clock.now(),
        )
        for place, line in enumerate(lines)
    ]
    await store.transactions.add_transactions(session, rows)
    return rows


def _balances(postings: Sequence[Posting]) -> set[tuple[str, CurrencyCode]]:
    """The taskers whose balance, or what of it is on its way, changes."""
    accounts = {entry.account for posting in postings for entry in posting.entries}
    return {
        (account.owner_id, account.currency)
        for account in accounts
        if account.kind is AccountKind.PAYABLE and account.owner_id is not None
    }


def _on_their_way(told: Sequence[events.Event]) -> set[tuple[str, CurrencyCode]]:
    """The taskers of whose money another part is on its way: one that arrives leaves the balance as it is."""
    payouts = [event.payout for event in told if isinstance(event, events.PayoutEvent)]
    return {(payout.tasker_id, payout.amount.currency) for payout in payouts}


async def _tell_balance(session: AsyncSession, tasker_id: str, currency: CurrencyCode) -> None:
    balance = await store.ledger.get_balance(session, payable(tasker_id, currency))
    on_its_way = await store.payouts.get_on_its_way(session, tasker_id, currency)
    await emit(
        session,
        events.BalanceChanged(
            user_id=tasker_id, balance=Money(balance, currency), on_its_way=Money(on_its_way, currency)
        ),
    )
