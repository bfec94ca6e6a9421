"""What happens to tasks, for subscribers."""

from collections.abc import AsyncIterator
from typing import Annotated, Self, cast

import strawberry

from shared import events
from shared.context import Followed
from shared.errors import Forbidden
from shared.graphql.events import AFTER, StreamEvent, made_once
from shared.graphql.ids import TaskId
from shared.graphql.schema import subscription
from subgraphs.tasks import rules
from subgraphs.tasks.schema.category import categories
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import Task, visible_task
from subgraphs.tasks.schema.timeline import TaskEventType


@strawberry.type(description="Something that happened to a task. The task is as it was at that moment.")
class TaskEvent(StreamEvent):
    type: TaskEventType = strawberry.field(description="What happened.")
    task: Task = strawberry.field(description="The task right after it.")

    @classmethod
    @made_once
    def of(cls, followed: Followed) -> Self:
        envelope = followed.envelope
        return cls(
            seq=envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=envelope.occurred_at,
            type=TaskEventType(envelope.event.type.rpartition(".")[2]),
            task=Task.of_snapshot(task_of(envelope.event)),
        )


def task_of(event: events.Event) -> events.TaskSnapshot:
    """The task that an event of this subgraph carries."""
    return cast("events.TaskCreated", event).task


@strawberry.type
class EventSubscription:
    @subscription(
        description="What happens to a task: what poster and tasker settle for the two of them, what "
        "befalls a draft and how the task is paid for its poster."
    )
    async def task_events(
        self,
        info: Info,
        task_id: Annotated[TaskId, strawberry.argument(description="The task to follow.")],
        after: Annotated[int | None, AFTER] = None,
    ) -> AsyncIterator[TaskEvent]:
        task = await visible_task(info, task_id)
        if task is None:
            raise Forbidden("There is no such task, or you may not see it.")
        viewer = info.context.actor.id if info.context.actor else None

        def visible(event: events.Event) -> bool:
            task = task_of(event)
            happened = event.type.rpartition(".")[2]
            audience = rules.timeline.audience(happened, published=task.published_at is not None)
            return rules.timeline.may_see(audience, viewer, task.poster_id, task.tasker_id)

        async for followed in info.context.follow(f"task:{task.id}", after, visible):
            await categories.know(info.context.database, (task_of(followed.envelope.event).category_id,))
            yield TaskEvent.of(followed)
