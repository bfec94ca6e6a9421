"""Where and when tasks are done, and what they ask for."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from tests.support.messaging import sql
from tests.tasks.conftest import CREATE, PUBLISH, UPDATE, Tasks


def after(days: float) -> str:
    return format_datetime(clock.now() + timedelta(days=days))


async def test_a_task_says_where_when_and_what_it_asks_for(tasks: Tasks, poster: str) -> None:
    given = {
        "requirements": ["  Bring a ladder. ", "Bring a ladder.", "Speak Thai or English."],
        "dueFrom": after(2),
        "dueAt": after(3),
        "timeZone": "Asia/Bangkok",
    }

    task = await tasks.open(poster, **given)

    expected = {**given, "requirements": ["Bring a ladder.", "Speak Thai or English."], "place": {"id": tasks.place}}
    assert {name: task[name] for name in expected} == expected
    ((body,),) = await sql(tasks.database, "SELECT body FROM outbox WHERE type = 'tasks.task.published'")
    assert isinstance(body, dict)
    told = body["task"]
    assert (told["place_id"], told["requirements"]) == (tasks.place, expected["requirements"])
    assert told["time_zone"] == "Asia/Bangkok"


REFUSALS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "no time zone": ({"timeZone": "Bangkok"}, "INVALID_INPUT", ["timeZone"]),
    "window without an end": ({"dueFrom": after(2)}, "INVALID_INPUT", ["dueAt"]),
    "window that ends before it begins": ({"dueFrom": after(4), "dueAt": after(3)}, "INVALID_INPUT", ["dueFrom"]),
    "too many requirements": ({"requirements": [f"Bring {n}" for n in range(21)]}, "INVALID_INPUT", ["requirements"]),
    "a short requirement": ({"requirements": ["fine", "no"]}, "INVALID_INPUT", ["requirements", "1"]),
    "a long requirement": ({"requirements": ["x" * 201]}, "INVALID_INPUT", ["requirements", "0"]),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_the_rules_forbid_is_refused(tasks: Tasks, poster: str, name: str) -> None:
    changes, code, field = REFUSALS[name]
    draft = await tasks.draft(poster)
    before = await tasks.state()
    refused = {"task": None, "userErrors": [{"code": code, "field": field}]}

    created = await tasks.act(poster, CREATE, input=tasks.input(**changes))
    updated = await tasks.act(poster, UPDATE, input={"taskId": draft["id"], "expectedVersion": 1, **changes})

    assert created == {"createTask": refused}
    assert updated == {"updateTask": refused}
    assert await tasks.state() == before


async def test_what_is_done_at_a_place_is_published_with_one(tasks: Tasks, poster: str) -> None:
    refused = {"task": None, "userErrors": [{"code": "PLACE_REQUIRED", "field": ["placeId"]}]}

    at_once = await tasks.act(poster, CREATE, input=tasks.input(placeId=None, publish=True))
    draft = await tasks.draft(poster, placeId=None)
    later = await tasks.act(poster, PUBLISH, input={"taskId": draft["id"]})
    here = {"taskId": draft["id"], "expectedVersion": 1, "placeId": tasks.place}
    await tasks.act(poster, UPDATE, input=here)
    published = await tasks.act(poster, PUBLISH, input={"taskId": draft["id"]})
    removed = await tasks.act(poster, UPDATE, input={"taskId": draft["id"], "expectedVersion": 3, "placeId": None})
    remote = await tasks.open(poster, mode="REMOTE", placeId=None)
    moved = await tasks.act(poster, UPDATE, input={"taskId": remote["id"], "expectedVersion": 2, "mode": "ONSITE"})

    assert (at_once, later) == ({"createTask": refused}, {"publishTask": refused})
    assert published["publishTask"]["task"]["place"] == {"id": tasks.place}
    assert (removed, moved) == ({"updateTask": refused}, {"updateTask": refused})


async def test_a_place_is_named_by_its_id(tasks: Tasks, poster: str) -> None:
    draft = await tasks.draft(poster)
    for place in ("", "Soi 4, Bangkok", new_id("task")):
        created = await tasks.served.execute(
            CREATE, {"input": tasks.input(placeId=place)}, token=tasks.token(poster, "POSTER")
        )
        change = {"taskId": draft["id"], "expectedVersion": 1, "placeId": place}
        updated = await tasks.served.execute(UPDATE, {"input": change}, token=tasks.token(poster, "POSTER"))
        assert [each["errors"][0]["extensions"]["code"] for each in (created, updated)] == ["INVALID_ID"] * 2


async def test_a_task_is_at_a_place_of_its_poster(tasks: Tasks, poster: str) -> None:
    unknown, foreign, deleted, own = (new_id("place") for _ in range(4))
    await tasks.has_place(new_id("user"), foreign)
    await tasks.has_place(poster, deleted, is_deleted=True)
    await tasks.has_place(poster, own)
    draft = await tasks.draft(poster, placeId=own)
    before = await tasks.state()
    refused = {"task": None, "userErrors": [{"code": "NOT_FOUND", "field": ["placeId"]}]}

    for place in (unknown, foreign, deleted):
        change = {"taskId": draft["id"], "expectedVersion": 1, "placeId": place}
        assert await tasks.act(poster, CREATE, input=tasks.input(placeId=place)) == {"createTask": refused}
        assert await tasks.act(poster, UPDATE, input=change) == {"updateTask": refused}
    await tasks.has_place(poster, own, is_deleted=True)
    assert await tasks.act(poster, PUBLISH, input={"taskId": draft["id"]}) == {"publishTask": refused}
    assert await tasks.state() == before


async def test_a_place_that_was_made_this_instant_is_waited_for(tasks: Tasks, poster: str) -> None:
    place = new_id("place")

    creating = asyncio.create_task(tasks.act(poster, CREATE, input=tasks.input(placeId=place)))
    services = tasks.served.server._app.state.services
    while not services.arrivals.waiting:
        await asyncio.sleep(0.01)
    await tasks.has_place(poster, place)

    created = (await creating)["createTask"]
    assert created["userErrors"] == []
    assert created["task"]["place"] == {"id": place}


async def test_place_and_window_change_and_go(tasks: Tasks, poster: str) -> None:
    elsewhere, start, end = new_id("place"), after(2), after(3)
    await tasks.has_place(poster, elsewhere)
    task = await tasks.draft(poster, mode="REMOTE", placeId=None)

    async def update(**changes: Any) -> dict[str, Any]:
        nonlocal task
        given = {"taskId": task["id"], "expectedVersion": task["version"], **changes}
        payload = (await tasks.act(poster, UPDATE, input=given))["updateTask"]
        assert payload["userErrors"] == []
        task = payload["task"]
        return task

    moved = await update(placeId=elsewhere, dueFrom=start, dueAt=end, timeZone="Europe/Berlin", requirements=["Care"])
    assert (moved["place"], moved["dueFrom"], moved["dueAt"]) == ({"id": elsewhere}, start, end)
    assert (moved["timeZone"], moved["requirements"]) == ("Europe/Berlin", ["Care"])
    kept = await update(title="Paint the other fence")
    assert (kept["place"], kept["dueFrom"], kept["dueAt"]) == ({"id": elsewhere}, start, end)
    by_its_end_only = await update(dueFrom=None)
    assert (by_its_end_only["dueFrom"], by_its_end_only["dueAt"]) == (None, end)
    await update(dueFrom=start)
    gone = await update(dueAt=None, placeId=None)
    assert (gone["place"], gone["dueFrom"], gone["dueAt"]) == (None, None, None)
