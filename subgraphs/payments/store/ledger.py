"""SQL of the books."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared import clock
from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.ids import new_id
from shared.money import CurrencyCode
from subgraphs.payments import models
from subgraphs.payments.rules.ledger import OWNED, Account, AccountKind, Entry, Posting

NEWEST = Order("ledger.newest", col(models.LedgerEntry.id), descending=True)
_entry_columns = select(*columns_of(models.LedgerEntry))
_account_columns = select(*columns_of(models.LedgerAccount))


async def post(session: AsyncSession, posting: Posting) -> str:
    """Writes a transaction of the ledger; answers its id.

    Locks its accounts until commit: those of one owner first, those that everybody shares last and for the shortest
    time, each kind in the order of their ids. Raises IntegrityError for a step that is booked already, and whatever
    the database refuses.
    """
    entries = sorted(posting.entries, key=lambda entry: _place(entry.account))
    accounts = {entry.account.id: entry.account for entry in entries}
    await session.execute(
        insert(models.LedgerAccount)
        .values([_row(account) for account in accounts.values()])
        .on_conflict_do_nothing(index_elements=["id"])
    )
    transaction_id = new_id("entry")
    await session.execute(
        insert(models.LedgerTransaction).values(
            id=transaction_id, subject_id=posting.subject_id, step=posting.step, created_at=clock.now()
        )
    )
    await session.execute(insert(models.LedgerEntry).values([_line(transaction_id, entry) for entry in entries]))
    return transaction_id


async def get_balance(session: AsyncSession, account: Account) -> int:
    """What is in an account, in minor units."""
    return await session.scalar(_balance(account)) or 0


async def is_there(session: AsyncSession, account: Account) -> bool:
    """Whether something was booked in an account ever."""
    return await session.scalar(_balance(account)) is not None


async def lock_balance(session: AsyncSession, account: Account) -> int:
    """What is in an account, which is locked until commit."""
    return await session.scalar(_balance(account).with_for_update()) or 0


async def load_balances(
    database: Database, kinds: Sequence[AccountKind], owner_ids: Sequence[str]
) -> Sequence[models.LedgerAccount]:
    """The accounts of these kinds of these owners."""
    statement = _account_columns.where(
        any_of(col(models.LedgerAccount.owner_id), owner_ids), col(models.LedgerAccount.kind).in_(kinds)
    )
    return await database.rows(models.LedgerAccount, statement)


async def get_account(database: Database, account_id: str) -> models.LedgerAccount | None:
    rows = await database.rows(models.LedgerAccount, account_of(account_id))
    return rows[0] if rows else None


def account_of(account_id: str) -> Select[*tuple[object, ...]]:
    """The account with this id."""
    return _account_columns.where(col(models.LedgerAccount.id) == account_id)


async def list_entries(database: Database, account_id: str, window: Window) -> Page[models.LedgerEntry]:
    """The lines of an account."""
    return await fetch_page(database, models.LedgerEntry, entries_of(account_id), window)


def entries_of(account_id: str) -> Select[*tuple[object, ...]]:
    """All lines of an account, in no order."""
    return _entry_columns.where(col(models.LedgerEntry.account_id) == account_id)


async def load_transactions(database: Database, ids: Sequence[str]) -> Sequence[models.LedgerTransaction]:
    statement = select(*columns_of(models.LedgerTransaction)).where(any_of(col(models.LedgerTransaction.id), ids))
    return await database.rows(models.LedgerTransaction, statement)


async def sum_by_kind(database: Database) -> Mapping[tuple[AccountKind, CurrencyCode], int]:
    """What is in all accounts of a kind and currency together, in minor units."""
    account = models.LedgerAccount
    statement = select(
        col(account.kind), col(account.currency), func.sum(col(account.balance_minor)).label("balance")
    ).group_by(col(account.kind), col(account.currency))
    return {(row.kind, row.currency): int(row.balance) for row in await database.fetch(statement)}


def _balance(account: Account) -> Select[int]:
    return select(col(models.LedgerAccount.balance_minor)).where(col(models.LedgerAccount.id) == account.id)


def _place(account: Account) -> tuple[bool, str]:
    return account.kind not in OWNED, account.id


def _row(account: Account) -> Mapping[str, object]:
    return {
        "id": account.id,
        "kind": account.kind,
        "owner_id": account.owner_id,
        "currency": account.currency,
        "balance_minor": 0,
    }


def _line(transaction_id: str, entry: Entry) -> Mapping[str, object]:
    return {
        "id": new_id("line"),
        "transaction_id": transaction_id,
        "account_id": entry.account.id,
        "side": entry.side,
        "amount_minor": entry.amount.minor,
        # Filled in by the database.
        "balance_after_minor": 0,
    }
