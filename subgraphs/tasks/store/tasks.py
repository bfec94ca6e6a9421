"""SQL of tasks, one by one and those of a person."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.tasks import models
from subgraphs.tasks.rules.tasks import Status

Task = models.Task
_columns = select(*columns_of(Task))
# Built once: the hottest statement, and building one costs more than running it.
_by_id = _columns.where(col(Task.id) == any_(bindparam("ids", type_=ARRAY(Text))))
MINE = Order("tasks.mine", col(Task.id), descending=True)


async def lock_task(session: AsyncSession, task_id: str, *, skip_locked: bool = False) -> models.Task | None:
    """A task, locked. None also for one that somebody else has locked, if `skip_locked`."""
    return await session.get(Task, task_id, with_for_update={"skip_locked": skip_locked}, populate_existing=True)


async def lock_tasks_of(session: AsyncSession, person_id: str) -> Sequence[models.Task]:
    """All tasks that somebody posted or has, locked in the order of their ids."""
    statement = (
        select(Task)
        .where(or_(col(Task.poster_id) == person_id, col(Task.tasker_id) == person_id))
        .order_by(col(Task.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def get_task(session: AsyncSession, task_id: str) -> models.Task | None:
    return await session.get(Task, task_id)


async def load_tasks(database: Database, task_ids: Sequence[str]) -> Sequence[models.Task]:
    return await database.rows(Task, _by_id, {"ids": list(task_ids)})


async def list_tasks_of_poster(
    database: Database, poster_id: str, status: Status | None, window: Window
) -> Page[models.Task]:
    """A page of a poster's tasks, drafts included, in the order MINE."""
    return await _list_tasks_where(database, col(Task.poster_id) == poster_id, status, window)


async def list_tasks_of_tasker(
    database: Database, tasker_id: str, status: Status | None, window: Window
) -> Page[models.Task]:
    """A page of the tasks that a tasker got, in the order MINE."""
    return await _list_tasks_where(database, col(Task.tasker_id) == tasker_id, status, window)


async def _list_tasks_where(
    database: Database, condition: ColumnElement[bool], status: Status | None, window: Window
) -> Page[models.Task]:
    statement = _columns.where(condition)
    if status is not None:
        statement = statement.where(col(Task.status) == status)
    return await fetch_page(database, Task, statement, window)
