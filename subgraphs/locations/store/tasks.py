"""SQL of the copies of tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.privacy.personal_data import table_of
from shared.text_search.sql import vector
from subgraphs.locations import models
from subgraphs.locations.rules.tasks import ENGAGED, ONGOING, OPEN

Task = models.Task
TABLE = table_of(Task)
_task_columns = select(*columns_of(Task))
_VECTOR = text(vector(":words_of_title", ":words_of_description"))


async def lock_task(session: AsyncSession, task_id: str) -> models.Task | None:
    return await session.get(Task, task_id, with_for_update=True, populate_existing=True)


async def get_task(session: AsyncSession, task_id: str) -> models.Task | None:
    return await session.get(Task, task_id, populate_existing=True)


async def save_task(session: AsyncSession, task: models.Task, description: str) -> bool:
    """Writes the copy of a task; False, and nothing written, if there is a newer one."""
    values = task.model_dump()
    values["search"] = _VECTOR.bindparams(words_of_title=task.title, words_of_description=description)
    statement = (
        insert(TABLE)
        .values(**values)
        .on_conflict_do_update(index_elements=["id"], set_=values, where=TABLE.c.version <= task.version)
        .returning(TABLE.c.id)
    )
    return await session.scalar(statement) is not None


async def is_place_needed(session: AsyncSession, place_id: str) -> bool:
    """Whether a task that is not over is at the place; hold the place's lock."""
    statement = select(col(Task.id)).where(col(Task.place_id) == place_id, col(Task.status).in_(ONGOING)).limit(1)
    return await session.scalar(statement) is not None


async def take_off_the_map(session: AsyncSession, place_id: str) -> None:
    """The tasks at a place are nowhere any more."""
    await session.execute(update(Task).where(col(Task.place_id) == place_id).values(latitude=None, longitude=None))


async def hide_tasks_of(session: AsyncSession, poster_id: str, *, is_hidden: bool) -> Sequence[str]:
    """Takes a person's tasks from lists and the map, or puts them back. Those that are open, in order."""
    statement = (
        update(Task)
        .where(col(Task.poster_id) == poster_id, col(Task.is_hidden) != is_hidden)
        .values(is_hidden=is_hidden)
        .returning(col(Task.id), col(Task.status))
    )
    return sorted(row.id for row in await session.execute(statement) if row.status == OPEN)


async def load_tasks(database: Database, task_ids: Sequence[str]) -> Sequence[models.Task]:
    return await database.rows(Task, _task_columns.where(any_of(col(Task.id), task_ids)))


@dataclass(frozen=True, slots=True)
class Linked:
    """What makes others see a place: the tasks that are at it."""

    taskers: frozenset[str]
    """Who is engaged to work there, and sees where exactly it is."""


async def load_links(database: Database, place_ids: Sequence[str]) -> Mapping[str, Linked]:
    """The places that published tasks are at."""
    rows = await database.fetch(links_of(place_ids))
    return {row.place_id: Linked(frozenset(row.taskers or ())) for row in rows}


def links_of(place_ids: Sequence[str]) -> Select[str | None, Sequence[str | None]]:
    """Places with the people who are engaged to work there."""
    engaged = func.array_agg(col(Task.tasker_id)).filter(
        col(Task.status).in_(ENGAGED), col(Task.tasker_id).is_not(None)
    )
    return (
        select(col(Task.place_id), engaged.label("taskers"))
        .where(any_of(col(Task.place_id), place_ids), col(Task.latitude).is_not(None))
        .group_by(col(Task.place_id))
    )
