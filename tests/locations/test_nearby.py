"""Open tasks around a point: brute force says what is near, and in which order."""

import asyncio
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.geo import Point
from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.locations.rules.geometry import distance_meters, moved
from tests.locations.conftest import BANGKOK, NEARBY, Locations
from tests.support import factories

CENTER = Point(**BANGKOK)
# Where the arithmetic of degrees goes wrong if it can: poles, antimeridian, equator.
CENTERS = [CENTER, Point(0, 180), Point(-17, -179.99), Point(89.99, 10), Point(-90, 0), Point(0, 0), Point(51.5, -0.1)]


def given_point(point: Point) -> dict[str, float]:
    return {"latitude": point.latitude, "longitude": point.longitude}


async def near(locations: Locations, center: Point, radius: float, **rest: Any) -> dict[str, Any]:
    found = await locations.act(None, NEARBY, center=given_point(center), radius=radius, **rest)
    listed: dict[str, Any] = found["nearbyTasks"]
    return listed


async def every_page(locations: Locations, center: Point, radius: float, size: int) -> list[str]:
    """The ids of all pages, read forwards."""
    ids: list[str] = []
    after: str | None = None
    while True:
        page = await near(locations, center, radius, first=size, after=after)
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return ids


async def test_the_nearest_come_first_with_their_distances(locations: Locations) -> None:
    points = [moved(CENTER, 40 * number, 250 * number) for number in range(1, 9)]
    ids = await locations.scatter([(point.latitude, point.longitude) for point in reversed(points)])

    found = await near(locations, CENTER, 1_600)

    assert [node["id"] for node in found["nodes"]] == ids[::-1][:6]
    assert [edge["distanceMeters"] for edge in found["edges"]] == pytest.approx([250 * n for n in range(1, 7)], abs=0.1)
    assert found["totalCount"] == 6
    assert found["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("center", CENTERS, ids=str)
async def test_it_is_what_brute_force_finds(locations: Locations, center: Point) -> None:
    randomly = random.Random(repr(center))
    points = [moved(center, randomly.uniform(0, 360), randomly.uniform(0, 300_000)) for _ in range(200)]
    points += [moved(center, randomly.uniform(0, 360), 10 ** randomly.uniform(-1, 7)) for _ in range(100)]
    ids = await locations.scatter([(point.latitude, point.longitude) for point in points])
    await locations.scatter([(center.latitude, center.longitude)], status="CANCELLED")
    distances = {task: distance_meters(center, point) for task, point in zip(ids, points, strict=True)}

    for radius in (0.5, 1_000.0, 50_000.0, 200_000.0):
        expected = sorted((task for task in ids if distances[task] <= radius), key=distances.__getitem__)
        found = await every_page(locations, center, radius, 37)
        # What differs by less than the rounding of two formulas may come either way.
        assert [round(distances[task], 3) for task in found] == pytest.approx(
            [round(distances[task], 3) for task in expected], abs=0.01
        )
        assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_tasks_at_one_place_are_each_on_one_page(locations: Locations, size: int) -> None:
    same = [(CENTER.latitude + 0.01, CENTER.longitude)] * 7
    ids = await locations.scatter([*same, (CENTER.latitude, CENTER.longitude), *same])

    found = await every_page(locations, CENTER, 5_000, size)

    assert found == [ids[7], *sorted(ids[:7] + ids[8:])]


async def test_pages_are_read_backwards_too(locations: Locations) -> None:
    ids = await locations.scatter([(CENTER.latitude + number / 1_000, CENTER.longitude) for number in range(10)])

    last = await near(locations, CENTER, 5_000, last=4)
    assert [node["id"] for node in last["nodes"]] == ids[6:]
    assert last["pageInfo"]["hasPreviousPage"] is True
    before = await near(locations, CENTER, 5_000, last=4, before=last["pageInfo"]["startCursor"])
    assert [node["id"] for node in before["nodes"]] == ids[2:6]
    middle = await near(locations, CENTER, 5_000, first=2, after=before["pageInfo"]["startCursor"])
    assert [node["id"] for node in middle["nodes"]] == ids[3:5]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_what_stays_is_on_one_page_while_others_come_and_go(locations: Locations, data: st.DataObject) -> None:
    seed = data.draw(st.integers(0, 10_000))
    size = data.draw(st.integers(1, 9))
    randomly = random.Random(seed)
    await locations.sql("DELETE FROM tasks RETURNING 1")

    def somewhere() -> tuple[float, float]:
        point = moved(CENTER, randomly.choice((0, 90, 90, 200)), randomly.choice((500, 500, 900, 1_500, 4_000)))
        return point.latitude, point.longitude

    staying = await locations.scatter([somewhere() for _ in range(25)])
    going = await locations.scatter([somewhere() for _ in range(15)])
    found: list[str] = []
    after: str | None = None
    for _ in range(100):
        page = await near(locations, CENTER, 5_000, first=size, after=after)
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"] or after
        if not page["pageInfo"]["hasNextPage"]:
            break
        if going:
            await locations.sql("UPDATE tasks SET status = 'CANCELLED' WHERE id = :id RETURNING 1", id=going.pop())
        await locations.scatter([somewhere()])

    assert sorted(task for task in found if task in staying) == sorted(staying)
    assert len(found) == len(set(found))


async def test_filters_leave_out_what_does_not_fit(locations: Locations) -> None:
    owner, one, other = new_id("user"), new_id("category"), new_id("category")
    place = await locations.place(owner, point=BANGKOK)
    cheap = await locations.task(poster_id=owner, place_id=place["id"], category_id=one)
    dear = await locations.task(
        poster_id=owner, place_id=place["id"], category_id=other, budget=Money(90_000, CurrencyCode.EUR)
    )
    bahts = await locations.task(
        poster_id=owner, place_id=place["id"], category_id=other, budget=Money(90_000, CurrencyCode.THB)
    )
    over = factories.clock.now()
    await locations.task(poster_id=owner, place_id=place["id"], expires_at=over)

    async def found(**filter: Any) -> set[str]:
        return {node["id"] for node in (await near(locations, CENTER, 1_000, filter=filter))["nodes"]}

    assert await found() == {cheap.id, dear.id, bahts.id}
    assert await found(categoryIds=[one]) == {cheap.id}
    assert await found(categoryIds=[one, other]) == {cheap.id, dear.id, bahts.id}
    assert await found(currency="EUR") == {cheap.id, dear.id}
    assert await found(currency="EUR", budgetMin="300.00") == {dear.id}
    assert await found(currency="EUR", budgetMax="300.00") == {cheap.id}
    assert await found(postedAfter=over.isoformat()) == set()


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"radius": 0.0}, "BAD_REQUEST", "radiusMeters"),
        ({"radius": -1.0}, "BAD_REQUEST", "radiusMeters"),
        ({"radius": 200_000.1}, "BAD_REQUEST", "radiusMeters"),
        ({"radius": 1e9}, "BAD_REQUEST", "radiusMeters"),
        ({"center": {"latitude": 91, "longitude": 0}}, "BAD_REQUEST", "center"),
        ({"center": {"latitude": 100.5, "longitude": 13.7}}, "BAD_REQUEST", "swapped"),
        ({"center": {"latitude": 0, "longitude": -180.1}}, "BAD_REQUEST", "center"),
        ({"first": 0}, "BAD_REQUEST", "first"),
        ({"first": 101}, "BAD_REQUEST", "first"),
        ({"after": "x"}, "BAD_REQUEST", "after"),
        ({"after": "AAAAAAAAAAAAAAAA"}, "BAD_REQUEST", "after"),
        ({"filter": {"categoryIds": ["nonsense"]}}, "INVALID_ID", ""),
        ({"filter": {"budgetMin": "10.00"}}, "BAD_REQUEST", "currency"),
        ({"filter": {"budgetMin": "x", "currency": "EUR"}}, "BAD_REQUEST", ""),
        ({"filter": {"categoryIds": [new_id("category") for _ in range(101)]}}, "BAD_REQUEST", "100"),
    ],
)
async def test_bad_questions_are_refused(locations: Locations, changes: dict[str, Any], code: str, says: str) -> None:
    asked = {"center": BANGKOK, "radius": 1_000.0} | changes

    refused, message = await locations.refusal(None, NEARBY, **asked)

    assert refused == code
    assert says in message


