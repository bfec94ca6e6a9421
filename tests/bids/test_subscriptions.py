"""bidEvents over a real WebSocket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from shared import clock, events
from shared.ids import new_id
from shared.process.app import drain
from subgraphs.bids.schema.event import BidEventType
from tests.bids.conftest import BID_FIELDS, DECLINE, UPDATE, Bids, accept
from tests.conftest import AccessToken
from tests.support.serving import Client

EVENTS = f"""
    subscription($taskId: ID!, $after: Int) {{
      bidEvents(taskId: $taskId, after: $after) {{ seq previousSeq type occurredAt bid {{ {BID_FIELDS} }} }}
    }}
"""
Step = tuple[int, int | None, str, dict[str, Any]]


@asynccontextmanager
async def following(bids: Bids, token: str, task_id: str, after: int | None = None) -> AsyncIterator[Client]:
    async with bids.served.connect(token=token) as client:
        await client.subscribe(EVENTS, {"taskId": task_id, "after": after})
        yield client


async def next_event(client: Client) -> dict[str, Any]:
    payload = await client.next(30)
    assert "errors" not in payload, payload
    event: dict[str, Any] = payload["data"]["bidEvents"]
    return event


async def next_steps(client: Client, count: int) -> list[Step]:
    found = [await next_event(client) for _ in range(count)]
    return [(each["seq"], each["previousSeq"], each["type"], each["bid"]) for each in found]


async def update(bids: Bids, bid: dict[str, Any], minutes: int) -> dict[str, Any]:
    payload = (await bids.act(bid["tasker"]["id"], UPDATE, input={"bidId": bid["id"], "estimatedMinutes": minutes}))[
        "updateBid"
    ]
    assert payload["userErrors"] == []
    changed: dict[str, Any] = payload["bid"]
    return changed


def code_of(message: dict[str, Any]) -> str:
    """The code of a message that ends a subscription, before it began or in its midst."""
    errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
    (error,) = errors
    return str(error["extensions"]["code"])


async def ends_with(client: Client, code: str, seconds: float) -> bool:
    """Whether the subscription ends in time, and not as if it had completed."""
    message = await client.receive(seconds)
    completed = await client.receive(seconds) if message["type"] == "next" else None
    return code_of(message) == code and completed in (None, {"id": "1", "type": "complete"})


def test_every_event_of_bids_has_a_name_in_the_graph() -> None:
    types = {type_.rpartition(".")[2] for type_, model in events.REGISTRY.items() if model.topic == "bids.bid"}
    assert types == {each.value for each in BidEventType}


async def test_everybody_sees_the_bids_that_they_may_see_and_no_others(bids: Bids) -> None:
    task = await bids.task()
    one = await bids.place(task)
    two = await bids.place(task)
    changed = await update(bids, one, 30)
    declined = (await bids.act(task.poster_id, DECLINE, input={"bidId": one["id"], "reason": "OTHER"}))["declineBid"][
        "bid"
    ]
    accepted = await accept(bids, task.poster_id, two)
    everything: list[Step] = [
        (1, 0, "PLACED", one),
        (2, 1, "PLACED", two),
        (3, 2, "UPDATED", changed),
        (4, 3, "DECLINED", declined),
        (5, 4, "ACCEPTED", accepted),
    ]
    one_token, two_token = bids.token(one["tasker"]["id"]), bids.token(two["tasker"]["id"])

    async with following(bids, bids.token(task.poster_id), task.id, 0) as client:
        assert await next_steps(client, 5) == everything
    async with following(bids, bids.token(task.poster_id), task.id, 3) as client:
        assert await next_steps(client, 2) == everything[3:]
    async with following(bids, one_token, task.id, 0) as client:
        own: list[Step] = [(1, 0, "PLACED", one), (3, 1, "UPDATED", changed), (4, 3, "DECLINED", declined)]
        assert await next_steps(client, 3) == own
    async with following(bids, two_token, task.id, 0) as client:
        assert await next_steps(client, 2) == [(2, 0, "PLACED", two), (5, 2, "ACCEPTED", accepted)]
    async with following(bids, two_token, task.id, 3) as client:
        assert await next_steps(client, 1) == [(5, 3, "ACCEPTED", accepted)]


async def test_a_stranger_sees_nothing_until_they_bid_themselves(bids: Bids) -> None:
    task, stranger = await bids.task(), new_id("user")
    await bids.place(task)
    admin = bids.token(stranger, "ADMIN", "TASKER")

    async with following(bids, bids.token(stranger), task.id, 0) as client, following(bids, admin, task.id, 0) as other:
        await bids.place(task)
        own = await bids.place(task, stranger)

        # What came before was passed over, not only late.
        assert await next_steps(client, 1) == await next_steps(other, 1) == [(3, 0, "PLACED", own)]
        assert own["message"]


async def test_without_after_only_what_happens_from_now_on_comes(bids: Bids) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    writing = asyncio.create_task(_update_for_ever(bids, bid))

    async with following(bids, bids.token(task.poster_id), task.id) as client:
        (first, second) = await next_steps(client, 2)
    writing.cancel()

    assert first[0] > 1
    assert (first[1], second[:2]) == (None, (first[0] + 1, first[0]))


async def _update_for_ever(bids: Bids, bid: dict[str, Any]) -> None:
    for minutes in range(1, 1_000):
        await update(bids, bid, minutes)


async def test_who_comes_back_gets_every_event_exactly_once_whoever_writes(bids: Bids) -> None:
    task = await bids.task()
    placed = [await bids.place(task) for _ in range(4)]
    last = 4 + 4 * 6
    writing = asyncio.gather(*(_update_often(bids, bid, 6) for bid in placed))
    everything: list[int] = [0]
    own: list[int] = [0]

    async def collect(seen: list[int], user_id: str, done: int) -> None:
        while seen[-1] < done:
            # Cut off after every few events, with the socket closed under it.
            async with following(bids, bids.token(user_id), task.id, seen[-1]) as client:
                for _ in range(3):
                    event = await next_event(client)
                    assert event["previousSeq"] == seen[-1]
                    seen.append(event["seq"])
                    if seen[-1] == done:
                        break

    await asyncio.gather(collect(everything, task.poster_id, last), writing)
    rows = await bids.sql("SELECT seq FROM outbox WHERE body -> 'bid' ->> 'id' = :id ORDER BY seq", id=placed[0]["id"])
    expected = [int(str(seq)) for (seq,) in rows]
    await collect(own, placed[0]["tasker"]["id"], expected[-1])

    assert everything == list(range(last + 1))
    assert own == [0, *expected]
    assert len(expected) == 7


async def _update_often(bids: Bids, bid: dict[str, Any], times: int) -> None:
    for minutes in range(1, times + 1):
        await update(bids, bid, minutes)


async def test_a_place_that_is_not_in_the_log_is_refused(bids: Bids) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    await update(bids, bid, 1)
    changed = await update(bids, bid, 2)
    await bids.sql("DELETE FROM outbox WHERE seq <= 2")
    token = bids.token(task.poster_id)
    refused: list[tuple[str, int | None, str]] = [
        (task.id, 0, "CURSOR_EXPIRED"),
        (task.id, 1, "CURSOR_EXPIRED"),
        (task.id, 4, "BAD_REQUEST"),
        (task.id, -1, "BAD_REQUEST"),
        ("1", 0, "INVALID_ID"),
        (bid["id"], None, "INVALID_ID"),
    ]

    for task_id, after, code in refused:
        async with following(bids, token, task_id, after) as client:
            assert await ends_with(client, code, 10), (task_id, after)
    async with following(bids, token, task.id, 2) as client:
        assert await next_steps(client, 1) == [(3, 2, "UPDATED", changed)]


@pytest.mark.parametrize("token", ["", "forged"])
async def test_who_is_not_signed_in_is_refused(bids: Bids, token: str) -> None:
    async with following(bids, token, (await bids.task()).id, 0) as client:
        assert await ends_with(client, "UNAUTHENTICATED", 10)


async def test_a_subscription_ends_with_its_token(bids: Bids, access_token: AccessToken) -> None:
    task = await bids.task()
    await bids.place(task)

    async with following(bids, access_token(task.poster_id, expires_in=900), task.id, 0) as client:
        await next_event(client)
        with clock.offset(timedelta(seconds=901)):
            assert await ends_with(client, "UNAUTHENTICATED", 5)


async def test_a_subscription_ends_with_its_session_and_others_go_on(bids: Bids, access_token: AccessToken) -> None:
    task = await bids.task()
    bid = await bids.place(task)
    token = access_token(task.poster_id, session_id="session_revoked")

    async with (
        following(bids, token, task.id, 0) as client,
        following(bids, access_token(task.poster_id), task.id, 0) as other,
    ):
        await next_event(client)
        await next_event(other)
        # What `users` writes when the session ends, wherever that happens.
        redis = bids.served.server._app.state.services.cache.client
        await redis.zadd("revoked:sessions", {"session_revoked": time.time() + 900})

        assert await ends_with(client, "UNAUTHENTICATED", 5)
        await update(bids, bid, 5)
        assert (await next_event(other))["type"] == "UPDATED"


async def test_a_server_that_goes_away_says_so(bids: Bids) -> None:
    task = await bids.task()
    await bids.place(task)
    token = bids.token(task.poster_id)

    async with following(bids, token, task.id, 0) as client:
        await next_event(client)
        await drain(bids.served.server._app)

        assert await ends_with(client, "SERVER_SHUTDOWN", 5)
        await client.subscribe(EVENTS, {"taskId": task.id, "after": 1})
        assert await ends_with(client, "SERVER_SHUTDOWN", 5)
