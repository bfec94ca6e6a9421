"""Doing the work, and approving it."""

import strawberry
from strawberry import ID

from shared.graphql.schema import mutation
from shared.ids import check_id
from subgraphs.tasks import actions
from subgraphs.tasks.schema.category import categories
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import TaskPayload


@strawberry.input(description="The task to begin.")
class StartTaskInput:
    task_id: ID = strawberry.field(description="A task that one got.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="What was done.")
class SubmitDeliveryInput:
    task_id: ID = strawberry.field(description="A task that one is at work on.")
    message: str = strawberry.field(description="What was done, in 10 to 2,000 characters; only the poster reads it.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="What is missing.")
class RequestChangesInput:
    task_id: ID = strawberry.field(description="One's own task, delivered.")
    message: str = strawberry.field(
        description="What is to be done yet, in 10 to 2,000 characters; only the tasker reads it."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="The delivery to approve.")
class ApproveDeliveryInput:
    task_id: ID = strawberry.field(description="One's own task, delivered.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.type(description="The outcome of `startTask`.")
class StartTaskPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `submitDelivery`.")
class SubmitDeliveryPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `requestChanges`.")
class RequestChangesPayload(TaskPayload): ...


@strawberry.type(description="The outcome of `approveDelivery`.")
class ApproveDeliveryPayload(TaskPayload): ...


@strawberry.type
class WorkMutation:
    @mutation(description="Begins the work on a task that one got.")
    async def start_task(self, info: Info, input: StartTaskInput) -> StartTaskPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        await categories.know(info.context.database)
        async with info.context.transaction() as session:
            row = await actions.work.start_task(session, actor, task_id, input.expected_version)
        await categories.know(info.context.database, (row.category_id,))
        return StartTaskPayload.of(row)

    @mutation(
        description="Says that the work is done. The poster approves it or asks for changes; after 14 days "
        "without an answer it counts as approved."
    )
    async def submit_delivery(self, info: Info, input: SubmitDeliveryInput) -> SubmitDeliveryPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        await categories.know(info.context.database)
        async with info.context.transaction() as session:
            row = await actions.work.submit_delivery(session, actor, task_id, input.expected_version, input.message)
        await categories.know(info.context.database, (row.category_id,))
        return SubmitDeliveryPayload.of(row)

    @mutation(description="Sends a delivery back to the tasker, who is at work again then.")
    async def request_changes(self, info: Info, input: RequestChangesInput) -> RequestChangesPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        await categories.know(info.context.database)
        async with info.context.transaction() as session:
            row = await actions.work.request_changes(session, actor, task_id, input.expected_version, input.message)
        await categories.know(info.context.database, (row.category_id,))
        return RequestChangesPayload.of(row)

    @mutation(description="Approves a delivery: the task is completed, and what is held for it goes to the tasker.")
    async def approve_delivery(self, info: Info, input: ApproveDeliveryInput) -> ApproveDeliveryPayload:
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        await categories.know(info.context.database)
        async with info.context.transaction() as session:
            row = await actions.work.approve_delivery(session, actor, task_id, input.expected_version)
        await categories.know(info.context.database, (row.category_id,))
        return ApproveDeliveryPayload.of(row)
