"""The GraphQL schema of tasks: authorize, call, return."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self, cast

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from shared import events
from shared.context import Context, Followed
from shared.errors import Forbidden
from shared.graphql.events import AFTER, StreamEvent
from shared.graphql.schema import build_schema, mutation, query, subscription
from shared.graphql.types import Money, MoneyInput, UserError, register_enum
from shared.idempotency import idempotent
from shared.ids import check_id
from shared.money import Money as Amount
from subgraphs.tasks import actions, models, rules, store
from subgraphs.tasks.loaders import Categories, Loaders
from subgraphs.tasks.rules import Mode, Status

Info = strawberry.Info[Context[Loaders], None]


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


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A person of the marketplace."
)
class User:
    id: ID = strawberry.field(description="The user's id.")


@strawberry.type(description="A kind of work. Two levels; tasks belong to the lower one.")
class Category:
    id: ID = strawberry.field(description="The category's id; it never changes.")
    slug: str = strawberry.field(description="A name for addresses, such as `home-cleaning`; it never changes.")
    name: str = strawberry.field(description="The name in English.")
    parent: "Category | None" = strawberry.field(description="The upper category; null for one itself.")
    children: list["Category"] = strawberry.field(
        description="The categories below, in the order to show; empty for a lower one."
    )

    @classmethod
    def tree(cls, rows: Sequence[models.Category]) -> Mapping[str, Self]:
        """All categories by id, parents and children linked."""
        by_id = {
            row.id: cls(id=ID(row.id), slug=row.slug, name=row.name, parent=None, children=[]) for row in rows
        }
        for row in rows:
            if row.parent_id is not None:
                by_id[row.id].parent = by_id[row.parent_id]
                by_id[row.parent_id].children.append(by_id[row.id])
        return by_id


categories = Categories(Category.tree)


@strawberry.federation.type(
    keys=["id"], description="A piece of work that somebody wants done. A draft is for its poster alone."
)
class Task:
    id: ID = strawberry.field(description="The task's id.")
    poster: User = strawberry.field(description="Who wants it done.")
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


@strawberry.type(description="Something that happened to a task. The task is as it was at that moment.")
class TaskEvent(StreamEvent):
    type: TaskEventType = strawberry.field(description="What happened.")
    task: Task = strawberry.field(description="The task right after it.")

    @classmethod
    def of(cls, followed: Followed) -> Self:
        envelope = followed.envelope
        return cls(
            seq=envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=envelope.occurred_at,
            type=TaskEventType(envelope.event.type.rpartition(".")[2]),
            task=Task.of_snapshot(_task_of(envelope.event)),
        )


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


def _task_of(event: events.Event) -> events.TaskSnapshot:
    return cast("events.TaskCreated", event).task


@strawberry.type
class Query:
    @query(description="A task; null if there is none, or if it is the draft of somebody else.")
    async def task(
        self, info: Info, id: Annotated[ID, strawberry.argument(description="The task's id.")]
    ) -> Task | None:
        return await visible_task(info, check_id(id, "task"))

    @query(description="The categories of the upper level, in the order to show.")
    async def categories(self, info: Info) -> list[Category]:
        known = await categories.know(info.context.database)
        return [category for category in known.values() if category.parent is None]


@strawberry.type
class Mutation:
    @mutation(description="Writes a draft of a task, or publishes it at once. Needs the role POSTER.")
    async def create_task(self, info: Info, input: CreateTaskInput) -> CreateTaskPayload:
        actor = info.context.require_actor()
        category_id = check_id(input.category_id, "category")
        budget = input.budget.parse(field=("budget",))
        async with info.context.transaction() as session:
            row = await idempotent(
                session,
                actor.id,
                input.idempotency_key,
                "createTask",
                input,
                run=lambda: actions.create_task(
                    session,
                    actor,
                    title=input.title,
                    description=input.description,
                    category_id=category_id,
                    budget=budget,
                    mode=input.mode,
                    due_at=input.due_at,
                    publish=input.publish,
                ),
                replay=lambda task_id: store.get_task(session, task_id),
            )
        await categories.know(info.context.database, (row.category_id,))
        return CreateTaskPayload.of(row)

    @mutation(description="Changes one's own draft or open task. Needs the role POSTER.")
    async def update_task(self, info: Info, input: UpdateTaskInput) -> UpdateTaskPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        changes = input.changes()
        await categories.know(info.context.database)
        async with info.context.transaction() as session:
            row = await actions.update_task(session, actor, task_id, input.expected_version, changes)
        await categories.know(info.context.database, (row.category_id,))
        return UpdateTaskPayload.of(row)

    @mutation(description="Opens one's own draft for bids. Needs the role POSTER.")
    async def publish_task(self, info: Info, input: PublishTaskInput) -> PublishTaskPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        await categories.know(info.context.database)
        async with info.context.transaction() as session:
            row = await actions.publish_task(session, actor, task_id, input.expected_version)
        await categories.know(info.context.database, (row.category_id,))
        return PublishTaskPayload.of(row)

    @mutation(description="Calls off one's own task before the work begins. Needs the role POSTER.")
    async def cancel_task(self, info: Info, input: CancelTaskInput) -> CancelTaskPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        async with info.context.transaction() as session:
            row = await actions.cancel_task(session, actor, task_id, input.reason)
        await categories.know(info.context.database, (row.category_id,))
        return CancelTaskPayload.of(row)


@strawberry.type
class Subscription:
    @subscription(description="What happens to a task; while it is a draft, for its poster alone.")
    async def task_events(
        self,
        info: Info,
        task_id: Annotated[ID, strawberry.argument(description="The task to follow.")],
        after: Annotated[int | None, AFTER] = None,
    ) -> AsyncIterator[TaskEvent]:
        task = await visible_task(info, check_id(task_id, "task"))
        if task is None:
            raise Forbidden("There is no such task, or you may not see it.")
        viewer = info.context.actor.id if info.context.actor else None

        def visible(event: events.Event) -> bool:
            snapshot = _task_of(event)
            return rules.may_see(viewer, snapshot.poster_id, snapshot.published_at)

        async for followed in info.context.follow(f"task:{task.id}", after, visible):
            await categories.know(info.context.database, (_task_of(followed.envelope.event).category_id,))
            yield TaskEvent.of(followed)


schema = build_schema(Query, Mutation, Subscription)
