"""SQL of charges."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from subgraphs.payments import models
from subgraphs.payments.rules.charges import OPEN, Purpose, Status

Charge = models.Charge
_columns = select(*columns_of(Charge))


async def get_charge(session: AsyncSession, charge_id: str) -> models.Charge | None:
    return await session.get(Charge, charge_id)


async def lock_charge(session: AsyncSession, charge_id: str) -> models.Charge | None:
    return await session.get(Charge, charge_id, with_for_update=True, populate_existing=True)


async def find_by_provider_id(database: Database, provider: str, provider_id: str) -> models.Charge | None:
    statement = _columns.where(col(Charge.provider) == provider, col(Charge.provider_id) == provider_id)
    rows = await database.rows(Charge, statement)
    return rows[0] if rows else None


async def lock_open_of(session: AsyncSession, escrow_id: str) -> Sequence[models.Charge]:
    """The charges for an escrow that are not settled, tips aside, locked in the order of their ids."""
    return await _lock(session, escrow_id, OPEN)


async def lock_succeeded_of(session: AsyncSession, escrow_id: str) -> Sequence[models.Charge]:
    """What was paid into an escrow, locked in the order of their ids."""
    return await _lock(session, escrow_id, [Status.SUCCEEDED])


async def load_charges(database: Database, charge_ids: Sequence[str]) -> Sequence[models.Charge]:
    return await database.rows(Charge, _columns.where(any_of(col(Charge.id), charge_ids)))


async def load_of_escrows(database: Database, escrow_ids: Sequence[str]) -> Sequence[models.Charge]:
    """All charges for these escrows, tips aside, the newest first."""
    statement = _columns.where(any_of(col(Charge.escrow_id), escrow_ids), col(Charge.purpose) != Purpose.TIP).order_by(
        col(Charge.escrow_id), col(Charge.id).desc()
    )
    return await database.rows(Charge, statement)


async def _lock(
    session: AsyncSession, escrow_id: str, statuses: Sequence[Status] | frozenset[Status]
) -> Sequence[models.Charge]:
    statement = (
        select(Charge)
        .where(col(Charge.escrow_id) == escrow_id, col(Charge.purpose) != Purpose.TIP, col(Charge.status).in_(statuses))
        .order_by(col(Charge.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()
