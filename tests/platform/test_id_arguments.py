"""Ids in arguments are checked before a resolver runs, and what is wrong names its argument."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
import strawberry
from strawberry import ID

from shared.errors import InvalidId
from shared.graphql.ids import BidId, TaskId, UserId
from shared.graphql.schema import build_schema, mutation, query, subscription
from shared.graphql.types import UserError
from shared.ids import new_id
from tests.support.contexts import of_nobody

Info = strawberry.Info[None, None]
RESOLVED: list[str] = []


@strawberry.input
class Filter:
    poster_id: UserId | None = strawberry.UNSET
    task_ids: list[TaskId] | None = None


@strawberry.input
class OrderInput:
    bid_id: BidId
    filters: list[Filter] = strawberry.field(default_factory=list)


@strawberry.type
class OrderPayload:
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class Query:
    @query(description="by id")
    async def task(
        self, info: Info, task_id: Annotated[TaskId, strawberry.argument(description="x")], filter: Filter | None = None
    ) -> str:
        RESOLVED.append(task_id)
        return "found"


@strawberry.type
class Mutation:
    @mutation(description="with an input", scope=None)
    async def order(self, info: Info, input: OrderInput) -> OrderPayload:
        RESOLVED.append(input.bid_id)
        return OrderPayload()


@strawberry.type
class Subscription:
    @subscription(description="of one")
    async def events(self, info: Info, task_id: TaskId) -> AsyncIterator[int]:
        RESOLVED.append(task_id)
        yield 1


SCHEMA = build_schema(Query, Mutation, Subscription)
TASK, BID, USER = new_id("task"), new_id("bid"), new_id("user")
ORDER = "mutation ($input: OrderInput!) { order(input: $input) { userErrors { code } } }"
FIND = "query ($id: ID!, $filter: Filter) { task(taskId: $id, filter: $filter) }"


@pytest.mark.parametrize(
    ("document", "variables", "argument", "prefix"),
    [
        (FIND, {"id": BID}, "taskId", "task"),
        (FIND, {"id": TASK, "filter": {"posterId": TASK}}, "filter.posterId", "user"),
        (ORDER, {"input": {"bidId": "1"}}, "input.bidId", "bid"),
        (
            ORDER,
            {"input": {"bidId": BID, "filters": [{}, {"taskIds": [TASK, USER]}]}},
            "input.filters.1.taskIds.1",
            "task",
        ),
    ],
)
async def test_a_wrong_id_names_its_argument(
    document: str, variables: dict[str, Any], argument: str, prefix: str
) -> None:
    RESOLVED.clear()

    answer = await SCHEMA.execute(document, variables)

    [error] = answer.errors or []
    assert isinstance(error.original_error, InvalidId)
    assert error.message == f'`{argument}` is not a valid id of type "{prefix}".'
    assert error.original_error.extensions == {"code": "INVALID_ID", "argument": argument}
    assert RESOLVED == []


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (FIND, {"id": TASK}),
        (FIND, {"id": TASK, "filter": {"posterId": None, "taskIds": None}}),
        (FIND, {"id": TASK, "filter": {"posterId": USER, "taskIds": []}}),
        (ORDER, {"input": {"bidId": BID, "filters": [{"taskIds": [TASK]}]}}),
    ],
)
async def test_right_ids_and_those_left_out_pass(document: str, variables: dict[str, Any]) -> None:
    assert (await SCHEMA.execute(document, variables, context_value=of_nobody())).errors is None


async def test_a_subscription_to_a_wrong_id_is_refused() -> None:
    RESOLVED.clear()
    events = await SCHEMA.subscribe('subscription { events(taskId: "x") }')
    answers = [answer async for answer in events]
    assert [error.message for answer in answers for error in answer.errors or []] == [
        '`taskId` is not a valid id of type "task".'
    ]
    assert RESOLVED == []


@pytest.mark.parametrize("annotation", [ID, ID | None, list[ID], Annotated[ID, strawberry.argument(description="x")]])
def test_an_id_that_does_not_say_of_what_it_is_cannot_be_declared(annotation: Any) -> None:
    async def find(self: object, info: Info, task_id: Any) -> str:
        return str(task_id)

    find.__annotations__["task_id"] = annotation
    with pytest.raises(TypeError, match="Say of what the ID is"):
        query(description="by id")(find)
