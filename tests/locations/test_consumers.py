"""What locations does about events of tasks."""

import asyncio

from shared import events
from shared.ids import new_id
from subgraphs.locations import actions
from tests.conftest import Elsewhere
from tests.locations.conftest import BANGKOK, NEARBY, PLACE, POINT, VIEW, Locations
from tests.locations.test_maps import COUNTED, RECOUNTED, bounds
from tests.support import factories
from tests.support.redelivery import deliver_twice

TASK = f"""query($id: ID!) {{ _entities(representations: [{{__typename: "Task", id: $id}}]) {{
    ... on Task {{ publicPoint {POINT} }} }} }}"""


async def nearby(locations: Locations, point: dict[str, float]) -> list[str]:
    found = await locations.act(None, NEARBY, center=point, radius=1.0)
    return [node["id"] for node in found["nearbyTasks"]["nodes"]]


async def test_a_published_task_is_put_where_its_place_is_shown(locations: Locations, elsewhere: Elsewhere) -> None:
    poster = new_id("user")
    place = await locations.place(poster, point=BANGKOK)
    task = factories.task_snapshot(poster_id=poster, place_id=place["id"])

    await deliver_twice(elsewhere, "locations", events.TaskPublished(task=task))

    assert await nearby(locations, place["publicPoint"]) == [task.id]
    assert await nearby(locations, BANGKOK) == []
    assert await locations.bodies("locations.task.geocoded") == [{"task_id": task.id, "place_id": place["id"]}]
    assert await locations.bodies("locations.task.geocode_failed") == []


async def test_a_draft_is_not_taken_over(locations: Locations, elsewhere: Elsewhere) -> None:
    poster = new_id("user")
    place = await locations.place(poster)
    draft = factories.task_snapshot(poster_id=poster, place_id=place["id"], status="DRAFT", published_at=None)

    await deliver_twice(elsewhere, "locations", events.TaskCreated(task=draft))

    assert await locations.sql("SELECT id FROM tasks") == []
    assert await locations.bodies("locations.task.geocoded") == []


async def test_a_task_of_a_place_that_is_gone_is_nowhere_and_that_is_told(
    locations: Locations, elsewhere: Elsewhere
) -> None:
    task = factories.task_snapshot(place_id=new_id("place"))

    await deliver_twice(elsewhere, "locations", events.TaskPublished(task=task))

    assert await locations.sql("SELECT id, latitude FROM tasks") == [(task.id, None)]
    told = {"task_id": task.id, "place_id": task.place_id}
    assert await locations.bodies("locations.task.geocode_failed") == [told]


async def test_a_task_moves_leaves_the_map_and_comes_back(locations: Locations, elsewhere: Elsewhere) -> None:
    poster = new_id("user")
    here = await locations.place(poster, point=BANGKOK)
    there = await locations.place(poster, point={"latitude": 18.79, "longitude": 98.98})
    task = factories.task_snapshot(poster_id=poster, place_id=here["id"])

    def later(version: int, **changes: object) -> events.TaskSnapshot:
        return task.model_copy(update={"version": version, **changes})

    async def places() -> tuple[bool, bool]:
        found = [await nearby(locations, place["publicPoint"]) == [task.id] for place in (here, there)]
        return found[0], found[1]

    await deliver_twice(elsewhere, "locations", events.TaskPublished(task=task))
    assert await places() == (True, False)
    await deliver_twice(elsewhere, "locations", events.TaskUpdated(task=later(2, place_id=there["id"])))
    assert await places() == (False, True)
    expired = later(3, status="EXPIRED", place_id=there["id"])
    await deliver_twice(elsewhere, "locations", events.TaskExpired(task=expired))
    assert await places() == (False, False)
    # An old event that comes late, as a replayed dead letter does.
    await deliver_twice(elsewhere, "locations", events.TaskUpdated(task=later(2, place_id=here["id"])))
    assert await places() == (False, False)
    await deliver_twice(elsewhere, "locations", events.TaskPublished(task=later(4, place_id=there["id"])))
    assert await places() == (False, True)
    await deliver_twice(elsewhere, "locations", events.TaskUpdated(task=later(5, place_id=None)))
    assert await places() == (False, False)
    told = await locations.bodies("locations.task.geocoded")
    assert [body["place_id"] for body in told] == [here["id"], there["id"]]
    assert await locations.sql("SELECT * FROM cells") == []


