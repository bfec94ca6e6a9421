"""SQL of what people see of their money."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.payments import models

Transaction = models.Transaction
RECEIPTS = "receipts"
NEWEST = Order("transactions.newest", col(Transaction.id), descending=True)
_columns = select(*columns_of(Transaction))


async def take_numbers(session: AsyncSession, count: int) -> int:
    """The first of so many numbers of receipts. Locks their counter until commit, so that there are no gaps."""
    statement = insert(models.Counter).values(name=RECEIPTS, value=count)
    last = await session.scalar(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": models.Counter.value + statement.excluded.value}
        ).returning(col(models.Counter.value))
    )
    assert isinstance(last, int)
    return last - count + 1


async def add_transactions(session: AsyncSession, rows: Sequence[models.Transaction]) -> None:
    await session.execute(insert(Transaction).values([row.model_dump() for row in rows]))


async def get_transaction(session: AsyncSession, transaction_id: str) -> models.Transaction | None:
    return await session.get(Transaction, transaction_id)


async def list_transactions_of(database: Database, user_id: str, window: Window) -> Page[models.Transaction]:
    """The transactions of one person."""
    return await fetch_page(database, Transaction, transactions_of(user_id), window)


def transactions_of(user_id: str) -> Select[*tuple[object, ...]]:
    """All transactions of one person, in no order."""
    return _columns.where(col(Transaction.user_id) == user_id)


async def load_transactions(database: Database, ids: Sequence[str]) -> Sequence[models.Transaction]:
    return await database.rows(Transaction, _columns.where(any_of(col(Transaction.id), ids)))
