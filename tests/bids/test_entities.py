"""Reads straight at the subgraph: who may see what, page by page, and at what price."""

from dataclasses import dataclass
from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.bids import app
from tests.bids.conftest import BID_FIELDS, PLACE, WITHDRAW, Bids, place_input
from tests.conftest import AccessToken, SettingsFor
from tests.support.messaging import linked
from tests.support.serving import serve
from tests.support.statements import statements

EVERYTHING = f"""
    query($bid: ID!, $task: ID!, $tasker: ID!) {{
      bid(id: $bid) {{ {BID_FIELDS} }}
      _entities(representations: [
        {{ __typename: "Bid", id: $bid }} {{ __typename: "Task", id: $task }} {{ __typename: "User", id: $tasker }}
      ]) {{
        ... on Bid {{ {BID_FIELDS} }}
        ... on Task {{ bidCount myBid {{ {BID_FIELDS} }} bids {{ nodes {{ {BID_FIELDS} }} totalCount }} }}
        ... on User {{ bids {{ nodes {{ {BID_FIELDS} }} totalCount }} }}
      }}
    }}
"""
MY_BIDS = f"{{ myBids {{ nodes {{ {BID_FIELDS} }} totalCount }} }}"
ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename %s } }"


def representations(typename: str, *ids: str) -> list[dict[str, str]]:
    return [{"__typename": typename, "id": each} for each in ids]


@dataclass
class Sight:
    """What one person may see of a task with two bids, `one` and then `two`."""

    one: bool
    mine: list[dict[str, Any]]
    listed: list[dict[str, Any]]


async def test_amounts_and_messages_are_for_the_poster_and_the_bidder(bids: Bids) -> None:
    task = await bids.task()
    one, two = await bids.place(task), await bids.place(task)
    gone = await bids.place(task)
    await bids.act(gone["tasker"]["id"], WITHDRAW, input={"bidId": gone["id"]})
    gone |= {"status": "WITHDRAWN", "version": 2}
    one_id, two_id = one["tasker"]["id"], two["tasker"]["id"]
    people: dict[str | None, Sight] = {
        task.poster_id: Sight(one=True, mine=[], listed=[gone, two, one]),
        one_id: Sight(one=True, mine=[one], listed=[one]),
        two_id: Sight(one=False, mine=[two], listed=[two]),
        gone["tasker"]["id"]: Sight(one=False, mine=[gone], listed=[gone]),
        new_id("user"): Sight(one=False, mine=[], listed=[]),
        None: Sight(one=False, mine=[], listed=[]),
    }

    for person, sight in people.items():
        for roles in [("POSTER", "TASKER"), ("ADMIN", "SUPPORT")]:
            token = bids.token(person, *roles) if person else None
            answer = await bids.served.execute(
                EVERYTHING, {"bid": one["id"], "task": task.id, "tasker": one_id}, token=token
            )
            seen = one if sight.one else None
            task_entity = {
                "bidCount": 2,
                "myBid": sight.mine[0] if sight.mine else None,
                "bids": {"nodes": sight.listed, "totalCount": len(sight.listed)},
            }
            user_entity = {"bids": {"nodes": [one], "totalCount": 1} if person == one_id else None}
            assert answer == {"data": {"bid": seen, "_entities": [seen, task_entity, user_entity]}}, (person, roles)
        if person:
            mine = {"nodes": sight.mine, "totalCount": len(sight.mine)}
            assert await bids.act(person, MY_BIDS) == {"myBids": mine}
    anonymous = await bids.served.execute(MY_BIDS)
    assert anonymous["data"] == {"myBids": None}
    assert [error["extensions"]["code"] for error in anonymous["errors"]] == ["UNAUTHENTICATED"]


