"""Writing, changing and publishing tasks."""

from datetime import datetime

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.ids import CategoryId, PlaceId, TaskId
from shared.graphql.schema import mutation
from shared.graphql.types import MoneyInput
from subgraphs.tasks import actions, store
from subgraphs.tasks.actions.posting import DEFAULT_TIME_ZONE
from subgraphs.tasks.rules.tasks import Mode
from subgraphs.tasks.schema.category import categories
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import TaskPayload, change


@strawberry.input(description="A new task.")
class CreateTaskInput:
    title: str = strawberry.field(description="What is to be done, in a line of 10 to 100 characters.")
    description: str = strawberry.field(description="What is to be done, in 25 to 5,000 characters.")
    category_id: CategoryId = strawberry.field(description="A category of the lower level.")
    budget: MoneyInput = strawberry.field(description="About 1 to 100,000 euro's worth.")
    mode: Mode = strawberry.field(description="Where the work is done.")
    place_id: PlaceId | None = strawberry.field(
        default=None, description="Where the work is done, of one's own places; needed to publish what is `ONSITE`."
    )
    requirements: list[str] = strawberry.field(
        default_factory=list, description="What you ask for: at most 20 texts of 3 to 200 characters."
    )
    due_from: datetime | None = strawberry.field(
        default=None, description="When a window for the work begins; it ends at `dueAt`."
    )
    due_at: datetime | None = strawberry.field(default=None, description="When the work must be done.")
    time_zone: str = strawberry.field(
        default=DEFAULT_TIME_ZONE,
        description="In which time zone you think of the due time: an IANA name such as `Asia/Bangkok`.",
    )
    publish: bool = strawberry.field(
        default=False, description="Whether to publish it at once; otherwise it is a draft."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What to change of a draft or an open task; what is left out stays as it is.")
class UpdateTaskInput:
    task_id: TaskId = strawberry.field(description="One's own draft or open task.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )
    title: str | None = strawberry.field(default=None, description="10 to 100 characters.")
    description: str | None = strawberry.field(default=None, description="25 to 5,000 characters.")
    category_id: CategoryId | None = strawberry.field(default=None, description="A category of the lower level.")
    budget: MoneyInput | None = strawberry.field(
        default=None, description="About 1 to 100,000 euro's worth; once the task is published, in the same currency."
    )
    mode: Mode | None = strawberry.field(default=None, description="Where the work is done.")
    place_id: PlaceId | None = strawberry.field(
        default=strawberry.UNSET, description="Where the work is done, of one's own places; null takes it away."
    )
    requirements: list[str] | None = strawberry.field(
        default=None, description="All that you ask for: at most 20 texts of 3 to 200 characters."
    )
    due_from: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When a window for the work begins; null takes its start away."
    )
    due_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When the work must be done; null takes the due time away."
    )
    time_zone: str | None = strawberry.field(default=None, description="An IANA name such as `Asia/Bangkok`.")

    def changes(self) -> actions.posting.Changes:
        return actions.posting.Changes(
            title=self.title,
            description=self.description,
            category_id=self.category_id,
            budget=self.budget,
            mode=self.mode,
            place_id=self.place_id or None,
            requirements=self.requirements,
            due_from=self.due_from or None,
            due_at=self.due_at or None,
            time_zone=self.time_zone,
            clear=frozenset(name for name in ("place_id", "due_from", "due_at") if getattr(self, name) is None),
        )


@strawberry.input(description="The draft to publish.")
class PublishTaskInput:
    task_id: TaskId = strawberry.field(description="One's own draft.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="The expired task to post again; the time for the work may be moved.")
class RepostTaskInput:
    task_id: TaskId = strawberry.field(description="One's own expired task.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )
    due_from: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When a window for the work begins; null takes its start away."
    )
    due_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="When the work must be done; null takes the due time away. Needed if the old one has passed.",
    )
    time_zone: str | None = strawberry.field(default=None, description="An IANA name such as `Asia/Bangkok`.")

    def changes(self) -> actions.posting.Changes:
        return actions.posting.Changes(
            due_from=self.due_from or None,
            due_at=self.due_at or None,
            time_zone=self.time_zone,
            clear=frozenset(name for name in ("due_from", "due_at") if getattr(self, name) is None),
        )


@strawberry.type(description="The outcome of `createTask`.")
class CreateTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `updateTask`.")
class UpdateTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `publishTask`.")
class PublishTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `repostTask`.")
class RepostTaskPayload(TaskPayload): ...


@strawberry.type
class PostingMutation:
    @mutation(description="Writes a draft of a task, or publishes it at once. Needs the role POSTER.")
    async def create_task(self, info: Info, input: CreateTaskInput) -> CreateTaskPayload:
        row = await act_once(
            info,
            input,
            store.tasks.get_task,
            actions.posting.create_task,
            title=input.title,
            description=input.description,
            category_id=input.category_id,
            budget=input.budget,
            mode=input.mode,
            place_id=input.place_id,
            requirements=input.requirements,
            due_from=input.due_from,
            due_at=input.due_at,
            time_zone=input.time_zone,
            publish=input.publish,
        )
        await categories.know(info.context.database, (row.category_id,))
        return CreateTaskPayload.of(row)

    @mutation(description="Changes one's own draft or open task. Needs the role POSTER.")
    async def update_task(self, info: Info, input: UpdateTaskInput) -> UpdateTaskPayload:
        row = await change(info, actions.posting.update_task, input.task_id, input.expected_version, input.changes())
        return UpdateTaskPayload.of(row)

    @mutation(description="Opens one's own draft for bids. Needs the role POSTER.")
    async def publish_task(self, info: Info, input: PublishTaskInput) -> PublishTaskPayload:
        row = await change(info, actions.posting.publish_task, input.task_id, input.expected_version)
        return PublishTaskPayload.of(row)

    @mutation(description="Opens one's own expired task for bids once more. Needs the role POSTER.")
    async def repost_task(self, info: Info, input: RepostTaskInput) -> RepostTaskPayload:
        row = await change(info, actions.posting.repost_task, input.task_id, input.expected_version, input.changes())
        return RepostTaskPayload.of(row)
