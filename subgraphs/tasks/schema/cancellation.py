"""Calling tasks off."""

import strawberry
from strawberry import ID

from shared.graphql.schema import mutation
from shared.ids import check_id
from subgraphs.tasks import actions
from subgraphs.tasks.schema.category import categories
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import TaskPayload


@strawberry.input(description="The task to call off.")
class CancelTaskInput:
    task_id: ID = strawberry.field(description="One's own task: a draft, open, or assigned; or one that one got.")
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
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        async with info.context.transaction() as session:
            row = await actions.cancellation.cancel_task(session, actor, task_id, input.reason)
        await categories.know(info.context.database, (row.category_id,))
        return CancelTaskPayload.of(row)
