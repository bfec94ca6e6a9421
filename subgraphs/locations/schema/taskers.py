"""Taskers who work where a task is."""

from functools import partial
from typing import Annotated, Self

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from shared.graphql.ids import TaskId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import query
from shared.identity.actor import MARKETPLACE
from shared.ids import id_of_row
from subgraphs.locations import store
from subgraphs.locations.schema.info import Info
from subgraphs.locations.schema.task import public_point
from subgraphs.locations.store.service_areas import NearTasker, Work


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A person of the marketplace."
)
class User:
    id: ID = strawberry.field(description="The user's id.")


@strawberry.type(description="A tasker who works where a task is.")
class NearbyTasker:
    id: ID = strawberry.field(description="Tells it from all others in a client's cache; `node` does not take it.")
    tasker: User | None = strawberry.field(description="Who; null while users cannot be reached.")
    distance_meters: float = strawberry.field(
        description="How far the task's `publicPoint` is from the centre of their service area, which is shown as "
        "the `publicPoint` of a place there would be."
    )

    @classmethod
    def of(cls, task_id: str, row: NearTasker) -> Self:
        return cls(
            id=ID(id_of_row("near", task_id, row.tasker_id)),
            tasker=User(id=ID(row.tasker_id)),
            distance_meters=row.distance_meters,
        )


@strawberry.type
class TaskersQuery:
    @query(
        description="The taskers who work where a task of the caller's is and in its category, nearest first. Without "
        "those who are suspended, and whom a block lies between. Null for a task that is not the caller's, was not "
        "published or has no place.",
        scope=MARKETPLACE,
    )
    async def taskers_near(
        self,
        info: Info,
        task_id: Annotated[TaskId, strawberry.argument(description="A task that the caller has posted.")],
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[NearbyTasker] | None:
        task = await info.context.loaders.task_by_id.load(task_id)
        point = public_point(task)
        if task is None or point is None or task.poster_id != info.context.require_actor().id:
            return None
        work = Work(task.id, task.poster_id, task.category_id, point)
        window = store.service_areas.order(work).window(first, after, last, before)
        page = await store.service_areas.list_near(info.context.database, work, window)
        return Connection.of(page, partial(NearbyTasker.of, task.id))
