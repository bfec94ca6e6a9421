"""A task posted with an address: who is told of it at once, who is not, and who finds it."""

from contextlib import AsyncExitStack

import pytest

from deploy.demo.live import Data
from tests.e2e.people import NOTIFICATION_EVENTS, euro, eventually, mutation, newcomer, viewing

# The first test waits for the whole system to start.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

SAVE = mutation("createSavedSearch", "savedSearch { id }")
NEAR_BANGKOK: Data = {"center": {"latitude": 13.75, "longitude": 100.5}, "radiusMeters": 50_000}
NEAR_CHIANG_MAI: Data = {"center": {"latitude": 18.79, "longitude": 98.98}, "radiusMeters": 50_000}
WELCOME = "Welcome to Service Exchange"


async def test_the_right_taskers_hear_of_a_task_at_an_address_and_the_search_finds_it(edge: str) -> None:
    async with AsyncExitStack() as stack:
        paula = await stack.enter_async_context(newcomer(edge, "Paula", "POSTER"))
        near, anywhere, far, roofer = taskers = [
            await stack.enter_async_context(newcomer(edge, name, "TASKER")) for name in ("Tom", "Ann", "Tina", "Theo")
        ]
        for tasker, wanted in zip(
            taskers,
            (NEAR_BANGKOK, {"words": "trellis"}, NEAR_CHIANG_MAI, NEAR_BANGKOK | {"words": "roof"}),
            strict=True,
        ):
            await tasker.call(SAVE, input={"name": "Work", **wanted})
        await paula.call(SAVE, input={"name": "My own", **NEAR_BANGKOK})
        inboxes = {
            who: await stack.enter_async_context(viewing(who.follow(NOTIFICATION_EVENTS))) for who in (paula, *taskers)
        }
        for inbox in inboxes.values():
            await inbox.shows(1)

        given = {"address": "12 Sukhumvit Soi 11, Bangkok", "country": "TH"}
        place = (await paula.call(mutation("createPlace", "place { id }"), input=given))["place"]
        categories = await paula.call("{ categories { children { id } } }")
        task = {
            "title": "Paint the garden trellis",
            "description": "Twenty metres of wooden trellis need two coats of green paint.",
            "categoryId": categories[0]["children"][0]["id"],
            "budget": euro("200.00"),
            "mode": "ONSITE",
            "placeId": place["id"],
            "publish": True,
        }
        create = mutation("createTask", "task { id }")
        task_id = (await paula.call_once_known(create, input=task))["task"]["id"]

        for who, title in ((near, "A new task near you"), (anywhere, "A new task for you")):
            await inboxes[who].shows(2)
            assert inboxes[who].events[1]["notification"] == {
                "title": title, "body": f"{title}: “Paint the garden trellis”.", "link": f"/tasks/{task_id}",
            }  # fmt: skip

        async def is_found() -> bool:
            found: Data = await far.call('{ tasks(filter: {text: "trellis"}) { nodes { id } } }')
            return task_id in [node["id"] for node in found["nodes"]]

        await eventually(is_found)
        # What the others are told next comes the same way, behind whatever should not have come.
        for who in (far, roofer):
            await who.call(SAVE, input={"name": "More work", "words": "gutter"})
        later = task | {"title": "Clean the gutter", "description": "It is full of leaves, all around the house."}
        await paula.call(mutation("createTask", "task { id }"), input=later)
        for who in (far, roofer):
            await inboxes[who].shows(2)
            bodies = [event["notification"]["body"] for event in inboxes[who].events]
            assert bodies[1:] == ["A new task for you: “Clean the gutter”."]
        assert [event["notification"]["title"] for event in inboxes[paula].events] == [WELCOME]
