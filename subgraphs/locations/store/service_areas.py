"""SQL of service areas."""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Select, any_, case, delete, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, columns_of
from shared.geo import Point
from shared.graphql.pagination import Order, Page, Window
from shared.privacy.personal_data import table_of
from subgraphs.locations import models
from subgraphs.locations.store.people import has_blocked, is_suspended
from subgraphs.locations.store.points import distance, geography

ServiceArea = models.ServiceArea
TABLE = table_of(ServiceArea)
_columns = select(*columns_of(ServiceArea))


async def lock_service_area(session: AsyncSession, tasker_id: str) -> models.ServiceArea | None:
    return await session.get(ServiceArea, tasker_id, with_for_update=True, populate_existing=True)


async def save_service_area(session: AsyncSession, area: models.ServiceArea) -> None:
    """Writes a tasker's area in place of an earlier one; hold the lock of their places."""
    await session.merge(area)


async def delete_service_area(session: AsyncSession, tasker_id: str) -> None:
    await session.execute(delete(ServiceArea).where(col(ServiceArea.tasker_id) == tasker_id))


async def load_service_area(database: Database, tasker_id: str) -> models.ServiceArea | None:
    """A tasker's area; outside of a transaction."""
    rows = await database.rows(ServiceArea, _columns.where(col(ServiceArea.tasker_id) == tasker_id))
    return next(iter(rows), None)


@dataclass(frozen=True, slots=True)
class Work:
    """What of a task says which taskers may want it. `point` is the public one."""

    task_id: str
    poster_id: str
    category_id: str
    point: Point


@dataclass(frozen=True, slots=True)
class NearTasker:
    """A tasker with the distance of their area's public centre from the task."""

    tasker_id: str
    distance_meters: float


def order(work: Work) -> Order:
    """Nearest first. Its cursors are of this task, where it is."""
    asked = f"{work.task_id} {work.point.latitude!r} {work.point.longitude!r}"
    return Order(f"taskers.near {asked}", distance(TABLE.c.center, work.point), col(ServiceArea.tasker_id))


def near(work: Work) -> Select[str, float]:
    """The taskers who work where a task is and in its category, with their distances, in no order.

    Without the poster, who is suspended, and whom a block lies between.
    """
    tasker, away = col(ServiceArea.tasker_id), distance(TABLE.c.center, work.point)
    categories = col(ServiceArea.category_ids)
    is_circle = col(ServiceArea.radius_meters).is_not(None)
    here = geography(work.point)
    return select(tasker, away).where(
        # A circle's reach is the box around it, a polygon's the polygon itself.
        TABLE.c.reach.op("&&")(here),
        case((is_circle, away.element <= col(ServiceArea.radius_meters)), else_=func.ST_Covers(TABLE.c.reach, here)),
        or_(func.cardinality(categories) == 0, literal(work.category_id) == any_(categories)),
        tasker != work.poster_id,
        ~is_suspended(tasker),
        ~has_blocked(tasker, work.poster_id),
        ~has_blocked(work.poster_id, tasker),
    )


async def list_near(database: Database, work: Work, window: Window) -> Page[NearTasker]:
    """A page of the taskers who work where a task is."""
    statement = near(work)

    async def count() -> int:
        return cast("int", (await database.fetch(select(func.count()).select_from(statement.subquery())))[0][0])

    return window.page(await database.rows(NearTasker, window.select(statement)), count)
