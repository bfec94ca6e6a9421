"""What `tasks` tells."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.events.base import Body, Event, Personal
from shared.money import Money


class TaskSnapshot(Body):
    """A task as it was after the event."""

    id: str
    poster_id: str
    tasker_id: str | None = Field(None, description="Set once the task is assigned.")
    title: Annotated[str, Personal("poster_id")]
    description: Annotated[str, Personal("poster_id")]
    category_id: str
    budget: Money
    mode: str = Field(description="`ONSITE` or `REMOTE`.")
    status: str
    version: int
    due_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = Field(None, description="When the task stops taking bids by itself.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    published_at: AwareDatetime | None = None
    cancelled_reason: Annotated[str | None, Personal("poster_id")] = Field(
        None, description="What was said when the task was called off."
    )


class _TaskEvent(Event):
    topic: ClassVar[str] = "tasks.task"

    task: TaskSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.task.id}"


class TaskCreated(_TaskEvent):
    """A poster wrote a draft, which nobody else may see."""

    type: ClassVar[str] = "tasks.task.created"


class TaskPublished(_TaskEvent):
    """A task is open for bids: a draft was published, or an expired task posted again."""

    type: ClassVar[str] = "tasks.task.published"


class TaskUpdated(_TaskEvent):
    """The poster changed a draft or an open task."""

    type: ClassVar[str] = "tasks.task.updated"


class TaskExpired(_TaskEvent):
    """An open task was not assigned in time."""

    type: ClassVar[str] = "tasks.task.expired"


class TaskAssigned(_TaskEvent):
    """The tasker of an accepted bid has the task."""

    type: ClassVar[str] = "tasks.task.assigned"

    bid_id: str


class TaskAssignmentRejected(_TaskEvent):
    """A bid was accepted, but the task cannot be assigned any more (cancelled or expired meanwhile)."""

    type: ClassVar[str] = "tasks.task.assignment_rejected"

    bid_id: str
    tasker_id: str
    reason: str


class TaskCancelled(_TaskEvent):
    """A task was called off."""

    type: ClassVar[str] = "tasks.task.cancelled"

    reason: Annotated[str, Personal("task.poster_id")]
    by: Literal["POSTER", "TASKER", "ADMIN", "SYSTEM"]
