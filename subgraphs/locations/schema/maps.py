"""The map of open tasks."""

from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared.graphql.limits import list_size
from shared.graphql.schema import query
from shared.graphql.types import Point, PointInput
from subgraphs.locations import rules, store
from subgraphs.locations.schema.info import Info
from subgraphs.locations.schema.points import parse_point
from subgraphs.locations.schema.task import Task
from subgraphs.locations.store.maps import Cluster


@strawberry.input(description="A rectangle of the map. One whose west is east of its east crosses the antimeridian.")
class BoundsInput:
    south_west: PointInput = strawberry.field(description="Its lower left corner.")
    north_east: PointInput = strawberry.field(description="Its upper right corner.")


@strawberry.type(description="Several open tasks that are close to each other at this zoom.")
class TaskCluster:
    count: int = strawberry.field(description="How many.")
    center: Point = strawberry.field(description="The middle of their public points.")

    @classmethod
    def of(cls, cluster: Cluster) -> Self:
        return cls(count=cluster.tasks, center=Point.of(rules.maps.point_of(cluster.x, cluster.y)))


@strawberry.type(description="The open tasks in a part of the map, each either in a cluster or by itself.")
class TasksInView:
    found: strawberry.Private[list[Cluster]]

    @strawberry.federation.field(
        description="Where there are several within 64 pixels.", directives=[list_size(assumed_size=200)]
    )
    def clusters(self) -> list[TaskCluster]:
        return [TaskCluster.of(each) for each in self.found if each.task_id is None]

    @strawberry.federation.field(
        description="Where there is one within 64 pixels; null in the place of one that can no longer be seen.",
        directives=[list_size(assumed_size=200)],
    )
    def tasks(self) -> list[Task | None]:
        return [Task(id=ID(each.task_id)) for each in self.found if each.task_id is not None]

    @strawberry.field(description="How many tasks there are in all of it.")
    def count(self) -> int:
        return sum(each.tasks for each in self.found)


@strawberry.type
class MapQuery:
    @query(
        description="The open tasks in the part of the map that one looks at, by their public points. The map is in "
        "Web Mercator; it is divided into squares of 64 pixels, and a square that the bounds touch counts as a whole."
    )
    async def tasks_in_view(
        self,
        info: Info,
        bounds: Annotated[BoundsInput, strawberry.argument(description="What one looks at.")],
        zoom: Annotated[
            int,
            strawberry.argument(
                description="As of map tiles, 0 to 22: the world is 256 pixels wide at 0, twice that at 1."
            ),
        ],
    ) -> TasksInView | None:
        south_west = parse_point(bounds.south_west, "bounds.southWest")
        north_east = parse_point(bounds.north_east, "bounds.northEast")
        view = rules.maps.view_of(south_west, north_east, zoom)
        return TasksInView(found=list(await store.maps.list_clusters(info.context.database, view)))
