"""SQL of payouts."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.money import CurrencyCode
from subgraphs.payments import models
from subgraphs.payments.provider.port import PayoutStatus

Payout = models.Payout
Account = models.PayoutAccount
NEWEST = Order("payouts.newest", col(Payout.id), descending=True)
_columns = select(*columns_of(Payout))


async def get_payout(session: AsyncSession, payout_id: str) -> models.Payout | None:
    return await session.get(Payout, payout_id)


async def lock_payout(session: AsyncSession, payout_id: str) -> models.Payout | None:
    return await session.get(Payout, payout_id, with_for_update=True, populate_existing=True)


async def find_by_provider_id(database: Database, provider: str, provider_id: str) -> models.Payout | None:
    statement = _columns.where(col(Payout.provider) == provider, col(Payout.provider_id) == provider_id)
    rows = await database.rows(Payout, statement)
    return rows[0] if rows else None


async def list_payouts_of(database: Database, tasker_id: str, window: Window) -> Page[models.Payout]:
    """The payouts of one tasker."""
    return await fetch_page(database, Payout, _columns.where(col(Payout.tasker_id) == tasker_id), window)


async def load_payouts(database: Database, payout_ids: Sequence[str]) -> Sequence[models.Payout]:
    return await database.rows(Payout, _columns.where(any_of(col(Payout.id), payout_ids)))


async def add_account(session: AsyncSession, account: models.PayoutAccount) -> None:
    """Does nothing if the tasker has one already."""
    await session.execute(insert(Account).values(**account.model_dump()).on_conflict_do_nothing())


async def get_account(session: AsyncSession, user_id: str, provider: str) -> models.PayoutAccount | None:
    return await session.get(Account, (user_id, provider))


async def lock_account(session: AsyncSession, user_id: str, provider: str) -> models.PayoutAccount | None:
    return await session.get(Account, (user_id, provider), with_for_update=True, populate_existing=True)


async def load_account(database: Database, user_id: str, provider: str) -> models.PayoutAccount | None:
    statement = select(*columns_of(Account)).where(col(Account.user_id) == user_id, col(Account.provider) == provider)
    rows = await database.rows(Account, statement)
    return rows[0] if rows else None


async def find_account_by_provider_id(
    database: Database, provider: str, provider_id: str
) -> models.PayoutAccount | None:
    statement = select(*columns_of(Account)).where(
        col(Account.provider) == provider, col(Account.provider_id) == provider_id
    )
    rows = await database.rows(Account, statement)
    return rows[0] if rows else None


async def load_on_its_way(database: Database, tasker_id: str) -> Mapping[CurrencyCode, int]:
    """What of a tasker's money is on its way to the bank, in minor units, by currency."""
    return {row.currency: int(row.amount) for row in await database.fetch(_on_its_way(tasker_id))}


async def get_on_its_way(session: AsyncSession, tasker_id: str, currency: CurrencyCode) -> int:
    """What of a tasker's money in one currency is on its way to the bank, in minor units."""
    row = (await session.execute(_on_its_way(tasker_id).where(col(Payout.currency) == currency))).one_or_none()
    return 0 if row is None else int(row.amount)


def _on_its_way(tasker_id: str) -> Select[*tuple[Any, ...]]:
    return (
        select(col(Payout.currency), func.sum(col(Payout.amount_minor)).label("amount"))
        .where(col(Payout.tasker_id) == tasker_id, col(Payout.status) == PayoutStatus.PENDING)
        .group_by(col(Payout.currency))
    )
