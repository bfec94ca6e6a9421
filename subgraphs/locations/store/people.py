"""SQL of what is known of people."""

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.locks import lock
from subgraphs.locations import models


async def lock_suspension(session: AsyncSession, person_id: str, *, shared: bool = False) -> bool:
    """Whether a person is suspended, which holds until the transaction ends: `shared` against changes of it."""
    await lock(session, "suspension", person_id, shared=shared)
    return bool(await session.scalar(select(is_suspended(person_id))))


def is_suspended(person: SQLColumnExpression[str] | str) -> ColumnElement[bool]:
    """Whether the person is suspended, as a condition of a statement."""
    return exists().where(col(models.Suspension.user_id) == person, col(models.Suspension.is_suspended))


def has_blocked(
    blocker: SQLColumnExpression[str] | str, blocked: SQLColumnExpression[str] | str
) -> ColumnElement[bool]:
    """Whether one person blocks another one, as a condition of a statement."""
    return exists().where(
        col(models.Block.blocker_id) == blocker, col(models.Block.blocked_id) == blocked, col(models.Block.is_blocked)
    )
