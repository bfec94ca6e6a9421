"""What happened to tasks."""

from datetime import datetime
from enum import StrEnum
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.types import register_enum
from shared.ids import id_of_row
from subgraphs.tasks import models
from subgraphs.tasks.schema.user import User


class TaskEventType(StrEnum):
    """What happened to a task; the last part of its event's type."""

    CREATED = "created"
    PUBLISHED = "published"
    UPDATED = "updated"
    EXPIRED = "expired"
    FUNDING_STARTED = "funding_started"
    FUNDING_FAILED = "funding_failed"
    ASSIGNED = "assigned"
    STARTED = "started"
    DELIVERED = "delivered"
    CHANGES_REQUESTED = "changes_requested"
    COMPLETED = "completed"
    ASSIGNMENT_REJECTED = "assignment_rejected"
    CANCELLED = "cancelled"
    RESCHEDULE_REQUESTED = "reschedule_requested"
    RESCHEDULE_ANSWERED = "reschedule_answered"
    PRICE_CHANGE_REQUESTED = "price_change_requested"
    PRICE_CHANGE_ANSWERED = "price_change_answered"
    PRICE_CHANGE_SETTLED = "price_change_settled"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLATION_ANSWERED = "cancellation_answered"
    QUESTION_ASKED = "question_asked"
    QUESTION_ANSWERED = "question_answered"


register_enum(
    TaskEventType,
    description="What happened to a task.",
    values={
        TaskEventType.CREATED: "The poster wrote a draft.",
        TaskEventType.PUBLISHED: "The task takes bids from now on.",
        TaskEventType.UPDATED: "The poster changed the task.",
        TaskEventType.EXPIRED: "Nobody got the task in time.",
        TaskEventType.FUNDING_STARTED: "A bid was accepted, and the poster is being charged. For the poster.",
        TaskEventType.FUNDING_FAILED: "The money did not come, so the bid is open again. For the poster.",
        TaskEventType.ASSIGNED: "A tasker has the task.",
        TaskEventType.ASSIGNMENT_REJECTED: "A bid was accepted when the task could not be assigned any more.",
        TaskEventType.STARTED: "The tasker began the work.",
        TaskEventType.DELIVERED: "The tasker says that the work is done.",
        TaskEventType.CHANGES_REQUESTED: "The poster sent the delivery back. For the two of them.",
        TaskEventType.COMPLETED: "The poster approved the work, or let the time for an answer pass.",
        TaskEventType.CANCELLED: "The task was called off.",
        TaskEventType.RESCHEDULE_REQUESTED: "One of poster and tasker wants another time. For the two of them.",
        TaskEventType.RESCHEDULE_ANSWERED: "The other one agreed to it or did not. For the two of them.",
        TaskEventType.PRICE_CHANGE_REQUESTED: "One of poster and tasker wants another price. For the two of them.",
        TaskEventType.PRICE_CHANGE_ANSWERED: "The other one agreed to it or did not. For the two of them.",
        TaskEventType.PRICE_CHANGE_SETTLED: "The difference to a higher price is held, or did not come. For the two of "
        "them.",
        TaskEventType.CANCELLATION_REQUESTED: "One of poster and tasker wants to end it. For the two of them.",
        TaskEventType.CANCELLATION_ANSWERED: "The other one agreed to it or did not. For the two of them.",
        TaskEventType.QUESTION_ASKED: "Somebody asked something.",
        TaskEventType.QUESTION_ANSWERED: "The poster answered a question.",
    },
)


@strawberry.type(description="Something that happened to a task.")
class TaskStep:
    id: ID = strawberry.field(description="Tells it from all others in a client's cache; `node` does not take it.")
    seq: int = strawberry.field(description="The number of its event in `taskEvents`.")
    type: TaskEventType = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    actor: User | None = strawberry.field(
        description="Who did it; null if time or the marketplace did, or while users cannot be reached."
    )
    message: str | None = strawberry.field(
        description="What they said to the other side, for poster and tasker; null for others and without words."
    )

    @classmethod
    def of(cls, row: models.Step, *, tell: bool) -> Self:
        """`tell` is whether the viewer may read what was said."""
        return cls(
            id=ID(id_of_row("step", row.task_id, row.seq)),
            seq=row.seq,
            type=TaskEventType(row.type),
            occurred_at=row.occurred_at,
            actor=User(id=ID(row.actor_id)) if row.actor_id is not None else None,
            message=row.message if tell else None,
        )
