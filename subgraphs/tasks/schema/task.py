"""Tasks in the graph, and what is said to change them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, ParamSpec, Self

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

from shared import clock, events
from shared.graphql.acting import Action, act
from shared.graphql.entities import Node, entity
from shared.graphql.ids import TaskId
from shared.graphql.limits import list_size
from shared.graphql.pagination import After, Before, Connection, First, Last, Page
from shared.graphql.schema import field, query
from shared.graphql.types import Money, UserError, register_commands, register_enum
from shared.identity.actor import MARKETPLACE
from shared.money import Money as Amount
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.rules.agreements import Kind
from subgraphs.tasks.rules.commands import ASKED_OF_THE_OTHER, Facts
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Mode, Party, Status
from subgraphs.tasks.schema.agreement import TaskAgreement
from subgraphs.tasks.schema.attachment import Attachment
from subgraphs.tasks.schema.category import Category, categories
from subgraphs.tasks.schema.info import Info, visible_rows
from subgraphs.tasks.schema.question import TaskQuestion
from subgraphs.tasks.schema.timeline import TaskStep
from subgraphs.tasks.schema.user import NOBODY, User

P = ParamSpec("P")

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
register_commands(
    Command,
    TRANSITIONS,
    name="TaskCommand",
    description="What somebody can do with a task.",
    values={
        Command.UPDATE: "Change it, by `updateTask`; bring files to it and take them away.",
        Command.PUBLISH: "Open the draft for bids, by `publishTask`.",
        Command.REPOST: "Open it for bids once more, by `repostTask`.",
        Command.START: "Begin the work, by `startTask`.",
        Command.DELIVER: "Say that the work is done, by `submitDelivery`.",
        Command.REQUEST_CHANGES: "Send the delivery back, by `requestChanges`.",
        Command.APPROVE: "Approve the delivery, by `approveDelivery`.",
        Command.CANCEL: "Call it off, by `cancelTask`.",
        Command.RESCHEDULE: "Ask the other side for another time, by `requestReschedule`.",
        Command.CHANGE_PRICE: "Ask the other side for another price, by `requestPriceChange`.",
        Command.CANCEL_TOGETHER: "Ask the other side to end what has begun, by `requestCancellation`.",
    },
)
register_enum(
    Mode,
    name="TaskMode",
    description="Where the work is done.",
    values={Mode.ONSITE: "At a place.", Mode.REMOTE: "From anywhere."},
)


@strawberry.federation.type(
    keys=[Key(fields=FieldSet("id"), resolvable=False)], description="A point of the earth where work is done."
)
class Place:
    id: ID = strawberry.field(description="The place's id.")


@entity(description="A piece of work that somebody wants done. A draft is for its poster alone.")
class Task(Node):
    id: ID = strawberry.field(description="The task's id.")
    poster: User | None = strawberry.field(description="Who wants it done; null while users cannot be reached.")
    tasker: User | None = strawberry.field(description="Who does it; null until it is assigned.")
    title: str = strawberry.field(description="What is to be done, in a line.")
    description: str = strawberry.field(description="What is to be done, in full.")
    category: Category = strawberry.field(description="What kind of work it is.")
    budget: Money = strawberry.field(description="What the poster thinks of paying for the whole task.")
    mode: Mode = strawberry.field(description="Where the work is done.")
    place: Place | None = strawberry.field(
        description="Where the work is done; null for work from anywhere, and while locations cannot be reached."
    )
    requirements: list[str] = strawberry.field(description="What the poster asks for, a text each.")
    attachments: list[Attachment] = strawberry.federation.field(
        description="The files at it, the oldest first, at most 10; those that are still uploaded are none yet.",
        directives=[list_size(assumed_size=10)],
    )
    due_from: datetime | None = strawberry.field(
        description="When the window for the work begins; null if only its end counts."
    )
    due_at: datetime | None = strawberry.field(description="When the work must be done; null if at any time.")
    time_zone: str = strawberry.field(
        description="In which time zone the poster thinks of the due time: an IANA name such as `Asia/Bangkok`."
    )
    status: Status = strawberry.field(description="Where the task stands.")
    version: int = strawberry.field(description="Counts the task's changes; `updateTask` takes it.")
    created_at: datetime = strawberry.field(description="When the draft was written.")
    updated_at: datetime = strawberry.field(description="When the task changed last.")
    published_at: datetime | None = strawberry.field(description="When it was published; null before that.")
    expires_at: datetime | None = strawberry.field(
        description="When it stops taking bids by itself: 30 days after publication, or when due if that is "
        "earlier; null for a draft."
    )
    started_at: datetime | None = strawberry.field(description="When the tasker began; null before that.")
    delivered_at: datetime | None = strawberry.field(
        description="When the tasker delivered; null before that, and after the poster asked for changes."
    )
    approval_due_at: datetime | None = strawberry.field(
        description="When the delivery counts as approved, 14 days after it; null unless the poster is to answer one."
    )
    completed_at: datetime | None = strawberry.field(description="When the work was approved; null before that.")
    cancelled_by: Party | None = strawberry.field(
        description="Who called it off; null unless one of the two did, such as when one of them left."
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
            place=Place(id=ID(task.place_id)) if task.place_id is not None else None,
            requirements=list(task.requirements or ()),
            attachments=[Attachment.of(each) for each in task.attachments or ()],
            due_from=task.due_from,
            due_at=task.due_at,
            time_zone=task.time_zone,
            status=status,
            version=task.version,
            created_at=task.created_at,
            updated_at=task.updated_at,
            published_at=task.published_at,
            expires_at=task.expires_at,
            started_at=task.started_at,
            delivered_at=task.delivered_at,
            approval_due_at=rules.tasks.approval_due_at(status, task.delivered_at),
            completed_at=task.completed_at,
            cancelled_by=_side(task, task.cancelled_by_id) if task.cancelled_by_id is not None else None,
            cancelled_reason=task.cancelled_reason,
        )

    @field(description="What poster and tasker agreed on for the whole task, as it is now; for the two of them.")
    async def price(self, info: Info) -> Money | None:
        if info.context.actor is None or not self._is_party(info.context.actor.id):
            return None
        row = await info.context.loaders.task_by_id.load(self.id)
        if row is None or row.price_minor is None:
            return None
        return Money.of(Amount(row.price_minor, row.currency))

    @field(
        description="What the caller can do with the task as it is here: now, or right after an event. `PUBLISH` is "
        "left out while something is missing. Null if it cannot be told at the moment."
    )
    async def viewer_can(self, info: Info) -> list[Command] | None:
        viewer = info.context.actor
        if viewer is None or self.poster is None:
            return []
        task = Facts(
            poster_id=self.poster.id,
            tasker_id=self.tasker.id if self.tasker is not None else None,
            status=self.status,
            mode=self.mode,
            place_id=self.place.id if self.place is not None else None,
            due_at=self.due_at,
        )
        unsettled: Collection[Kind] = ()
        if task.status in ASKED_OF_THE_OTHER and task.sides(viewer.id):
            unsettled = await info.context.loaders.unsettled_kinds_by_task_id.load(self.id)
        return rules.commands.commands(viewer, task, unsettled, clock.now())

    @field(description="What poster and tasker ask of each other, newest first; for the two of them.")
    async def agreements(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[TaskAgreement] | None:
        viewer_id = info.context.actor.id if info.context.actor else NOBODY
        window = store.agreements.NEWEST.window(first, after, last, before)
        page = await info.context.loaders.agreement_page_by_task_id(viewer_id).load((self.id, window))
        return Connection.of(page, TaskAgreement.of)

    @field(description="What people asked about the task while it was open, oldest first.")
    async def questions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[TaskQuestion] | None:
        window = store.questions.OLDEST.window(first, after, last, before)
        page = await info.context.loaders.question_page_by_task_id.load((self.id, window))
        return Connection.of(page, TaskQuestion.of)

    @field(
        description="What happened to the task, oldest first: what was settled between poster and tasker for the two "
        "of them, what befell the draft for the poster."
    )
    async def timeline(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[TaskStep] | None:
        viewer_id = info.context.actor.id if info.context.actor else NOBODY
        window = store.timeline.OLDEST.window(first, after, last, before)
        page = await info.context.loaders.step_page_by_task_id(viewer_id).load((self.id, window))
        is_party = self._is_party(viewer_id)
        return Connection.of(page, lambda row: TaskStep.of(row, tell=is_party))

    def _is_party(self, viewer_id: str) -> bool:
        return any(user is not None and user.id == viewer_id for user in (self.poster, self.tasker))

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Task | None"]:
        return await visible_tasks(info, ids)


def _side(task: models.Task | events.TaskSnapshot, user_id: str) -> Party | None:
    """Which of the two somebody is."""
    return {task.tasker_id: Party.TASKER, task.poster_id: Party.POSTER}.get(user_id)


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


async def change(info: Info, action: Action[P, models.Task], *args: P.args, **kwargs: P.kwargs) -> models.Task:
    """Like `act`, with the categories known that the payload shows, which a `VERSION_CONFLICT` has a task in too."""
    await categories.know(info.context.database)
    row = await act(info, action, *args, **kwargs)
    await categories.know(info.context.database, (row.category_id,))
    return row


async def visible_tasks(info: Info, task_ids: Sequence[str]) -> Sequence[Task | None]:
    """Those of these tasks that the caller may see, and None for the others."""
    rows = await visible_rows(info, task_ids)
    await categories.know(info.context.database, {row.category_id for row in rows.values()})
    return [Task.of(row) if (row := rows.get(each)) else None for each in task_ids]


async def visible_task(info: Info, task_id: str) -> Task | None:
    """A task that the caller may see, or None."""
    return (await visible_tasks(info, [task_id]))[0]


async def connection_of(info: Info, page: Page[models.Task]) -> Connection[Task]:
    await categories.know(info.context.database, {row.category_id for row in page.rows})
    return Connection.of(page, Task.of)


@strawberry.type
class TaskQuery:
    @query(description="A task; null if there is none, or if it is the draft of somebody else.")
    async def task(
        self, info: Info, id: Annotated[TaskId, strawberry.argument(description="The task's id.")]
    ) -> Task | None:
        return await visible_task(info, id)

    @query(description="The caller's own tasks, those written last first.", scope=MARKETPLACE)
    async def my_tasks(
        self,
        info: Info,
        side: Annotated[
            Party,
            strawberry.argument(name="as", description="As poster, drafts included, or as the tasker who got them."),
        ],
        status: Annotated[Status | None, strawberry.argument(description="Only where the task stands so.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Task] | None:
        window = store.tasks.MINE.window(first, after, last, before)
        list_tasks = store.tasks.list_tasks_of_poster if side is Party.POSTER else store.tasks.list_tasks_of_tasker
        actor = info.context.require_actor()
        return await connection_of(info, await list_tasks(info.context.database, actor.id, status, window))
