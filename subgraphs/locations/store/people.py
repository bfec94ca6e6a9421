"""SQL of what is known of people."""

from sqlalchemy import ColumnElement, SQLColumnExpression, exists
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subgraphs.locations import models


async def save_block(session: AsyncSession, block: models.Block) -> None:
    """Writes the local copy of a block, unless there is a newer one."""
    values = block.model_dump()
    await session.execute(
        insert(models.Block)
        .values(**values)
        .on_conflict_do_update(
            index_elements=["blocker_id", "blocked_id"], set_=values, where=col(models.Block.seq) < values["seq"]
        )
    )


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
