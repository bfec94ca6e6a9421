"""What happens to tasks, for subscribers."""

from enum import StrEnum
from typing import Self, cast

import strawberry

from shared import events
from shared.context import Followed
from shared.graphql.events import StreamEvent, made_once
from shared.graphql.types import register_enum
from subgraphs.tasks.schema.task import Task


class TaskEventType(StrEnum):
    """What happened to a task; the last part of its event's type."""

    CREATED = "created"
    PUBLISHED = "published"
    UPDATED = "updated"
    EXPIRED = "expired"
    ASSIGNED = "assigned"
    ASSIGNMENT_REJECTED = "assignment_rejected"
    CANCELLED = "cancelled"


register_enum(
    TaskEventType,
    description="What happened to a task.",
    values={
        TaskEventType.CREATED: "The poster wrote a draft.",
        TaskEventType.PUBLISHED: "The task takes bids from now on.",
        TaskEventType.UPDATED: "The poster changed the task.",
        TaskEventType.EXPIRED: "Nobody got the task in time.",
        TaskEventType.ASSIGNED: "A tasker has the task.",
        TaskEventType.ASSIGNMENT_REJECTED: "A bid was accepted when the task could not be assigned any more.",
        TaskEventType.CANCELLED: "The task was called off.",
    },
)


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
