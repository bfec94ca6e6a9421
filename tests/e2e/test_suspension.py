"""Somebody is suspended, or leaves, while they use every part of the system."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from deploy.demo.live import SignedOut
from deploy.local.stack import Stack
from tests.e2e.people import (
    BID_EVENTS,
    NOTIFICATION_EVENTS,
    TASK_EVENTS,
    Person,
    become_admin,
    mutation,
    new_email,
    newcomer,
    viewing,
)
from tests.support.loopback import NO_TLS

pytestmark = pytest.mark.e2e

SUSPEND = mutation("suspendUser", "user { status }")
LEAVE = mutation("eraseMyAccount", "user { status }")
PASSWORD = "seven purple lanterns juggle soup"
# A field of each subgraph that wants to know who asks.
ASKS = {
    "users": "{ me { id } }",
    "tasks": "{ myTasks(as: TASKER) { nodes { id } } }",
    "bids": "{ myBids { nodes { id } } }",
    "payments": "{ myPaymentMethods { id } }",
    "notifications": "{ unreadCount }",
    "locations": "{ myPlaces { nodes { id } } }",
}


async def is_suspended(ada: Person, tom: Person) -> None:
    given = {"userId": tom.user_id, "reason": "Asked people to pay outside of the marketplace."}
    assert (await ada.call(SUSPEND, input=given))["user"] == {"status": "SUSPENDED"}


async def leaves(ada: Person, tom: Person) -> None:
    assert (await tom.call(LEAVE, input={"password": PASSWORD}))["user"] == {"status": "ERASED"}


@pytest.mark.timing
@pytest.mark.parametrize("goes", [is_suspended, leaves])
async def test_all_that_somebody_holds_who_is_out_ends_within_5_seconds(
    stack: Stack, edge: str, goes: Callable[[Person, Person], Awaitable[None]]
) -> None:
    async with newcomer(edge, "Ada", "POSTER") as ada, Person(edge, "Tom") as tom:
        await tom.sign_up(new_email(), PASSWORD, ["TASKER"])
        await become_admin(stack, ada)
        task_id = await ada.post_task()
        await tom.place_bid(task_id, "180.00")
        token = await tom.token()

        async def code(url: str, document: str) -> str:
            async with httpx.AsyncClient(verify=NO_TLS) as client:
                headers = {"authorization": f"Bearer {token}"}
                answer = (await client.post(url, json={"query": document}, headers=headers)).json()
            return str(answer["errors"][0]["extensions"]["code"]) if "errors" in answer else "OK"

        doors = [(f"{edge}/graphql", document) for document in ASKS.values()]
        doors += [(stack.url(name, "/graphql"), document) for name, document in ASKS.items()]
        assert {await code(*door) for door in doors} == {"OK"}

        async with (
            viewing(tom.follow(BID_EVENTS, {"taskId": task_id})) as bids,
            viewing(tom.follow(TASK_EVENTS, {"taskId": task_id})) as tasks,
            viewing(tom.follow(NOTIFICATION_EVENTS)) as inbox,
        ):
            views = (bids, tasks, inbox)
            await asyncio.gather(*(view.shows(1) for view in views))

            await goes(ada, tom)

            until = time.monotonic() + 5
            while {await code(*door) for door in doors} != {"UNAUTHENTICATED"}:
                assert time.monotonic() < until, {door: await code(*door) for door in doors}
            while any(view.failure is None for view in views):
                assert time.monotonic() < until, [view.failure for view in views]
                await asyncio.sleep(0.02)
            assert [type(view.failure) for view in views] == [SignedOut] * 3
