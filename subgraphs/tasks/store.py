"""All SQL of tasks.

Lock order everywhere: the task's row, then its deadline's, then (in `emit`) the stream's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Label,
    Select,
    Text,
    any_,
    bindparam,
    func,
    inspect,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.db import Database, any_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.money import CurrencyCode
from subgraphs.tasks import models
from subgraphs.tasks.rules import Mode, Status

Task = models.Task
_task_columns = select(*inspect(Task).columns)
_category_columns = select(*inspect(models.Category).columns)
# Built once: the hottest statement, and building one costs more than running it.
_tasks_by_id = _task_columns.where(col(Task.id) == any_(bindparam("ids", type_=ARRAY(Text))))
_search, _due = (inspect(Task).local_table.c[name] for name in ("search", "due_sort"))

# A cursor holds plain text; amounts of two currencies cannot be compared, so the currency comes first.
_currency = type_coerce(col(Task.currency), Text).label("currency_sort")
# Never null among published tasks.
_published: Label[datetime | None] = col(Task.published_at).label("published_at")
_id = col(Task.id)


class Sort(StrEnum):
    """How a list of published tasks is sorted."""

    NEWEST = "NEWEST"
    BUDGET_ASC = "BUDGET_ASC"
    BUDGET_DESC = "BUDGET_DESC"
    DUE = "DUE"


ORDERS = {
    Sort.NEWEST: Order("tasks.newest", _published, _id, descending=True),
    Sort.BUDGET_ASC: Order("tasks.budget_asc", _currency, col(Task.budget_minor), _id),
    Sort.BUDGET_DESC: Order("tasks.budget_desc", _currency, col(Task.budget_minor), _id, descending=True),
    Sort.DUE: Order("tasks.due", _due, _id),
}
MINE = Order("tasks.mine", _id, descending=True)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which published tasks to list; None leaves all. `text` is in the syntax of web search engines."""

    text: str | None = None
    category_ids: frozenset[str] | None = None
    currency: CurrencyCode | None = None
    budget_min_minor: int | None = None
    budget_max_minor: int | None = None
    mode: Mode | None = None
    status: Status | None = None
    poster_id: str | None = None
    posted_after: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [col(Task.published_at).is_not(None)]
        if self.status is not None:
            conditions.append(col(Task.status) == self.status)
        if self.text is not None:
            conditions.append(_search.op("@@")(func.websearch_to_tsquery("english", self.text)))
        if self.category_ids is not None:
            conditions.append(any_of(col(Task.category_id), self.category_ids))
        if self.currency is not None:
            conditions.append(col(Task.currency) == self.currency)
        if self.budget_min_minor is not None:
            conditions.append(col(Task.budget_minor) >= self.budget_min_minor)
        if self.budget_max_minor is not None:
            conditions.append(col(Task.budget_minor) <= self.budget_max_minor)
        if self.mode is not None:
            conditions.append(col(Task.mode) == self.mode)
        if self.poster_id is not None:
            conditions.append(col(Task.poster_id) == self.poster_id)
        if self.posted_after is not None:
            conditions.append(col(Task.published_at) > self.posted_after)
        return conditions


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


async def get_category(session: AsyncSession, category_id: str) -> models.Category | None:
    return await session.get(models.Category, category_id)


async def load_tasks(database: Database, task_ids: Sequence[str]) -> Sequence[models.Task]:
    return await database.rows(Task, _tasks_by_id, {"ids": list(task_ids)})


async def list_tasks(database: Database, filter: Filter, window: Window) -> Page[models.Task]:
    """A page of the published tasks, in one of ORDERS."""
    return await fetch_page(database, Task, _listed(filter), window)


# Most lists are asked for by few filters, and building the statement costs as much as completing its rows.
@lru_cache(maxsize=256)
def _listed(filter: Filter) -> Select[*tuple[Any, ...]]:
    return _task_columns.add_columns(_currency, _due).where(*filter.conditions())


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
    statement = _task_columns.where(condition)
    if status is not None:
        statement = statement.where(col(Task.status) == status)
    return await fetch_page(database, Task, statement, window)


async def list_categories(database: Database) -> Sequence[models.Category]:
    """All categories, in the order in which they are shown within their parent."""
    return await database.rows(models.Category, _category_columns.order_by(col(models.Category.position)))
