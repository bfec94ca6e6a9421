"""All SQL of tasks.

Lock order everywhere: the task's row, then its deadline's, then (in `emit`) the stream's.
"""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.db import Database
from subgraphs.tasks import models

Task = models.Task
_task_columns = select(*(column for column in Task.__table__.c if column.computed is None))
_category_columns = select(*models.Category.__table__.c)
_tasks_by_id = _task_columns.where(col(Task.id) == func.any(bindparam("ids", type_=ARRAY(Text))))


async def lock_task(session: AsyncSession, task_id: str, *, skip_locked: bool = False) -> models.Task | None:
    """A task, locked. None also for one that somebody else has locked, if `skip_locked`."""
    return await session.get(Task, task_id, with_for_update={"skip_locked": skip_locked}, populate_existing=True)


async def get_task(session: AsyncSession, task_id: str) -> models.Task | None:
    return await session.get(Task, task_id)


async def get_category(session: AsyncSession, category_id: str) -> models.Category | None:
    return await session.get(models.Category, category_id)


async def load_tasks(database: Database, task_ids: Sequence[str]) -> Sequence[models.Task]:
    return await database.rows(Task, _tasks_by_id, {"ids": list(task_ids)})


async def list_categories(database: Database) -> Sequence[models.Category]:
    """All categories, in the order in which they are shown within their parent."""
    return await database.rows(models.Category, _category_columns.order_by(col(models.Category.position)))
