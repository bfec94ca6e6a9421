"""SQL of service areas."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.db import Database, columns_of
from subgraphs.locations import models

ServiceArea = models.ServiceArea
_columns = select(*columns_of(ServiceArea))


async def lock_service_area(session: AsyncSession, tasker_id: str) -> models.ServiceArea | None:
    return await session.get(ServiceArea, tasker_id, with_for_update=True, populate_existing=True)


async def save_service_area(session: AsyncSession, area: models.ServiceArea) -> None:
    """Writes a tasker's area in place of an earlier one; hold the lock of their places."""
    await session.merge(area)


async def delete_service_area(session: AsyncSession, tasker_id: str) -> None:
    await session.execute(delete(ServiceArea).where(col(ServiceArea.tasker_id) == tasker_id))


async def load_service_area(database: Database, tasker_id: str) -> models.ServiceArea | None:
    """A tasker's area; outside of a transaction."""
    rows = await database.rows(ServiceArea, _columns.where(col(ServiceArea.tasker_id) == tasker_id))
    return next(iter(rows), None)
