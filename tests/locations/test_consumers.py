"""What locations does about events of tasks."""

from shared import events
from shared.ids import new_id
from tests import factories
from tests.conftest import Elsewhere
from tests.locations.conftest import BANGKOK, NEARBY, Locations
from tests.redelivery import deliver_twice


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
    from subgraphs.locations.consumers import TELLING, handlers

    of_tasks = {model for model in events.REGISTRY.values() if model.topic == "tasks.task"}
    assert of_tasks == set(TELLING)
    assert of_tasks <= handlers._handlers.keys()
