"""Nobody but who may know can narrow down where a place is."""

import asyncio
import json
import random
from typing import Any

import pytest

from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.geometry import distance_meters, moved
from tests.locations.conftest import BANGKOK, DELETE, NEARBY, PLACE, VIEW, Locations
from tests.locations.test_maps import bounds

HOME = Point(**BANGKOK)
CURIOUS = new_id("user")


def given(point: Point) -> dict[str, float]:
    return {"latitude": point.latitude, "longitude": point.longitude}


def at(point: dict[str, float]) -> Point:
    return Point(point["latitude"], point["longitude"])


async def seen(locations: Locations, place_id: str) -> Point:
    """Where somebody else sees a place."""
    place = (await locations.act(CURIOUS, PLACE, id=place_id))["place"]
    return at(place["publicPoint"])


async def test_asking_again_shows_the_same_point(locations: Locations) -> None:
    _, place = await locations.task_at()

    assert len({await seen(locations, place["id"]) for _ in range(5)}) == 1


async def test_making_the_place_again_shows_the_same_point(locations: Locations) -> None:
    owner = new_id("user")
    public = set()
    for _ in range(4):
        place = await locations.place(owner, point=BANGKOK)
        public.add(at(place["publicPoint"]))
        payload = (await locations.act(owner, DELETE, input={"placeId": place["id"]}))["deletePlace"]
        assert payload["userErrors"] == []

    assert len(public) == 1


async def test_places_made_at_the_same_moment_show_the_same_point(locations: Locations) -> None:
    owner = new_id("user")

    places = await asyncio.gather(*(locations.place(owner, point=BANGKOK) for _ in range(8)))

    assert len({at(place["publicPoint"]) for place in places}) == 1


async def test_many_places_around_one_are_moved_alike(locations: Locations) -> None:
    """The mean of many samples, each moved by itself, would be the place; these are one sample."""
    owner, randomly = new_id("user"), random.Random(1)
    here = [HOME, *(moved(HOME, randomly.uniform(0, 360), randomly.uniform(0, 240)) for _ in range(20))]
    places = [await locations.place(owner, point=given(point)) for point in here]

    first = places[0]["publicPoint"]
    for place in places[1:]:
        exact, public = at(place["point"]), at(place["publicPoint"])
        # The exact points lie to each other as the public ones do.
        assert distance_meters(HOME, exact) == pytest.approx(distance_meters(at(first), public), abs=1)


async def test_places_far_apart_and_of_others_are_moved_otherwise(locations: Locations) -> None:
    owner = new_id("user")
    places = [await locations.place(owner, point=given(moved(HOME, 90, 1_000 * number))) for number in range(10)]
    places += [await locations.place(new_id("user"), point=BANGKOK) for _ in range(10)]

    shifts = {
        (
            round((place["publicPoint"]["latitude"] - place["point"]["latitude"]) * 1e6),
            round((place["publicPoint"]["longitude"] - place["point"]["longitude"]) * 1e6),
        )
        for place in places
    }
    assert len(shifts) == len(places)


async def test_distances_from_everywhere_lead_to_the_public_point_only(locations: Locations) -> None:
    task, place = await locations.task_at()
    public = at(place["publicPoint"])
    for bearing in range(0, 360, 45):
        there = moved(HOME, bearing, 3_000)
        found = await locations.act(CURIOUS, NEARBY, center=given(there), radius=10_000.0)
        (edge,) = found["nearbyTasks"]["edges"]
        asked = f"""query($from: PointInput!) {{ _entities(representations: [{{__typename: "Task", id: "{task.id}"}}])
            {{ ... on Task {{ distanceMeters(from: $from) }} }} }}"""
        told = (await locations.act(CURIOUS, asked, **{"from": given(there)}))["_entities"][0]["distanceMeters"]

        assert edge["distanceMeters"] == pytest.approx(distance_meters(there, public), abs=0.05)
        assert told == pytest.approx(distance_meters(there, public), abs=0.05)
        assert abs(told - distance_meters(there, HOME)) > 0.01


