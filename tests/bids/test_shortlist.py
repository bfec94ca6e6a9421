"""shortlistBid, unshortlistBid, and the order of a task's bids."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.bids.conftest import SHORTLIST, UNSHORTLIST, UPDATE, WITHDRAW, Bids, counter, euros
from tests.support.serving import Client

MARK = "query($id: ID!) { bid(id: $id) { shortlistedAt version updatedAt } }"
EVENTS = """
    subscription($id: ID!) { bidEvents(taskId: $id, after: 0) { type bid { shortlistedAt openOffer { side } } } }
"""


async def told(client: Client, task_id: str, count: int) -> list[tuple[str, bool]]:
    """The types of events, and whether the bid of each is marked."""
    await client.subscribe(EVENTS, {"id": task_id})
    found = [(await client.next(30))["data"]["bidEvents"] for _ in range(count)]
    return [(each["type"], each["bid"]["shortlistedAt"] is not None) for each in found]


async def test_the_mark_is_for_the_poster_alone(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    given = {"bidId": bid["id"]}
    unmarked = await bids.act(tasker, MARK, id=bid["id"])

    marked = await bids.act(task.poster_id, SHORTLIST, input=given)

    when = marked["shortlistBid"]["bid"]["shortlistedAt"]
    assert marked == {"shortlistBid": {"bid": {"id": bid["id"], "shortlistedAt": when, "version": 1}, "userErrors": []}}
    assert when is not None
    # Nor does anything else of the bid tell of it.
    assert await bids.act(tasker, MARK, id=bid["id"]) == unmarked
    assert (await bids.act(task.poster_id, MARK, id=bid["id"]))["bid"]["shortlistedAt"] == when
    await bids.act(tasker, UPDATE, input={**given, "estimatedMinutes": 5})
    assert (await bids.act(task.poster_id, UNSHORTLIST, input=given))["unshortlistBid"]["bid"]["shortlistedAt"] is None
    await bids.act(tasker, WITHDRAW, input=given)

    async with bids.served.connect(token=bids.token(task.poster_id)) as client:
        assert await told(client, task.id, 5) == [
            ("PLACED", False), ("SHORTLISTED", True), ("UPDATED", True), ("UNSHORTLISTED", False), ("WITHDRAWN", False),
        ]  # fmt: skip
    async with bids.served.connect(token=bids.token(tasker)) as client:
        assert await told(client, task.id, 3) == [("PLACED", False), ("UPDATED", False), ("WITHDRAWN", False)]


@pytest.mark.parametrize(("document", "name"), [(SHORTLIST, "shortlistBid"), (UNSHORTLIST, "unshortlistBid")])
async def test_only_the_poster_marks_pending_bids_and_once(bids: Bids, document: str, name: str) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    await counter(bids, task.poster_id, bid, "100")
    if name == "unshortlistBid":
        await bids.act(task.poster_id, SHORTLIST, input={"bidId": bid["id"]})

    def refusal(code: str, field: list[str] | None) -> dict[str, Any]:
        return {name: {"bid": None, "userErrors": [{"code": code, "field": field}]}}

    before = await bids.state()
    assert await bids.act(tasker, document, input={"bidId": bid["id"]}) == refusal("NOT_ALLOWED", ["bidId"])
    assert await bids.act(new_id("user"), document, input={"bidId": bid["id"]}) == refusal("NOT_FOUND", ["bidId"])
    assert await bids.state() == before

    first = await bids.act(task.poster_id, document, input={"bidId": bid["id"]})
    after = await bids.state()
    assert await bids.act(task.poster_id, document, input={"bidId": bid["id"]}) == first
    assert await bids.state() == after
    # An open offer stays open.
    (body,) = await bids.bodies(f"bids.bid.{name.lower().removesuffix('bid')}ed")
    assert body["bid"]["open_offer"]["status"] == "OPEN"

    await bids.act(tasker, WITHDRAW, input={"bidId": bid["id"]})
    refused = await bids.act(task.poster_id, document, input={"bidId": bid["id"]})
    assert refused == refusal("INVALID_TRANSITION", None)


async def test_the_bids_of_a_task_come_in_the_order_that_is_asked_for(bids: Bids) -> None:
    task = await bids.task()
    amounts = ["150.00", "90.00", "120.00", "90.00"]
    placed = [(await bids.place(task, amount=euros(amount)))["id"] for amount in amounts]
    one, two, three, four = placed
    document = """
        query($r: [_Any!]!, $sort: BidSort, $after: String) {
          _entities(representations: $r) {
            ... on Task { bids(sort: $sort, first: 3, after: $after) { nodes { id } pageInfo { endCursor } } }
          }
        }
    """
    task_ref = [{"__typename": "Task", "id": task.id}]

    for sort, expected in {
        "NEWEST": [four, three, two, one],
        "OLDEST": placed,
        "AMOUNT_ASC": [two, four, three, one],
        "AMOUNT_DESC": [one, three, four, two],
    }.items():
        found: list[str] = []
        after = None
        for _ in range(2):
            data = await bids.act(task.poster_id, document, r=task_ref, sort=sort, after=after)
            page = data["_entities"][0]["bids"]
            found += [node["id"] for node in page["nodes"]]
            after = page["pageInfo"]["endCursor"]
        assert found == expected, sort