async def test_who_bids_again_has_a_new_bid(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    first = await bids.place(task, tasker)
    await bids.act(tasker, WITHDRAW, input={"bidId": first["id"]})
    second = await bids.place(task, tasker)

    fields = "... on Task { myBid { id } bidCount bids { nodes { id } } }"
    data = await bids.act(tasker, ENTITIES % fields, r=representations("Task", task.id))

    nodes = [{"id": second["id"]}, {"id": first["id"]}]
    entity = {"__typename": "Task", "myBid": {"id": second["id"]}, "bidCount": 1, "bids": {"nodes": nodes}}
    assert data == {"_entities": [entity]}


async def test_what_does_not_exist_is_like_what_may_not_be_seen(bids: Bids) -> None:
    data = await bids.act(new_id("user"), EVERYTHING, bid=new_id("bid"), task=new_id("task"), tasker=new_id("user"))
    nothing = {"bidCount": 0, "myBid": None, "bids": {"nodes": [], "totalCount": 0}}
    assert data == {"bid": None, "_entities": [None, nothing, {"bids": None}]}


@pytest.mark.parametrize("typename", ["Bid", "Task", "User"])
async def test_malformed_representations_are_errors_of_their_own(bids: Bids, typename: str) -> None:
    task = await bids.task()
    malformed: list[dict[str, Any]] = [
        {"__typename": typename, "id": "1"},
        {"__typename": typename, "id": new_id("notification")},
        {"__typename": typename, "id": None},
        {"__typename": typename},
        {"__typename": "Category", "id": new_id("category")},
    ]
    fine = {"__typename": "Task", "id": task.id}

    answer = await bids.served.execute(ENTITIES % "", {"r": [*malformed, fine]})

    assert answer["data"] == {"_entities": [*[None] * len(malformed), {"__typename": "Task"}]}
    codes = [(error["path"], error["extensions"]["code"]) for error in answer["errors"]]
    assert sorted(codes) == [
        (["_entities", place], "INVALID_ID" if place < 3 else "BAD_REQUEST") for place in range(len(malformed))
    ]


async def test_each_field_of_a_batch_is_one_statement(bids: Bids) -> None:
    poster, tasker = new_id("user"), new_id("user")
    tasks = [await bids.task(poster_id=poster) for _ in range(8)]
    placed = {task.id: [(await bids.place(task, tasker))["id"], (await bids.place(task))["id"]] for task in tasks}
    every_task = representations("Task", *placed)
    every_bid = representations("Bid", *(bid_id for ids in placed.values() for bid_id in ids))
    prices = {
        "... on Task { bidCount }": 1,
        "... on Task { myBid { id } }": 1,
        "... on Task { bids { nodes { id } } }": 1,
        "... on Task { bids { nodes { id } totalCount } }": 2,
        "... on Task { bidCount myBid { id } bids { nodes { id task { bidCount } } totalCount } }": 4,
        "... on Task { one: bids(first: 1) { nodes { id } } two: bids(last: 1) { nodes { id } } }": 2,
    }

    for fields, price in prices.items():
        with statements(bids.database) as seen:
            data = await bids.act(poster, ENTITIES % fields, r=every_task)
        assert len(seen) == price, (fields, seen)
        assert len(data["_entities"]) == 8
        if "bids {" in fields:
            listed = [[node["id"] for node in each["bids"]["nodes"]] for each in data["_entities"]]
            assert listed == [[second, first] for first, second in placed.values()]

    with statements(bids.database) as seen:
        data = await bids.act(poster, ENTITIES % "... on Bid { id status }", r=every_bid)
    assert [each["id"] for each in data["_entities"]] == [each["id"] for each in every_bid]
    assert len(seen) == 1

    with statements(bids.database) as seen:
        data = await bids.act(tasker, "{ myBids { nodes { id amount { amount } task { bidCount } } } }")
    assert [node["id"] for node in data["myBids"]["nodes"]] == [first for first, _ in placed.values()][::-1]
    assert len(seen) == 2


WINDOW = "$first: Int, $after: String, $last: Int, $before: String"
ARGUMENTS = "first: $first, after: $after, last: $last, before: $before"
PAGE = (
    "edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    " totalCount"
)
LISTS = {
    "myBids": f"query({WINDOW}) {{ myBids({ARGUMENTS}) {{ {PAGE} }} }}",
    "Task.bids": (
        f"query($r: [_Any!]!, {WINDOW})"
        f" {{ _entities(representations: $r) {{ ... on Task {{ bids({ARGUMENTS}) {{ {PAGE} }} }} }} }}"
    ),
    "User.bids": (
        f"query($r: [_Any!]!, {WINDOW})"
        f" {{ _entities(representations: $r) {{ ... on User {{ bids({ARGUMENTS}) {{ {PAGE} }} }} }} }}"
    ),
}


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_is_paged_both_ways_newest_first(bids: Bids, name: str) -> None:
    poster, tasker = new_id("user"), new_id("user")
    if name == "Task.bids":
        task = await bids.task(poster_id=poster)
        placed = [(await bids.place(task))["id"] for _ in range(7)]
        viewer, variables = poster, {"r": representations("Task", task.id)}
    else:
        placed = [(await bids.place(await bids.task(), tasker))["id"] for _ in range(7)]
        viewer, variables = tasker, {"r": representations("User", tasker)} if name == "User.bids" else {}
    newest = placed[::-1]

    async def page(**arguments: Any) -> dict[str, Any]:
        data = await bids.act(viewer, LISTS[name], **variables, **arguments)
        found: dict[str, Any] = data["myBids"] if name == "myBids" else data["_entities"][0]["bids"]
        assert found["totalCount"] == 7
        assert [edge["node"] for edge in found["edges"]] == found["nodes"]
        return found

    forwards = [await page(first=3)]
    while forwards[-1]["pageInfo"]["hasNextPage"]:
        forwards.append(await page(first=3, after=forwards[-1]["pageInfo"]["endCursor"]))
    backwards = [await page(last=3)]
    while backwards[-1]["pageInfo"]["hasPreviousPage"]:
        backwards.append(await page(last=3, before=backwards[-1]["pageInfo"]["startCursor"]))

    assert [[node["id"] for node in each["nodes"]] for each in forwards] == [newest[:3], newest[3:6], newest[6:]]
    assert [[node["id"] for node in each["nodes"]] for each in backwards] == [newest[4:], newest[1:4], newest[:1]]
    assert [each["pageInfo"]["hasPreviousPage"] for each in forwards] == [False, True, True]
    every = (await page())["edges"]
    assert (await page(first=2, after=every[1]["cursor"], before=every[5]["cursor"]))["edges"] == every[2:4]

    for wrong in ({"first": 0}, {"first": 101}, {"first": 1, "last": 1}, {"after": "nonsense"}):
        answer = await bids.served.execute(LISTS[name], {**variables, **wrong}, token=bids.token(viewer))
        assert {error["extensions"]["code"] for error in answer["errors"]} <= {"BAD_REQUEST", "TOO_COMPLEX"}


async def test_without_its_database_it_says_so_and_comes_back(
    settings_for: SettingsFor, access_token: AccessToken
) -> None:
    async with linked(settings_for("bids")) as (settings, link), serve(app.build(settings)) as served:
        bids = Bids(served, access_token)
        task, tasker = await bids.task(), new_id("user")
        bid = await bids.place(task)
        token = bids.token(task.poster_id)
        read = (f"query($id: ID!) {{ bid(id: $id) {{ {BID_FIELDS} }} }}", {"id": bid["id"]})
        await link.cut()

        down = await served.execute(*read, token=token)
        refused = await served.execute(PLACE, {"input": place_input(task.id)}, token=bids.token(tasker))
        assert (down["data"], refused["data"]) == ({"bid": None}, None)
        for answer in (down, refused):
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["SERVICE_UNAVAILABLE"]
        assert (await served.client.get("/readyz")).status_code == 503

        await link.mend()
        assert await served.execute(*read, token=token) == {"data": {"bid": bid}}
        assert (await bids.place(task, tasker))["status"] == "PENDING"
