"""SQL of chargebacks."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subgraphs.payments import models
from subgraphs.payments.provider.port import DisputeStatus


async def has_other_open(session: AsyncSession, escrow_id: str, chargeback_id: str) -> bool:
    """Whether an escrow has an open chargeback besides this one; hold the escrow's lock."""
    statement = select(col(models.Chargeback.id)).where(
        col(models.Chargeback.escrow_id) == escrow_id,
        col(models.Chargeback.id) != chargeback_id,
        col(models.Chargeback.status) == DisputeStatus.OPEN,
    )
    return (await session.scalars(statement.limit(1))).first() is not None


async def lock_by_provider_id(session: AsyncSession, provider: str, provider_id: str) -> models.Chargeback | None:
    """A chargeback, locked; hold the lock of its escrow."""
    statement = (
        select(models.Chargeback)
        .where(col(models.Chargeback.provider) == provider, col(models.Chargeback.provider_id) == provider_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).one_or_none()


async def is_lost(session: AsyncSession, charge_id: str) -> bool:
    """Whether the payer's bank took a charge back for good."""
    lost = exists().where(
        col(models.Chargeback.charge_id) == charge_id, col(models.Chargeback.status) == DisputeStatus.LOST
    )
    return bool(await session.scalar(select(lost)))
