"""The GraphQL schema of tasks: authorize, call, return."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry
from strawberry import ID

from shared import events
from shared.actor import MARKETPLACE
from shared.errors import Forbidden
from shared.graphql.events import AFTER
from shared.graphql.limits import list_size
from shared.graphql.pagination import After, Before, Connection, First, Last, Page
from shared.graphql.schema import build_schema, mutation, query, subscription
from shared.idempotency import idempotent
from shared.ids import check_id
from subgraphs.tasks import actions, models, rules, store
from subgraphs.tasks.rules import Status
from subgraphs.tasks.schema.category import Category, categories
from subgraphs.tasks.schema.event import TaskEvent, task_of
from subgraphs.tasks.schema.search import TaskFilter, TaskParty
from subgraphs.tasks.schema.task import (
    CancelTaskInput,
    CancelTaskPayload,
    CreateTaskInput,
    CreateTaskPayload,
    Info,
    PublishTaskInput,
    PublishTaskPayload,
    Task,
    UpdateTaskInput,
    UpdateTaskPayload,
    visible_task,
)
from subgraphs.tasks.store import Sort


async def _connection(info: Info, page: Page[models.Task]) -> Connection[Task]:
    await categories.know(info.context.database, {row.category_id for row in page.rows})
    return Connection.of(page, Task.of)


@strawberry.type
class Query:
    @query(description="A task; null if there is none, or if it is the draft of somebody else.")
    async def task(
        self, info: Info, id: Annotated[ID, strawberry.argument(description="The task's id.")]
    ) -> Task | None:
        return await visible_task(info, check_id(id, "task"))

    @query(description="Tasks that were published; open ones unless the filter says otherwise.")
    async def tasks(
        self,
        info: Info,
        filter: Annotated[TaskFilter | None, strawberry.argument(description="Which tasks.")] = None,
        sort: Annotated[Sort, strawberry.argument(description="In which order.")] = Sort.NEWEST,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Task] | None:
        window = store.ORDERS[sort].window(first, after, last, before)
        known = await categories.know(info.context.database)
        wanted = (filter or TaskFilter()).parse(known)
        return await _connection(info, await store.list_tasks(info.context.database, wanted, window))

    @query(description="The caller's own tasks, those written last first.", scope=MARKETPLACE)
    async def my_tasks(
        self,
        info: Info,
        side: Annotated[
            TaskParty,
            strawberry.argument(name="as", description="As poster, drafts included, or as the tasker who got them."),
        ],
        status: Annotated[Status | None, strawberry.argument(description="Only where the task stands so.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Task] | None:
        window = store.MINE.window(first, after, last, before)
        list_tasks = store.list_tasks_of_poster if side is TaskParty.POSTER else store.list_tasks_of_tasker
        actor = info.context.require_actor()
        return await _connection(info, await list_tasks(info.context.database, actor.id, status, window))

    @query(
        description="The categories of the upper level, in the order to show.", directives=[list_size(assumed_size=15)]
    )
    async def categories(self, info: Info) -> list[Category] | None:
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
            snapshot = task_of(event)
            return rules.may_see(viewer, snapshot.poster_id, snapshot.published_at)

        async for followed in info.context.follow(f"task:{task.id}", after, visible):
            await categories.know(info.context.database, (task_of(followed.envelope.event).category_id,))
            yield TaskEvent.of(followed)


schema = build_schema(Query, Mutation, Subscription)