async def test_numbers_that_are_none_are_refused(locations: Locations) -> None:
    for number in ("1e999", "-1e999"):
        for arguments in (
            f"center: {{latitude: {number}, longitude: 0}}, radiusMeters: 1",
            f"center: {{latitude: 0, longitude: {number}}}, radiusMeters: 1",
            f"center: {{latitude: 0, longitude: 0}}, radiusMeters: {number}",
        ):
            code, _ = await locations.refusal(None, f"{{ nearbyTasks({arguments}) {{ nodes {{ id }} }} }}")
            assert code == "BAD_REQUEST"


async def test_cursors_are_of_one_question(locations: Locations) -> None:
    await locations.scatter([(CENTER.latitude + number / 1_000, CENTER.longitude) for number in range(5)])
    cursor = (await near(locations, CENTER, 5_000, first=2))["pageInfo"]["endCursor"]
    asked: dict[str, Any] = {"center": BANGKOK, "radius": 5_000.0, "after": cursor}
    assert len((await locations.act(None, NEARBY, **asked))["nearbyTasks"]["nodes"]) == 3

    tampered = cursor[:12] + ("A" if cursor[12] != "A" else "B") + cursor[13:]
    for changes in (
        {"center": {"latitude": BANGKOK["latitude"] + 0.001, "longitude": BANGKOK["longitude"]}},
        {"radius": 5_001.0},
        {"filter": {"currency": "EUR"}},
        {"after": tampered},
    ):
        code, message = await locations.refusal(None, NEARBY, **asked | changes)
        assert (code, message) == ("BAD_REQUEST", "`after` is not a cursor of this list in this order.")


async def test_distances_of_tasks_are_the_same_as_in_the_list(locations: Locations) -> None:
    task, place = await locations.task_at()
    (edge,) = (await near(locations, CENTER, 1_000))["edges"]

    async def told(task_id: str, point: dict[str, float]) -> Any:
        task = f'{{__typename: "Task", id: "{task_id}"}}'
        asked = f"""query($from: PointInput!) {{ _entities(representations: [{task}]) {{
            ... on Task {{ id publicPoint {{ latitude longitude }} distanceMeters(from: $from) }} }} }}"""
        return (await locations.act(None, asked, **{"from": point}))["_entities"][0]

    found = await told(task.id, BANGKOK)
    assert found["publicPoint"] == place["publicPoint"]
    assert found["distanceMeters"] == pytest.approx(edge["distanceMeters"], abs=0.01)
    assert found["distanceMeters"] == pytest.approx(
        distance_meters(Point(**BANGKOK), Point(**place["publicPoint"])), abs=0.01
    )
    unknown = new_id("task")
    assert await told(unknown, BANGKOK) == {"id": unknown, "publicPoint": None, "distanceMeters": None}


async def test_many_readers_at_once_are_served(locations: Locations) -> None:
    await locations.scatter([(CENTER.latitude, CENTER.longitude)] * 3)

    found = await asyncio.gather(*(near(locations, CENTER, 1_000) for _ in range(30)))

    assert {len(each["nodes"]) for each in found} == {3}
