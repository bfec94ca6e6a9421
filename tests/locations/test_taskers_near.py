"""Who works where a task is: brute force says who, and in which order."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_
from hypothesis import strategies as st

from shared import events
from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.geometry import distance_meters, moved
from tests.conftest import Elsewhere
from tests.locations.areas import CENTERS, NEAR, SET, Scattered, given, random_star, scatter, star
from tests.locations.conftest import BANGKOK, Locations
from tests.support.redelivery import deliver_twice

HERE = Point(**BANGKOK)
CATEGORY, OTHER_CATEGORY = new_id("category"), new_id("category")


async def post(locations: Locations, poster_id: str, at: Point = HERE, **changes: Any) -> events.TaskSnapshot:
    """A task whose public point this is."""
    place = new_id("place")
    await locations.sql(
        """INSERT INTO places SELECT :id, :owner, null, null, null, 'POINT', 0, 0, :latitude, :longitude, now()
        RETURNING 1""",
        id=place, owner=poster_id, **given(at),
    )  # fmt: skip
    return await locations.task(poster_id=poster_id, place_id=place, **changes)


async def near(locations: Locations, task: events.TaskSnapshot, **rest: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await locations.act(task.poster_id, NEAR, task=task.id, **rest))["taskersNear"]
    return found


def people(found: dict[str, Any]) -> list[str]:
    return [node["tasker"]["id"] for node in found["nodes"]]


async def every_page(locations: Locations, task: events.TaskSnapshot, size: int) -> list[str]:
    """The taskers of all pages, read forwards."""
    ids: list[str] = []
    after: str | None = None
    while True:
        page = await near(locations, task, first=size, after=after)
        ids += people(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return ids


async def test_the_nearest_come_first_with_the_distances_of_their_centres(locations: Locations) -> None:
    task = await post(locations, new_id("user"))
    far = [Scattered(moved(HERE, 90, 3_000 * number), radius=9_500) for number in (3, 1, 4, 2)]

    ids = await scatter(locations, far)

    found = await near(locations, task)
    assert people(found) == [ids[1], ids[3], ids[0]]
    assert [node["distanceMeters"] for node in found["nodes"]] == pytest.approx([3_000, 6_000, 9_000], abs=0.1)
    assert found["totalCount"] == 3
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given_(center=st.sampled_from(CENTERS), seed=st.integers(0, 1_000_000), size=st.integers(1, 20))
async def test_it_is_what_brute_force_finds(locations: Locations, center: Point, seed: int, size: int) -> None:
    await locations.sql("DELETE FROM service_areas RETURNING 1")
    randomly = random.Random(seed)
    task = await post(locations, new_id("user"), center, category_id=CATEGORY)
    areas = []
    for _ in range(60):
        # On a scale of metres as on one of a hundred kilometres.
        scale = 10 ** randomly.uniform(1, 5)
        middle = moved(center, randomly.uniform(0, 360), scale * randomly.uniform(0, 1.5))
        corners = tuple(random_star(randomly, middle, scale)) if randomly.random() < 0.5 else ()
        categories = randomly.choice(((), (), (CATEGORY, OTHER_CATEGORY), (OTHER_CATEGORY,)))
        areas.append(Scattered(middle, None if corners else scale, corners, categories))
    ids = await scatter(locations, areas)
    works = {
        tasker: distance_meters(area.center, center)
        for tasker, area in zip(ids, areas, strict=True)
        if area.covers(center) and (not area.categories or CATEGORY in area.categories)
    }

    found = await every_page(locations, task, size)

    assert sorted(found) == sorted(works)
    distances = [works[tasker] for tasker in found]
    # What differs by less than the rounding of two formulas may come either way.
    assert distances == pytest.approx(sorted(distances), abs=0.01)


@pytest.mark.parametrize("center", CENTERS, ids=str)
async def test_what_was_set_reaches_as_far_as_was_said_but_for_where_it_is_shown(
    locations: Locations, center: Point
) -> None:
    circle, polygon = new_id("user"), new_id("user")
    await locations.act(circle, SET, input={"center": given(center), "radiusMeters": 20_000})
    corners = [given(corner) for corner in star(center, [20_000] * 36)]
    await locations.act(polygon, SET, input={"polygon": corners})
    poster = new_id("user")

    for bearing in (0, 77, 180, 301):
        inside = await post(locations, poster, moved(center, bearing, 18_500))
        outside = await post(locations, poster, moved(center, bearing, 21_500))
        assert sorted(people(await near(locations, inside))) == sorted([circle, polygon])
        assert people(await near(locations, outside)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_taskers_at_one_place_are_each_on_one_page(locations: Locations, size: int) -> None:
    task = await post(locations, new_id("user"))
    ids = await scatter(locations, [Scattered(moved(HERE, 0, 100), radius=1_000)] * 7 + [Scattered(HERE, radius=5)])

    assert await every_page(locations, task, size) == [ids[7], *sorted(ids[:7])]


async def test_pages_are_read_backwards_too(locations: Locations) -> None:
    task = await post(locations, new_id("user"))
    ids = await scatter(locations, [Scattered(moved(HERE, 0, 100 * n), radius=9_000) for n in range(10)])

    last = await near(locations, task, last=4)
    assert people(last) == ids[6:]
    assert last["pageInfo"]["hasPreviousPage"] is True
    before = await near(locations, task, last=4, before=last["pageInfo"]["startCursor"])
    assert people(before) == ids[2:6]


async def test_nobody_is_shown_who_is_suspended_erased_or_kept_away_by_a_block(
    locations: Locations, elsewhere: Elsewhere
) -> None:
    poster = new_id("user")
    task = await post(locations, poster)
    ids = await scatter(locations, [Scattered(moved(HERE, 0, 100 * n), radius=9_000) for n in range(8)])
    blocker, blocked, suspended, erased, unblocked, reinstated, aloof, other = ids
    await locations.act(poster, SET, input={"center": BANGKOK, "radiusMeters": 100_000})

    await deliver_twice(
        elsewhere,
        "locations",
        events.UserBlocked(user_id=blocker, blocked_id=poster),
        events.UserBlocked(user_id=poster, blocked_id=blocked),
        events.UserSuspended(user_id=suspended, reason="Spam"),
        events.UserErased(user_id=erased),
        events.UserBlocked(user_id=unblocked, blocked_id=poster),
        events.UserUnblocked(user_id=unblocked, blocked_id=poster),
        events.UserSuspended(user_id=reinstated, reason="Spam"),
        events.UserReinstated(user_id=reinstated),
        events.UserBlocked(user_id=aloof, blocked_id=other),
    )

    assert people(await near(locations, task)) == [unblocked, reinstated, aloof, other]


async def test_only_the_poster_of_a_published_task_with_a_place_is_answered(locations: Locations) -> None:
    poster, other = new_id("user"), new_id("user")
    task = await post(locations, poster)
    nowhere = await locations.task(poster_id=poster, place_id=None)
    (tasker,) = await scatter(locations, [Scattered(HERE, radius=9_000)])

    async def answer(person: str, task_id: str) -> Any:
        return (await locations.act(person, NEAR, task=task_id))["taskersNear"]

    assert people(await answer(poster, task.id)) == [tasker]
    for person, task_id in ((tasker, task.id), (other, task.id), (poster, nowhere.id), (poster, new_id("task"))):
        assert await answer(person, task_id) is None
    assert (await locations.refusal(None, NEAR, task=task.id))[0] == "UNAUTHENTICATED"
    assert (await locations.refusal(poster, NEAR, task=new_id("place")))[0] == "INVALID_ID"


async def test_cursors_are_of_one_task(locations: Locations) -> None:
    poster = new_id("user")
    task, other = await post(locations, poster), await post(locations, poster, moved(HERE, 0, 50))
    await scatter(locations, [Scattered(HERE, radius=9_000)] * 3)
    cursor = (await near(locations, task, first=2))["pageInfo"]["endCursor"]
    assert len(people(await near(locations, task, after=cursor))) == 1

    for asked in ({"task": other.id, "after": cursor}, {"task": task.id, "after": cursor[:-2] + "AA"}):
        code, message = await locations.refusal(poster, NEAR, **asked)
        assert (code, message) == ("BAD_REQUEST", "`after` is not a cursor of this list in this order.")
    assert (await locations.refusal(poster, NEAR, task=task.id, first=101))[0] == "BAD_REQUEST"


async def test_tasks_all_around_lead_to_the_public_centre_only(locations: Locations) -> None:
    """Neither distances nor where an area ends say more."""
    tasker, poster = new_id("user"), new_id("user")
    public = Point(**(await locations.place(tasker, point=BANGKOK))["publicPoint"])
    await locations.act(tasker, SET, input={"center": BANGKOK, "radiusMeters": 5_000})

    for bearing in range(0, 360, 45):
        within, beyond = [await post(locations, poster, moved(public, bearing, away)) for away in (4_999.5, 5_000.5)]
        (node,) = (await near(locations, within))["nodes"]
        assert node["distanceMeters"] == pytest.approx(4_999.5, abs=0.05)
        assert people(await near(locations, beyond)) == []
