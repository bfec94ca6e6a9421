"""Answers that several subgraphs make together: names, states, places and causes in them are the right ones."""

import pytest

from tests.supergraph.clients import Json, bearer, codes, post, socket
from tests.supergraph.conftest import Router, only_embedded

REFUSED = "Bearer refused"


async def over_websocket(router: Router, query: str) -> Json:
    """The answer to one operation, or the first event of a subscription."""
    async with socket(router.url, {"authorization": bearer("a")}) as client:
        await client.subscribe(query)
        message = await client.receive()
    return dict(message["payload"]) if message["type"] == "next" else {"errors": message["payload"]}


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ tasks(first: 1) { id: title bidCount } }", {"tasks": [{"id": "Task t0", "bidCount": 2}]}),
        ("{ task(id: 7) { title: id id: title bidCount } }", {"task": {"title": "7", "id": "Task 7", "bidCount": 2}}),
        (
            "{ task(id: 7) { ...named bidCount } } fragment named on Task { ... on Task { id: title } }",
            {"task": {"id": "Task 7", "bidCount": 2}},
        ),
        (
            "{ task(id: 7) { parent { id: title parent { id: title bidCount } } } }",
            {"task": {"parent": {"id": "Task 7x", "parent": {"id": "Task 7xx", "bidCount": 2}}}},
        ),
        ("mutation { change(id: 8) { id: title bidCount } }", {"change": {"id": "Task 8", "bidCount": 2}}),
        ("{ task(id: 7) { __isTask: __typename __typename bidCount } }",
         {"task": {"__isTask": "Task", "__typename": "Task", "bidCount": 2}}),
        ("{ title: task(id: 7) { bidCount: title sum: bidCount } }", {"title": {"bidCount": "Task 7", "sum": 2}}),
    ],
)  # fmt: skip
async def test_an_alias_may_be_the_name_of_another_field(router: Router, query: str, data: Json) -> None:
    assert await post(router.url, query) == {"data": data}


KEYS_OF_OTHERS = {
    "{ task(id: 7) { id: bidCount title } }": {"task": {"id": 2, "title": "Task 7"}},
    "{ bidOn(taskId: 7) { task { id: title } } }": {"bidOn": {"task": {"id": "Task 7"}}},
    "mutation { placeBid(taskId: 7) { task { id: title bidCount } } }": {
        "placeBid": {"task": {"id": "Task 7", "bidCount": 2}}
    },
    "subscription { bidEvents(taskId: 7) { task { id: title } } }": {"bidEvents": {"task": {"id": "Task 7"}}},
}


@pytest.mark.parametrize("query", KEYS_OF_OTHERS)
async def test_an_alias_of_a_keys_name_for_another_subgraphs_field_is_served_or_refused_by_name(
    router: Router, query: str
) -> None:
    """Hive Router would leave that subgraph out, and answer null without an error."""
    answers = [await over_websocket(router, query)]
    if not query.startswith("subscription"):
        answers.append(await post(router.url, query))

    for answer in answers:
        if router.kind == "hive-router":
            assert codes(answer) == ["RESERVED_ALIAS"]
            assert "`id`" in answer["errors"][0]["message"]
        else:
            assert answer == {"data": KEYS_OF_OTHERS[query]}


@pytest.mark.parametrize(
    "query",
    [
        "{ task(id: 7) { __typename: title bidCount } }",
        "{ task(id: 7) { __typename: title } }",
        "{ __typename: task(id: 7) { id } }",
        "{ task(id: 7) { ...named } } fragment named on Task { __typename: title }",
        "mutation { change(id: %s) { version __typename: title } }",
        "subscription { bidEvents(taskId: 7) { task { __typename: title } } }",
    ],
)
async def test_the_alias_of_types_names_is_refused_by_name(router: Router, query: str) -> None:
    task_id = f'"refused-by-{router.kind}"'
    query = query.replace("%s", task_id)
    over_http, streamed = await post(router.url, query), await over_websocket(router, query)

    assert "data" not in over_http
    assert codes(over_http) == ["RESERVED_ALIAS"]
    assert "`__typename`" in over_http["errors"][0]["message"]
    # Hive Router has one code for all that is wrong with a document over WebSocket; see supergraph/README.md.
    assert codes(streamed) == ["GRAPHQL_VALIDATION_FAILED" if router.kind == "hive-router" else "RESERVED_ALIAS"]
    assert await post(router.url, f"{{ task(id: {task_id}) {{ version }} }}") == {"data": {"task": {"version": 0}}}


async def test_each_field_of_a_mutation_sees_what_those_before_it_did(router: Router) -> None:
    task_id = f"changed-by-{router.kind}"
    bid = f'placeBid(taskId: "{task_id}") {{ task {{ id version }} }}'
    change = f'change(id: "{task_id}") {{ version }}'
    answer = await post(router.url, f"mutation {{ a: {bid} b: {change} c: {bid} d: {change} e: {bid} }}")

    assert "errors" not in answer
    data = answer["data"]
    assert [data["b"], data["d"]] == [{"version": 1}, {"version": 2}]
    assert [data[name]["task"]["id"] for name in "ace"] == [task_id] * 3
    first, second, third = (data[name]["task"]["version"] for name in "ace")
    # A field may see what came after it, too.
    assert (0 <= first <= 1, 1 <= second <= 2, third) == (True, True, 2)


async def test_an_error_of_an_entity_names_its_place(router: Router) -> None:
    answer = await post(router.url, "{ tasks(first: 2) { id: title sealed parent { id sealed } } }")

    assert answer["data"]["tasks"] == [
        {"id": f"Task t{n}", "sealed": None, "parent": {"id": f"t{n}x", "sealed": None}} for n in (0, 1)
    ]
    places = [error["path"] for error in answer["errors"]]
    assert sorted(places, key=str) == [
        place for n in (0, 1) for place in (["tasks", n, "parent", "sealed"], ["tasks", n, "sealed"])
    ]
    assert set(codes(answer)) == {"FORBIDDEN"}


@pytest.mark.parametrize(
    "query",
    [
        "mutation { a: placeBid(taskId: 6) { __typename } change(id: 6) { id } b: placeBid(taskId: 6) { __typename } }",
        "{ task(id: 7) { id title } bidOn(taskId: 7) { task { id } } }",
    ],
)
async def test_what_every_subgraph_refuses_is_told_once(router: Router, query: str) -> None:
    answer = await post(router.url, query, authorization=REFUSED)

    assert set(answer["data"].values()) == {None}
    assert codes(answer) == ["TOO_COMPLEX"]
    # It is the cause of every null.
    assert "path" not in answer["errors"][0]


async def test_null_stands_only_where_it_may(router: Router) -> None:
    """Of an entity that is not there no field is known, and `Bid.task` is never null."""
    answer = await post(router.url, '{ bidOn(taskId: "gone") { task { title } } task(id: 7) { id } }')

    assert answer["data"] == {"bidOn": None, "task": {"id": "7"}}


async def test_an_operation_of_skipped_fields_has_an_empty_answer(router: Router) -> None:
    query = "query ($skipped: Boolean! = true) { task(id: 7) @skip(if: $skipped) { id } }"

    assert await post(router.url, query) == {"data": {}}
    assert await post(router.url, "{ task(id: 7) @skip(if: true) { id } }") == {"data": {}}


@only_embedded
async def test_an_operation_without_a_plan_is_the_clients_error(router: Router) -> None:
    answer = await post(router.url, "{ task(id: 99999999999999999999) { id } }")

    assert codes(answer) == ["QUERY_PLAN_BUILD_FAILED"]
