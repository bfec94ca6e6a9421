"""What locations knows of tasks."""

from collections.abc import Sequence
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared import geo
from shared.graphql.schema import field
from shared.graphql.types import Point, PointInput
from subgraphs.locations import models, rules
from subgraphs.locations.schema.info import Info
from subgraphs.locations.schema.points import parse_point


@strawberry.federation.type(keys=["id"], description="A piece of work that somebody wants done.")
class Task:
    id: ID = strawberry.field(description="The task's id.")

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence[Self]:
        return [cls(id=ID(each)) for each in ids]

    @field(
        description="About where the work is done: the place's `publicPoint`. Null for a task that was not published "
        "or has no place."
    )
    async def public_point(self, info: Info) -> Point | None:
        point = public_point(await info.context.loaders.task_by_id.load(self.id))
        return Point.of(point) if point is not None else None

    @field(description="How far `publicPoint` is from somewhere, in metres; null without it.")
    async def distance_meters(
        self,
        info: Info,
        from_: Annotated[PointInput, strawberry.argument(name="from", description="From where to measure.")],
    ) -> float | None:
        here = parse_point(from_, "from")
        point = public_point(await info.context.loaders.task_by_id.load(self.id))
        return rules.geometry.distance_meters(here, point) if point is not None else None


def public_point(task: models.Task | None) -> geo.Point | None:
    """About where the work of a task is done, if it is known."""
    if task is None or task.latitude is None or task.longitude is None:
        return None
    return geo.Point(task.latitude, task.longitude)
