"""`node` and `nodes`: of other subgraphs' objects a reference, of notifications what their reader may see."""

from typing import Any

import pytest

from shared.graphql.entities import PREFIXES
from shared.graphql.nodes import MOST_NODES
from shared.ids import id_of, new_id
from tests.notifications.conftest import Notifications

NODE = "query($id: ID!) { node(id: $id) { __typename nodeId } }"
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename nodeId ... on Notification { id title } } }"


def reference(name: str, id: str) -> dict[str, Any]:
    return {"__typename": name, "nodeId": id}


async def test_an_object_of_another_subgraph_is_a_reference_to_it(notifications: Notifications) -> None:
    for name, prefix in PREFIXES.items():
        asked = new_id(prefix)
        answer = await notifications.served.execute(NODE, {"id": asked})
        assert answer == {"data": {"node": None if name == "Notification" else reference(name, asked)}}


async def test_what_is_asked_for_keeps_its_order_with_nulls_in_place(notifications: Notifications) -> None:
    me = new_id("user")
    mine, theirs = (await notifications.told(me))[0], (await notifications.told(new_id("user")))[0]
    task, bid = new_id("task"), new_id("bid")

    data = await notifications.act(me, NODES, ids=[task, mine["id"], theirs["id"], bid, task, mine["id"]])

    shown = {**reference("Notification", mine["id"]), "id": mine["id"], "title": mine["title"]}
    tasks = reference("Task", task)
    assert data == {"nodes": [tasks, shown, None, reference("Bid", bid), tasks, shown]}
    assert await notifications.act(me, NODES, ids=[]) == {"nodes": []}


@pytest.mark.parametrize(
    "wrong", ["", "1", "task", "task_1", id_of("task", 1).upper(), id_of("step", 1), "_", "é_" + "0" * 26]
)
async def test_what_is_no_id_of_an_object_is_refused(notifications: Notifications, wrong: str) -> None:
    answer = await notifications.served.execute(NODE, {"id": wrong})
    assert answer["data"] == {"node": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ID"]

    among_others = await notifications.served.execute(NODES, {"ids": [new_id("task"), wrong]})
    assert among_others["data"] == {"nodes": None}
    assert [error["extensions"]["code"] for error in among_others["errors"]] == ["INVALID_ID"]


async def test_the_refusal_names_the_argument(notifications: Notifications) -> None:
    node = await notifications.served.execute(NODE, {"id": new_id("step")})
    nodes = await notifications.served.execute(NODES, {"ids": [new_id("step")]})

    assert node["errors"][0]["message"].startswith("`id` ")
    assert nodes["errors"][0]["message"].startswith("`ids.0` ")


async def test_there_are_at_most_a_hundred(notifications: Notifications) -> None:
    ids = [new_id("task") for _ in range(MOST_NODES + 1)]

    answer = await notifications.served.execute(NODES, {"ids": ids})
    assert answer["data"] == {"nodes": None}
    assert [(error["extensions"]["code"], error["message"]) for error in answer["errors"]] == [
        ("BAD_REQUEST", "`ids` takes at most 100 ids.")
    ]
    most = await notifications.served.execute(NODES, {"ids": ids[:MOST_NODES]})
    assert most == {"data": {"nodes": [reference("Task", each) for each in ids[:MOST_NODES]]}}
