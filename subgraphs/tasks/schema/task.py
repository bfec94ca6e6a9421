"""Tasks in the graph, and what is said to change them."""

from datetime import datetime
from typing import Self, cast

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from shared import events
from shared.context import Context
from shared.graphql.types import Money, MoneyInput, UserError, register_enum
from shared.ids import check_id
from shared.money import Money as Amount
from subgraphs.tasks import actions, models, rules
from subgraphs.tasks.loaders import Loaders
from subgraphs.tasks.rules import Mode, Status
from subgraphs.tasks.schema.category import Category, categories

Info = strawberry.Info[Context[Loaders], None]

register_enum(
    Status,
    name="TaskStatus",
    description="Where a task stands.",
    values={
        Status.DRAFT: "Only its poster can see it.",
        Status.OPEN: "Takes bids.",
        Status.ASSIGNED: "A tasker has it; the work has not begun.",
        Status.IN_PROGRESS: "The tasker is at work.",
        Status.DELIVERED: "The tasker has delivered; the poster has not answered yet.",
        Status.COMPLETED: "The poster approved the work, or let the time for an answer pass.",
        Status.EXPIRED: "The due time or 30 days passed without an accepted bid.",
        Status.CANCELLED: "Called off.",
        Status.DISPUTED: "Poster and tasker disagree; support decides.",
    },
)
register_enum(
    Mode,
    name="TaskMode",
    description="Where the work is done.",
    values={Mode.ONSITE: "At a place.", Mode.REMOTE: "From anywhere."},
)


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A person of the marketplace."
)
class User:
    id: ID = strawberry.field(description="The user's id.")


@strawberry.federation.type(
    keys=["id"], description="A piece of work that somebody wants done. A draft is for its poster alone."
)
class Task:
    id: ID = strawberry.field(description="The task's id.")
    poster: User | None = strawberry.field(description="Who wants it done; null while users cannot be reached.")
    tasker: User | None = strawberry.field(description="Who does it; null until it is assigned.")
    title: str = strawberry.field(description="What is to be done, in a line.")
    description: str = strawberry.field(description="What is to be done, in full.")
    category: Category = strawberry.field(description="What kind of work it is.")
    budget: Money = strawberry.field(description="What the poster thinks of paying for the whole task.")
    mode: Mode = strawberry.field(description="Where the work is done.")
    due_at: datetime | None = strawberry.field(description="When the work must be done; null if at any time.")
    status: Status = strawberry.field(description="Where the task stands.")
    version: int = strawberry.field(description="Counts the task's changes; `updateTask` takes it.")
    created_at: datetime = strawberry.field(description="When the draft was written.")
    updated_at: datetime = strawberry.field(description="When the task changed last.")
    published_at: datetime | None = strawberry.field(description="When it was published; null before that.")
    expires_at: datetime | None = strawberry.field(
        description="When it stops taking bids by itself: 30 days after publication, or when due if that is "
        "earlier; null for a draft."
    )
    cancelled_reason: str | None = strawberry.field(description="Why it was called off; null unless it was.")

    @classmethod
    def of(cls, row: models.Task) -> Self:
        return cls._of(row, Amount(row.budget_minor, row.currency), row.mode, row.status)

    @classmethod
    def of_snapshot(cls, task: events.TaskSnapshot) -> Self:
        """The task as it was when an event happened."""
        return cls._of(task, task.budget, Mode(task.mode), Status(task.status))

    @classmethod
    def _of(cls, task: models.Task | events.TaskSnapshot, budget: Amount, mode: Mode, status: Status) -> Self:
        return cls(
            id=ID(task.id),
            poster=User(id=ID(task.poster_id)),
            tasker=User(id=ID(task.tasker_id)) if task.tasker_id is not None else None,
            title=task.title,
            description=task.description,
            category=categories[task.category_id],
            budget=Money.of(budget),
            mode=mode,
            due_at=task.due_at,
            status=status,
            version=task.version,
            created_at=task.created_at,
            updated_at=task.updated_at,
            published_at=task.published_at,
            expires_at=task.expires_at,
            cancelled_reason=task.cancelled_reason,
        )

    @classmethod
    async def resolve_reference(cls, info: Info, id: ID) -> Self | None:
        return cast("Self | None", await visible_task(info, check_id(id, "task")))


@strawberry.input(description="A new task.")
class CreateTaskInput:
    title: str = strawberry.field(description="What is to be done, in a line of 10 to 100 characters.")
    description: str = strawberry.field(description="What is to be done, in 25 to 5,000 characters.")
    category_id: ID = strawberry.field(description="A category of the lower level.")
    budget: MoneyInput = strawberry.field(description="1 to 100,000 units of a currency.")
    mode: Mode = strawberry.field(description="Where the work is done.")
    due_at: datetime | None = strawberry.field(default=None, description="When the work must be done.")
    publish: bool = strawberry.field(
        default=False, description="Whether to publish it at once; otherwise it is a draft."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Sent again with the same key within 24 hours, the input has one effect."
    )


@strawberry.input(description="What to change of a draft or an open task; what is left out stays as it is.")
class UpdateTaskInput:
    task_id: ID = strawberry.field(description="One's own draft or open task.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )
    title: str | None = strawberry.field(default=None, description="10 to 100 characters.")
    description: str | None = strawberry.field(default=None, description="25 to 5,000 characters.")
    category_id: ID | None = strawberry.field(default=None, description="A category of the lower level.")
    budget: MoneyInput | None = strawberry.field(
        default=None, description="1 to 100,000 units; once the task is published, of the same currency."
    )
    mode: Mode | None = strawberry.field(default=None, description="Where the work is done.")
    due_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When the work must be done; null takes the due time away."
    )

    def changes(self) -> actions.Changes:
        """Raises InvalidAmount, InvalidId."""
        return actions.Changes(
            title=self.title,
            description=self.description,
            category_id=check_id(self.category_id, "category") if self.category_id is not None else None,
            budget=self.budget.parse(field=("budget",)) if self.budget is not None else None,
            mode=self.mode,
            due_at=self.due_at or None,
            clear_due=self.due_at is None,
        )


@strawberry.input(description="The draft to publish.")
class PublishTaskInput:
    task_id: ID = strawberry.field(description="One's own draft.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="The task to call off.")
class CancelTaskInput:
    task_id: ID = strawberry.field(description="One's own task: a draft, open, or assigned.")
    reason: str = strawberry.field(
        description="Why, in 1 to 500 characters; everybody who may see the task can read it."
    )


@strawberry.type(description="The outcome of a mutation of one task.")
class TaskPayload:
    task: Task | None = strawberry.field(
        default=None, description="The task after it; null if it was refused, except for `VERSION_CONFLICT`."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Task) -> Self:
        return cls(task=Task.of(row))


@strawberry.type(description="The outcome of `createTask`.")
class CreateTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `updateTask`.")
class UpdateTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `publishTask`.")
class PublishTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `cancelTask`.")
class CancelTaskPayload(TaskPayload): ...


async def visible_task(info: Info, task_id: str) -> Task | None:
    """A task that the caller may see, or None."""
    row = await info.context.loaders.task_by_id.load(task_id)
    viewer = info.context.actor.id if info.context.actor else None
    if row is None or not rules.may_see(viewer, row.poster_id, row.published_at):
        return None
    await categories.know(info.context.database, (row.category_id,))
    return Task.of(row)
