"""Doing the work, and approving it."""

import strawberry

from shared.graphql.ids import TaskId
from shared.graphql.schema import mutation
from subgraphs.tasks import actions
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import TaskPayload, change


@strawberry.input(description="The task to begin.")
class StartTaskInput:
    task_id: TaskId = strawberry.field(description="A task that one got.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="What was done.")
class SubmitDeliveryInput:
    task_id: TaskId = strawberry.field(description="A task that one is at work on.")
    message: str = strawberry.field(description="What was done, in 10 to 2,000 characters; only the poster reads it.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="What is missing.")
class RequestChangesInput:
    task_id: TaskId = strawberry.field(description="One's own task, delivered.")
    message: str = strawberry.field(
        description="What is to be done yet, in 10 to 2,000 characters; only the tasker reads it."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you saw; `VERSION_CONFLICT` if the task changed since."
    )


@strawberry.input(description="The delivery to approve.")
class ApproveDeliveryInput:
    task_id: TaskId = strawberry.field(description="One's own task, delivered.")
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
        row = await change(info, actions.work.start_task, input.task_id, input.expected_version)
        return StartTaskPayload.of(row)

    @mutation(
        description="Says that the work is done. The poster approves it or asks for changes; after 14 days "
        "without an answer it counts as approved."
    )
    async def submit_delivery(self, info: Info, input: SubmitDeliveryInput) -> SubmitDeliveryPayload:
        row = await change(info, actions.work.submit_delivery, input.task_id, input.expected_version, input.message)
        return SubmitDeliveryPayload.of(row)

    @mutation(description="Sends a delivery back to the tasker, who is at work again then.")
    async def request_changes(self, info: Info, input: RequestChangesInput) -> RequestChangesPayload:
        row = await change(info, actions.work.request_changes, input.task_id, input.expected_version, input.message)
        return RequestChangesPayload.of(row)

    @mutation(description="Approves a delivery: the task is completed, and what is held for it goes to the tasker.")
    async def approve_delivery(self, info: Info, input: ApproveDeliveryInput) -> ApproveDeliveryPayload:
        row = await change(info, actions.work.approve_delivery, input.task_id, input.expected_version)
        return ApproveDeliveryPayload.of(row)
