"""SQL of the local copy of who is suspended."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subgraphs.tasks import models


async def save_suspension(session: AsyncSession, suspension: models.Suspension) -> None:
    """Writes the local copy of a suspension, unless there is a newer one."""
    values = suspension.model_dump()
    await session.execute(
        insert(models.Suspension)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["user_id"], set_=values, where=col(models.Suspension.seq) < values["seq"]
        )
    )
