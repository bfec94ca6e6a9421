"""SQL of refunds."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, columns_of
from subgraphs.payments import models

Refund = models.Refund


async def get_refund(session: AsyncSession, refund_id: str) -> models.Refund | None:
    return await session.get(Refund, refund_id)


async def lock_refund(session: AsyncSession, refund_id: str) -> models.Refund | None:
    return await session.get(Refund, refund_id, with_for_update=True, populate_existing=True)


async def find_by_provider_id(database: Database, provider: str, provider_id: str) -> models.Refund | None:
    statement = select(*columns_of(Refund)).where(
        col(Refund.provider) == provider, col(Refund.provider_id) == provider_id
    )
    rows = await database.rows(Refund, statement)
    return rows[0] if rows else None
