"""Bid.viewerCan: what it lists is taken, and nothing else."""

from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.bids.rules.bids import Command, Status
from tests.bids.conftest import (
    ACCEPT,
    ACCEPT_OFFER,
    COUNTER,
    DECLINE,
    DECLINE_OFFER,
    SHORTLIST,
    UNSHORTLIST,
    UPDATE,
    WITHDRAW,
    Bids,
    counter,
    euros,
)
from tests.support.statements import statements

MUTATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    Command.UPDATE.name: (UPDATE, {"estimatedMinutes": 30}),
    Command.WITHDRAW.name: (WITHDRAW, {}),
    Command.COUNTER_OFFER.name: (COUNTER, {"expectedVersion": 1, "amount": euros("130.00")}),
    Command.ACCEPT_OFFER.name: (ACCEPT_OFFER, {"expectedVersion": 1}),
    Command.DECLINE_OFFER.name: (DECLINE_OFFER, {"expectedVersion": 1}),
    Command.SHORTLIST.name: (SHORTLIST, {}),
    Command.UNSHORTLIST.name: (UNSHORTLIST, {}),
    Command.DECLINE.name: (DECLINE, {"reason": "OTHER"}),
    Command.ACCEPT.name: (ACCEPT, {"expectedVersion": 1}),
}
CAN = "query($id: ID!) { bid(id: $id) { viewerCan } }"
OFFERED = (
    "WITH opened AS (UPDATE offers SET status = 'OPEN', side = 'POSTER') "
    "UPDATE bids SET open_offer_side = 'POSTER' WHERE id <> :other RETURNING 1"
)
# What may be set past all rules, of the bid's task, the bid and another bid on the task.
OPEN = "all is open"
SITUATIONS: dict[str, str] = {
    OPEN: "SELECT 1",
    "the task is closed": "UPDATE tasks SET status = 'CANCELLED' RETURNING 1",
    "the task's time is up": "UPDATE tasks SET expires_at = now() - interval '1 second' RETURNING 1",
    "the bid's time is up": "UPDATE bids SET expires_at = now() - interval '1 second' RETURNING 1",
    "another bid got the task": "UPDATE bids SET status = 'ACCEPTED' WHERE id = :other RETURNING 1",
    "the tasker's offer is open": OFFERED.replace("POSTER", "TASKER"),
    "the poster's offer is open": OFFERED,
    "20 offers were made": OFFERED.replace("WHERE", ", offers_made = 20 WHERE"),
    "it is shortlisted": "UPDATE bids SET shortlisted_at = now() WHERE id <> :other RETURNING 1",
}


async def can(bids: Bids, viewer: str | None, bid_id: str) -> list[str] | None:
    token = bids.token(viewer) if viewer else None
    bid = (await bids.served.execute(CAN, {"id": bid_id}, token=token))["data"]["bid"]
    return None if bid is None else list(bid["viewerCan"])


@pytest.mark.parametrize(
    ("status", "situation"),
    [(status, OPEN) for status in Status] + [(Status.PENDING, each) for each in SITUATIONS if each != OPEN],
)
async def test_lists_what_is_taken_and_nothing_else(bids: Bids, status: Status, situation: str) -> None:
    task, tasker = await bids.task(), new_id("user")
    other, bid = await bids.place(task), await bids.place(task, tasker)
    await counter(bids, task.poster_id, bid, "140.00")

    async def begin() -> None:
        again = "UPDATE {} SET status = '{}', expires_at = now() + interval '1 day'"
        await bids.sql(again.format("tasks", "OPEN") + " RETURNING 1")
        await bids.sql(
            "UPDATE bids SET status = 'PENDING', version = 1, open_offer_side = NULL, offers_made = 1, "
            "shortlisted_at = NULL RETURNING 1"
        )
        await bids.sql("DELETE FROM offers WHERE amount_minor <> 14000 RETURNING 1")
        await bids.sql("UPDATE offers SET status = 'DECLINED' RETURNING 1")
        await bids.sql(again.format("bids", status) + ", version = 1 WHERE id = :id RETURNING 1", id=bid["id"])
        await bids.sql(SITUATIONS[situation], **({"other": other["id"]} if ":other" in SITUATIONS[situation] else {}))

    for viewer in (tasker, task.poster_id, new_id("user")):
        await begin()
        listed = await can(bids, viewer, bid["id"])
        taken = []
        for name, (document, more) in MUTATIONS.items():
            await begin()
            happened = len(await bids.event_types())
            (payload,) = (await bids.act(viewer, document, input={"bidId": bid["id"], **more})).values()
            # What is so already is answered, and nothing happens.
            taken += [name] if len(await bids.event_types()) > happened else []
            assert payload["bid"] or payload["userErrors"]
        assert (listed or []) == taken, viewer
        assert (listed is None) is (viewer not in (tasker, task.poster_id))
    assert await can(bids, None, bid["id"]) is None


async def test_a_page_of_bids_costs_one_statement_more(bids: Bids) -> None:
    tasker = new_id("user")
    for _ in range(5):
        await bids.place(await bids.task(), tasker)
    with statements(bids.database) as seen:
        page = await bids.act(tasker, "{ myBids { nodes { viewerCan } } }")
    assert page == {"myBids": {"nodes": [{"viewerCan": ["UPDATE", "WITHDRAW"]}] * 5}}
    assert len(seen) == 2


async def test_an_event_tells_each_subscriber_what_they_can_do_after_it(bids: Bids) -> None:
    task, tasker = await bids.task(), new_id("user")
    bid = await bids.place(task, tasker)
    await bids.act(tasker, WITHDRAW, input={"bidId": bid["id"]})
    document = "subscription($id: ID!) { bidEvents(taskId: $id, after: 0) { type bid { viewerCan } } }"

    told = {}
    for who, viewer in (("tasker", tasker), ("poster", task.poster_id)):
        async with bids.served.connect(token=bids.token(viewer)) as client:
            await client.subscribe(document, {"id": task.id})
            told[who] = [(await client.next())["data"]["bidEvents"] for _ in range(2)]

    after = {"type": "WITHDRAWN", "bid": {"viewerCan": []}}
    assert told == {
        "tasker": [{"type": "PLACED", "bid": {"viewerCan": ["UPDATE", "WITHDRAW"]}}, after],
        "poster": [
            {"type": "PLACED", "bid": {"viewerCan": ["COUNTER_OFFER", "SHORTLIST", "DECLINE", "ACCEPT"]}},
            after,
        ],
    }
