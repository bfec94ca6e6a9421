"""What `tasks` tells."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.events.base import Body, Event, Personal
from shared.money import Money


class AttachmentSnapshot(Body):
    """A file at a task."""

    id: str
    filename: str
    content_type: str
    size_bytes: int


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
    place_id: str | None = Field(None, description="Where the work is done, in `locations`; addresses never travel.")
    requirements: Annotated[tuple[str, ...] | None, Personal("poster_id", None)] = Field(
        None, description="What the poster asks for, a text each; null where an older event does not tell."
    )
    attachments: Annotated[tuple[AttachmentSnapshot, ...] | None, Personal("poster_id", None)] = Field(
        None, description="The files at the task; null where an older event does not tell."
    )
    due_from: AwareDatetime | None = Field(None, description="When a window for the work begins; it ends at `due_at`.")
    due_at: AwareDatetime | None = None
    time_zone: str = Field("UTC", description="An IANA name: in which one the poster thinks of the due time.")
    expires_at: AwareDatetime | None = Field(None, description="When the task stops taking bids by itself.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    published_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = Field(None, description="When the tasker began.")
    delivered_at: AwareDatetime | None = Field(
        None, description="When the tasker delivered what the poster has not sent back."
    )
    completed_at: AwareDatetime | None = Field(None, description="When the work was approved.")
    cancelled_by_id: str | None = Field(None, description="Who of the two called the task off.")
    cancelled_reason: Annotated[str | None, Personal("poster_id"), Personal("cancelled_by_id")] = Field(
        None, description="What was said when the task was called off."
    )


class AgreementSnapshot(Body):
    """What one of poster and tasker asks of the other, as it was after the event."""

    id: str
    kind: str = Field(description="`RESCHEDULE`, `PRICE_CHANGE` or `CANCELLATION`.")
    status: str
    version: int
    requested_by: str = Field(description="`POSTER` or `TASKER`.")
    requested_by_id: str
    message: Annotated[str, Personal("requested_by_id")]
    due_from: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    time_zone: str | None = None
    price: Money | None = Field(None, description="The price that is asked for.")
    price_before: Money | None = Field(None, description="What was agreed on when it was asked for.")
    expires_at: AwareDatetime | None = Field(None, description="When a cancellation counts as agreed to.")


class QuestionSnapshot(Body):
    """A question about a task, as it was after the event. Everybody can read it."""

    id: str
    asker_id: str
    poster_id: str
    text: Annotated[str, Personal("asker_id")]
    answer: Annotated[str | None, Personal("poster_id")] = None


class TaskEvent(Event):
    """Something that happened to a task."""

    topic: ClassVar[str] = "tasks.task"

    task: TaskSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.task.id}"


class TaskCreated(TaskEvent):
    """A poster wrote a draft, which nobody else may see."""

    type: ClassVar[str] = "tasks.task.created"


class TaskPublished(TaskEvent):
    """A task is open for bids: a draft was published, or an expired task posted again."""

    type: ClassVar[str] = "tasks.task.published"

    reposted: bool = Field(False, description="Whether it was open before and had expired.")


class TaskUpdated(TaskEvent):
    """The poster changed a draft or an open task."""

    type: ClassVar[str] = "tasks.task.updated"


class TaskExpired(TaskEvent):
    """An open task was not assigned in time."""

    type: ClassVar[str] = "tasks.task.expired"


class TaskFundingStarted(TaskEvent):
    """A bid was accepted, and the poster is being charged its price. For the poster."""

    type: ClassVar[str] = "tasks.task.funding_started"

    bid_id: str


class TaskFundingFailed(TaskEvent):
    """The price of an accepted bid did not come: it is open again. For the poster."""

    type: ClassVar[str] = "tasks.task.funding_failed"

    bid_id: str
    reason: str = Field(description="A value of `EscrowFailureReason`.")


class TaskAssigned(TaskEvent):
    """The tasker of an accepted bid has the task."""

    type: ClassVar[str] = "tasks.task.assigned"

    bid_id: str


class TaskAssignmentRejected(TaskEvent):
    """A bid was accepted, but the task cannot be assigned any more (cancelled or expired meanwhile)."""

    type: ClassVar[str] = "tasks.task.assignment_rejected"

    bid_id: str
    bid_version: int | None = Field(
        None, description="That of the acceptance; null where an older event does not tell."
    )
    tasker_id: str
    reason: str


class TaskStarted(TaskEvent):
    """The tasker began the work."""

    type: ClassVar[str] = "tasks.task.started"


class TaskDelivered(TaskEvent):
    """The tasker says that the work is done; the poster answers."""

    type: ClassVar[str] = "tasks.task.delivered"

    approval_due_at: AwareDatetime | None = Field(None, description="When it counts as approved without an answer.")

    message: Annotated[str, Personal("task.tasker_id")]


class TaskChangesRequested(TaskEvent):
    """The poster sent a delivery back; the tasker is at work again."""

    type: ClassVar[str] = "tasks.task.changes_requested"

    message: Annotated[str, Personal("task.poster_id")]


class TaskCompleted(TaskEvent):
    """The work is approved: what is held for it is the tasker's."""

    type: ClassVar[str] = "tasks.task.completed"

    by: Literal["POSTER", "TIMER", "SUPPORT"] = Field(
        description="`TIMER`: the poster let the time for an answer pass; `SUPPORT`: a dispute ended so."
    )