async def test_radii_and_order_cut_at_the_public_point(locations: Locations) -> None:
    task, place = await locations.task_at()
    public = at(place["publicPoint"])
    there = moved(HOME, 10, 5_000)
    distance = distance_meters(there, public)

    async def listed(radius: float) -> list[str]:
        found = await locations.act(CURIOUS, NEARBY, center=given(there), radius=radius)
        return [node["id"] for node in found["nearbyTasks"]["nodes"]]

    assert await listed(distance - 0.5) == []
    assert await listed(distance + 0.5) == [task.id]
    # Decoys just before and behind the public point say in the order where it is, and nothing else.
    before, behind = moved(there, 0, distance - 0.5), moved(there, 0, distance + 0.5)
    decoys = await locations.scatter([(before.latitude, before.longitude), (behind.latitude, behind.longitude)])
    assert await listed(10_000) == [decoys[0], task.id, decoys[1]]


@pytest.mark.parametrize("zoom", [2, 9, 12, 22])
async def test_centres_of_clusters_are_of_public_points(locations: Locations, zoom: int) -> None:
    owner = new_id("user")
    place = await locations.place(owner, point=BANGKOK)
    for _ in range(2):
        await locations.task(poster_id=owner, place_id=place["id"])
    public = place["publicPoint"]
    area = bounds(public["latitude"], public["longitude"], public["latitude"], public["longitude"])

    found = (await locations.act(CURIOUS, VIEW, bounds=area, zoom=zoom))["tasksInView"]

    (cluster,) = found["clusters"]
    assert cluster["count"] == 2
    # A position of the map is 2.4 m wide.
    assert distance_meters(at(cluster["center"]), at(public)) < 3


async def test_nothing_of_the_exact_point_is_in_any_answer_to_others_nor_in_events(locations: Locations) -> None:
    owner = new_id("user")
    place = await locations.place(owner, point={"latitude": 13.7563219, "longitude": 100.5018765}, address="Marked 12")
    task = await locations.task(poster_id=owner, place_id=place["id"])
    public = place["publicPoint"]
    area = bounds(public["latitude"] - 1, public["longitude"] - 1, public["latitude"] + 1, public["longitude"] + 1)
    answers: list[Any] = [
        await locations.act(CURIOUS, PLACE, id=place["id"]),
        await locations.act(CURIOUS, NEARBY, center=public, radius=2_000.0),
        await locations.act(CURIOUS, VIEW, bounds=area, zoom=5),
        await locations.sql("SELECT CAST(t AS text) FROM tasks AS t"),
        await locations.sql("SELECT CAST(body AS text) FROM outbox"),
    ]

    said = json.dumps(answers, default=str)
    assert task.id in said
    for secret in ("13.75632", "100.50187", "Marked"):
        assert secret not in said


async def test_the_locality_of_a_point_is_that_of_its_public_point(locations: Locations) -> None:
    """Between two towns, one of which the exact point is nearer to."""
    from subgraphs.locations.geocoding import gazetteer

    randomly, sides = random.Random(2), set()
    # A border between the localities of Bangkok, found by bisection.
    one, other = HOME, moved(HOME, 45, 20_000)
    for _ in range(40):
        middle = Point((one.latitude + other.latitude) / 2, (one.longitude + other.longitude) / 2)
        same = await gazetteer().reverse(middle) == await gazetteer().reverse(one)
        one, other = (middle, other) if same else (one, middle)
    for _ in range(12):
        exact = moved(one, randomly.uniform(0, 360), 20)
        place = await locations.place(new_id("user"), point=given(exact))
        shown = await gazetteer().reverse(at(place["publicPoint"]))
        assert shown is not None
        assert place["locality"] == shown.locality
        real = await gazetteer().reverse(exact)
        sides.add(real is not None and real.locality == place["locality"])
    assert sides == {True, False}
