"""SQL of whose places are."""

from sqlalchemy.ext.asyncio import AsyncSession

from subgraphs.tasks import models


async def get_place(session: AsyncSession, place_id: str) -> models.Place | None:
    return await session.get(models.Place, place_id)
