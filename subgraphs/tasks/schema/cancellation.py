"""Calling tasks off."""

import strawberry

from shared.graphql.ids import TaskId
from shared.graphql.schema import mutation
from subgraphs.tasks import actions
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import TaskPayload, change


@strawberry.input(description="The task to call off.")
class CancelTaskInput:
    task_id: TaskId = strawberry.field(description="One's own task: a draft, open, or assigned; or one that one got.")
    reason: str = strawberry.field(
        description="Why, in 1 to 500 characters; everybody who may see the task can read it."
    )


@strawberry.type(description="The outcome of `cancelTask`.")
class CancelTaskPayload(TaskPayload): ...


@strawberry.type
class CancellationMutation:
    @mutation(
        description="Calls off a task before the work begins: one's own, which needs the role POSTER, or one that one "
        "got. From then on the two agree on it: `requestCancellation`."
    )
    async def cancel_task(self, info: Info, input: CancelTaskInput) -> CancelTaskPayload:
        return CancelTaskPayload.of(await change(info, actions.cancellation.cancel_task, input.task_id, input.reason))
