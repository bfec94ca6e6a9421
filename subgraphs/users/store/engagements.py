"""SQL of engagements."""

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subgraphs.users import models

Engagement = models.Engagement


async def save_engagement(session: AsyncSession, engagement: models.Engagement) -> None:
    """Writes the local copy, unless there is a newer one."""
    values = engagement.model_dump()
    newer = col(Engagement.version) <= values["version"]
    statement = insert(Engagement).values(**values)
    await session.execute(statement.on_conflict_do_update(index_elements=["task_id"], set_=values, where=newer))


async def has_open(session: AsyncSession, user_id: str) -> bool:
    """Whether somebody has a task that is neither done nor called off, or waits for one to be done."""
    theirs = or_(col(Engagement.poster_id) == user_id, col(Engagement.tasker_id) == user_id)
    return bool(await session.scalar(select(exists().where(col(Engagement.open), theirs))))
