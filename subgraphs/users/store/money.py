"""SQL of whose money is where."""

from collections.abc import Sequence

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from subgraphs.users import models

Balance, Escrow = models.Balance, models.Escrow


async def save_escrow(session: AsyncSession, escrow: models.Escrow) -> None:
    """Writes the local copy, unless there is a newer one."""
    values = escrow.model_dump()
    newer = col(Escrow.version) <= values["version"]
    statement = insert(Escrow).values(**values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values, where=newer))


async def has_live_escrow(session: AsyncSession, user_id: str) -> bool:
    """Whether money is held for a task that somebody posted or has, or is being charged for one."""
    theirs = or_(col(Escrow.poster_id) == user_id, col(Escrow.tasker_id) == user_id)
    return bool(await session.scalar(select(exists().where(col(Escrow.live), theirs))))


async def list_balances(session: AsyncSession, user_id: str) -> Sequence[models.Balance]:
    """What somebody has earned and not received, or owes, in the order of the currencies."""
    statement = select(Balance).where(
        col(Balance.user_id) == user_id, or_(col(Balance.available_minor) != 0, col(Balance.on_its_way_minor) != 0)
    )
    return (await session.scalars(statement.order_by(col(Balance.currency)))).all()
