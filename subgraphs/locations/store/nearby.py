"""SQL of lists of nearby tasks."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Float, Label, Select, bindparam, func, select
from sqlmodel import col

from shared import clock
from shared.database.db import Database, any_of
from shared.geo import Point
from shared.graphql.pagination import Order, Page, Window
from shared.money import CurrencyCode
from subgraphs.locations import models
from subgraphs.locations.store.points import distance, geography
from subgraphs.locations.store.tasks import TABLE

Task = models.Task


@dataclass(frozen=True, slots=True)
class Filter:
    """Which open tasks to list; None leaves all."""

    category_ids: tuple[str, ...] | None = None
    """Sorted, since cursors hold a checksum of the filter."""
    currency: CurrencyCode | None = None
    budget_min_minor: int | None = None
    budget_max_minor: int | None = None
    posted_after: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        if self.category_ids is not None:
            conditions.append(any_of(col(Task.category_id), self.category_ids))
        if self.currency is not None:
            conditions.append(col(Task.currency) == self.currency)
        if self.budget_min_minor is not None:
            conditions.append(col(Task.budget_minor) >= self.budget_min_minor)
        if self.budget_max_minor is not None:
            conditions.append(col(Task.budget_minor) <= self.budget_max_minor)
        if self.posted_after is not None:
            conditions.append(col(Task.published_at) > self.posted_after)
        return conditions


@dataclass(frozen=True, slots=True)
class Near:
    """A task with its distance."""

    id: str
    distance_meters: float


def order(center: Point, radius_meters: float, filter: Filter) -> Order:
    """Nearest first. Its cursors are of this very question."""
    asked = f"{center.latitude!r} {center.longitude!r} {radius_meters!r} {filter!r}"
    return Order(f"tasks.nearby {asked}", _distance(center), col(Task.id))


def nearby(center: Point, radius_meters: float, filter: Filter) -> Select[str, float]:
    """Open tasks within a radius of a point, with their distances, in no order.

    What ST_DWithin does, in its two parts: the planner takes it for far more selective than it is, and would rather
    sort all that is within the radius than read the index in its order.
    """
    radius = bindparam("radius", radius_meters, Float)
    in_reach = TABLE.c.point.op("&&")(func._ST_Expand(geography(center), radius))
    return select(col(Task.id), _distance(center)).where(
        models.IS_OPEN,
        in_reach,
        _distance(center).element <= radius,
        col(Task.expires_at) > clock.now(),
        *filter.conditions(),
    )


async def list_nearby(
    database: Database, center: Point, radius_meters: float, filter: Filter, window: Window
) -> Page[Near]:
    """A page of the open tasks around a point, by the distance of their public points."""
    statement = nearby(center, radius_meters, filter)

    async def count() -> int:
        return cast("int", (await database.fetch(select(func.count()).select_from(statement.subquery())))[0][0])

    rows = await database.fetch(page_of(statement, window))
    return window.page(cast("list[Near]", rows), count)


def page_of(statement: Select[str, float], window: Window) -> Select[str, float]:
    """`statement` restricted to the page and one row more.

    The index can be read in the order of the distance alone, so that comes first, with all that are as far away as the
    last one; several tasks at one place are. Then these few are sorted by their ids too.
    """
    distance = window.order.columns[0]
    if window.after is not None:
        statement = statement.where(window.order.beyond(window.after, following=True))
    if window.before is not None:
        statement = statement.where(window.order.beyond(window.before, following=False))
    first = distance.desc() if window.backwards else distance
    nearest = statement.order_by(first).fetch(window.size + 1, with_ties=True).subquery("nearest")
    columns = [nearest.c.distance_meters, nearest.c.id]
    return (
        select(nearest.c.id, nearest.c.distance_meters)
        .order_by(*window.order.sorted(columns, backwards=window.backwards))
        .limit(window.size + 1)
    )


def _distance(center: Point) -> Label[float]:
    return distance(TABLE.c.point, center)