async def test_every_event_about_a_task_is_heard() -> None:
    from subgraphs.locations.consumers import handlers

    of_tasks = {model for model in events.REGISTRY.values() if model.topic == "tasks.task"}
    assert of_tasks <= handlers._handlers.keys()


async def test_tasks_of_who_is_suspended_are_nowhere_until_the_suspension_ends(
    locations: Locations, elsewhere: Elsewhere
) -> None:
    poster, other = new_id("user"), new_id("user")
    at_first, place = await locations.task_at(poster)
    taken = await locations.task(poster_id=poster, place_id=place["id"], status="ASSIGNED")
    point = place["publicPoint"]
    kept, _ = await locations.task_at(other)
    area = bounds(point["latitude"], point["longitude"], point["latitude"], point["longitude"])

    async def shown() -> tuple[list[str], list[int]]:
        """In lists, and in the squares of the map with and without kept counts."""
        views = [(await locations.act(None, VIEW, bounds=area, zoom=zoom))["tasksInView"] for zoom in (10, 22)]
        assert await locations.sql(COUNTED) == await locations.sql(RECOUNTED)
        return await nearby(locations, point), [view["count"] for view in views]

    beside = (await shown())[1][0] - 1
    assert await shown() == ([at_first.id], [1 + beside, 1])
    await deliver_twice(elsewhere, "locations", events.UserSuspended(user_id=poster, reason="Spam"))
    assert await shown() == ([], [beside, 0])
    # What was on its way stays out too; what is taken goes on.
    late = await locations.task(poster_id=poster, place_id=place["id"])
    await locations.hear(at_first.model_copy(update={"version": 2, "title": "Paint the long fence"}))
    assert await shown() == ([], [beside, 0])
    found = await locations.act(None, TASK, id=at_first.id)
    assert found["_entities"][0]["publicPoint"] == point
    assert (await locations.act(None, PLACE, id=place["id"]))["place"]["publicPoint"] == point

    await deliver_twice(elsewhere, "locations", events.UserReinstated(user_id=poster))
    assert await shown() == (sorted([at_first.id, late.id]), [2 + beside, 2])
    # A suspension that comes again after its end.
    async with locations.database.transaction() as session:
        await actions.people.copy_suspension(session, poster, is_suspended=True, seq=1)
    assert await shown() == (sorted([at_first.id, late.id]), [2 + beside, 2])
    assert await locations.sql("SELECT is_hidden FROM tasks WHERE id = ANY(:ids)", ids=[taken.id, kept.id]) == [
        (False,), (False,),
    ]  # fmt: skip


async def test_a_task_and_a_suspension_at_the_same_moment_do_not_miss_each_other(locations: Locations) -> None:
    for _ in range(5):
        poster = new_id("user")
        place = await locations.place(poster)
        tasks = [factories.task_snapshot(poster_id=poster, place_id=place["id"]) for _ in range(6)]

        async def suspend(person: str = poster) -> None:
            async with locations.database.transaction() as session:
                await actions.people.copy_suspension(session, person, is_suspended=True, seq=1)

        await asyncio.gather(*map(locations.hear, tasks[:3]), suspend(), *map(locations.hear, tasks[3:]))

        hidden = await locations.sql("SELECT is_hidden FROM tasks WHERE poster_id = :poster", poster=poster)
        assert hidden == [(True,)] * 6
    assert await locations.sql("SELECT * FROM cells") == []
