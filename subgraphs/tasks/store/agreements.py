"""SQL of what poster and tasker ask of each other."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, page_by_parent
from subgraphs.tasks import models
from subgraphs.tasks.rules.agreements import UNSETTLED, Kind

Agreement, Task = models.Agreement, models.Task
NEWEST = Order("tasks.agreements", col(Agreement.id), descending=True)
_columns = select(*columns_of(Agreement))


async def get_agreement(session: AsyncSession, agreement_id: str) -> models.Agreement | None:
    return await session.get(Agreement, agreement_id)


async def lock_agreement(session: AsyncSession, agreement_id: str) -> models.Agreement | None:
    """A request, locked; hold its task's lock."""
    return await session.get(Agreement, agreement_id, with_for_update=True, populate_existing=True)


async def lock_unsettled(session: AsyncSession, task_id: str) -> Sequence[models.Agreement]:
    """The requests of a task that are not settled yet, one of a kind, locked; hold the task's lock."""
    statement = (
        select(Agreement)
        .where(col(Agreement.task_id) == task_id, col(Agreement.status).in_(UNSETTLED))
        .order_by(col(Agreement.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def load_unsettled_kinds(database: Database, task_ids: Sequence[str]) -> Mapping[str, frozenset[Kind]]:
    """Of which kinds each of these tasks has a request that is not settled yet."""
    statement = (
        select(col(Agreement.task_id), col(Agreement.kind))
        .where(any_of(col(Agreement.task_id), task_ids), col(Agreement.status).in_(UNSETTLED))
        .order_by(col(Agreement.task_id))
    )
    rows = await database.fetch(statement)
    return {task_id: frozenset(row.kind for row in of_task) for task_id, of_task in groupby(rows, lambda row: row[0])}


async def load_agreements(database: Database, agreement_ids: Sequence[str]) -> Sequence[models.Agreement]:
    return await database.rows(Agreement, _columns.where(any_of(col(Agreement.id), agreement_ids)))


async def load_agreement_pages(
    database: Database, viewer_id: str, keys: Sequence[tuple[str, Window]]
) -> list[Page[models.Agreement]]:
    """For each task its requests, if the viewer is one of the two."""
    of_the_viewer = exists().where(
        col(Task.id) == col(Agreement.task_id),
        or_(col(Task.poster_id) == viewer_id, col(Task.tasker_id) == viewer_id),
    )
    return await page_by_parent(database, Agreement, _columns.where(of_the_viewer), col(Agreement.task_id), keys)