class TaskAgreementEvent(TaskEvent):
    """Poster and tasker settle something with each other."""

    agreement: AgreementSnapshot


class TaskRescheduleRequested(TaskAgreementEvent):
    """One of poster and tasker wants another time."""

    type: ClassVar[str] = "tasks.task.reschedule_requested"


class TaskRescheduleAnswered(TaskAgreementEvent):
    """The other one agreed to another time or did not; if so, the task is due then."""

    type: ClassVar[str] = "tasks.task.reschedule_answered"

    accepted: bool


class TaskPriceChangeRequested(TaskAgreementEvent):
    """One of poster and tasker wants another price."""

    type: ClassVar[str] = "tasks.task.price_change_requested"


class TaskPriceChangeAnswered(TaskAgreementEvent):
    """The other one agreed to another price or did not.

    A lower price counts at once. A higher one counts when the difference is held: until then the price stays.
    """

    type: ClassVar[str] = "tasks.task.price_change_answered"

    accepted: bool
    awaiting_funding: bool = False


class TaskPriceChangeSettled(TaskAgreementEvent):
    """The difference to a higher price is held: the price counts now. Or it did not come, and the price stays."""

    type: ClassVar[str] = "tasks.task.price_change_settled"

    funded: bool


class TaskCancellationRequested(TaskAgreementEvent):
    """One of poster and tasker wants to end what has begun; without an answer for 48 hours it ends."""

    type: ClassVar[str] = "tasks.task.cancellation_requested"


class TaskCancellationAnswered(TaskAgreementEvent):
    """The other one agreed to the end or did not; if so, `tasks.task.cancelled` follows."""

    type: ClassVar[str] = "tasks.task.cancellation_answered"

    accepted: bool


class TaskQuestionEvent(TaskEvent):
    """Somebody asks or answers in public."""

    question: QuestionSnapshot


class TaskQuestionAsked(TaskQuestionEvent):
    """Somebody asked the poster of an open task something."""

    type: ClassVar[str] = "tasks.task.question_asked"


class TaskQuestionAnswered(TaskQuestionEvent):
    """The poster answered a question."""

    type: ClassVar[str] = "tasks.task.question_answered"


class TaskCancelled(TaskEvent):
    """A task was called off."""

    type: ClassVar[str] = "tasks.task.cancelled"

    reason: Annotated[str, Personal("task.poster_id"), Personal("task.cancelled_by_id")]
    by: Literal["POSTER", "TASKER", "ADMIN", "SYSTEM"]
    fault: Literal["POSTER", "TASKER", "NOBODY"] = Field(
        "NOBODY", description="On whose account a task that somebody had comes to nothing."
    )
    poster_owes_percent: int = Field(
        0, description="The share of the price that goes to the tasker; the rest goes back."
    )
    unanswered: bool = Field(False, description="Whether it ended since a request to end it was not answered.")


TASK_EVENTS: Sequence[type[TaskEvent]] = tuple(
    each
    for parent in (TaskEvent, TaskAgreementEvent, TaskQuestionEvent)
    for each in parent.__subclasses__()
    if each.type
)
"""All of them, for who cares about the status of a task, whatever brought it there."""
