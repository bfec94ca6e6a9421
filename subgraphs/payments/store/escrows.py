"""SQL of the money of tasks."""

from collections.abc import Sequence

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from subgraphs.payments import models
from subgraphs.payments.rules.escrows import LIVE

Escrow = models.Escrow
_columns = select(*columns_of(Escrow))


async def lock_escrow(session: AsyncSession, escrow_id: str) -> models.Escrow | None:
    return await session.get(Escrow, escrow_id, with_for_update=True, populate_existing=True)


async def get_escrow(session: AsyncSession, escrow_id: str) -> models.Escrow | None:
    return await session.get(Escrow, escrow_id)


async def lock_newest_of(session: AsyncSession, task_id: str) -> models.Escrow | None:
    """The newest escrow of a task, locked."""
    newest = select(col(Escrow.id)).where(col(Escrow.task_id) == task_id).order_by(col(Escrow.id).desc()).limit(1)
    escrow_id = await session.scalar(newest)
    return await lock_escrow(session, escrow_id) if escrow_id is not None else None


async def lock_of_bid(session: AsyncSession, task_id: str, bid_id: str) -> models.Escrow | None:
    """The newest escrow of a task, locked, if it is of this bid."""
    escrow = await lock_newest_of(session, task_id)
    return escrow if escrow is not None and escrow.bid_id == bid_id else None


async def add_escrow(session: AsyncSession, escrow: models.Escrow) -> bool:
    """False, and nothing added, if the acceptance has one already."""
    statement = (
        insert(Escrow)
        .values(**escrow.model_dump())
        .on_conflict_do_nothing(index_elements=["bid_id", "bid_version"])
        .returning(col(Escrow.id))
    )
    return await session.scalar(statement) is not None


async def load_escrows(database: Database, escrow_ids: Sequence[str]) -> Sequence[models.Escrow]:
    return await database.rows(Escrow, _columns.where(any_of(col(Escrow.id), escrow_ids)))


async def load_newest_of_tasks(database: Database, task_ids: Sequence[str]) -> Sequence[models.Escrow]:
    """The newest escrow of each of these tasks."""
    statement = (
        _columns.where(any_of(col(Escrow.task_id), task_ids))
        .ext(distinct_on(col(Escrow.task_id)))
        .order_by(col(Escrow.task_id), col(Escrow.id).desc())
    )
    return await database.rows(Escrow, statement)


async def has_live(session: AsyncSession, user_id: str) -> bool:
    """Whether money is held for a task of a person, on either side, or is being charged for one."""
    theirs = or_(col(Escrow.poster_id) == user_id, col(Escrow.tasker_id) == user_id)
    return bool(await session.scalar(select(exists().where(theirs, col(Escrow.status).in_(LIVE)))))
