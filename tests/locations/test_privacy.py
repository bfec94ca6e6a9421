"""Nobody but who may know can narrow down where a place is."""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.geometry import distance_meters, moved
from subgraphs.locations.rules.neighbourhoods import containing, point_in
from tests.locations.areas import NEAR, SET, given
from tests.locations.conftest import BANGKOK, DELETE, NEARBY, PLACE, VIEW, Locations
from tests.locations.searching import SavedSearches
from tests.locations.test_maps import bounds

HOME = Point(**BANGKOK)
CURIOUS = new_id("user")


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


async def test_places_a_few_metres_beside_one_show_the_same_point(locations: Locations) -> None:
    """The mean of many samples would be the place; these are one, also across a border near by."""
    owner, randomly = new_id("user"), random.Random(1)
    home = moved(point_in(containing(HOME), 0.5, 0), 90, 10)
    here = [home, *(moved(home, randomly.uniform(0, 360), randomly.uniform(0, 48)) for _ in range(20))]
    assert len({containing(point) for point in here}) == 2

    places = [await locations.place(owner, point=given(point)) for point in here]

    assert len({at(place["publicPoint"]) for place in places}) == 1


async def test_places_far_apart_and_of_others_are_shown_elsewhere(locations: Locations) -> None:
    owner = new_id("user")
    places = [await locations.place(owner, point=given(moved(HOME, 90, 2_000 * number))) for number in range(10)]
    places += [await locations.place(new_id("user"), point=BANGKOK) for _ in range(10)]

    ways = {
        tuple(round((place["publicPoint"][way] - place["point"][way]) * 1e6) for way in BANGKOK) for place in places
    }
    assert len(ways) == len(places)


async def public_answers(locations: Locations, owner: str, places: Sequence[dict[str, Any]], asking: str) -> Any:
    """All that others are told when somebody has made these places, each with a task, and works around the last one.

    The first is made once more after the task there was done and the place deleted.
    """
    for table in ("places", "neighbourhoods", "tasks", "service_areas", "alerts", "outbox", "saved_searches"):
        await locations.sql(f"DELETE FROM {table} RETURNING 1")
    searches = SavedSearches(locations)
    centers = [moved(HOME, bearing, 1_000) for bearing in range(0, 360, 60)]
    for center in centers:
        await searches.save(asking, center=given(center), radiusMeters=1_000.0)
    tasks, made = [], []
    for number, place in enumerate([*places, places[0]]):
        if number == len(places):
            done = {"tasker_id": new_id("user"), "status": "COMPLETED", "version": 2}
            await locations.hear(tasks[0].model_copy(update=done))
            await locations.act(owner, DELETE, input={"placeId": made[0]["id"]})
        made.append(await locations.place(owner, **place))
        tasks.append(await locations.task(poster_id=owner, place_id=made[-1]["id"]))
    await locations.act(owner, SET, input={"center": made[len(places) - 1]["point"], "radiusMeters": 3_000.0})
    probes = [(await locations.task_at(asking, **given(center)))[0] for center in centers]
    await searches.settle()
    names = {task.id: str(number) for number, task in enumerate(tasks)} | {probe.id: "probe" for probe in probes}

    answers: list[Any] = [(await locations.act(CURIOUS, PLACE, id=place["id"]))["place"] for place in made[1:]]
    for place in answers:
        del place["id"]
    for center in centers:
        found = (await locations.act(CURIOUS, NEARBY, center=given(center), radius=20_000.0, first=50))["nearbyTasks"]
        answers.append([(names[edge["node"]["id"]], edge["distanceMeters"]) for edge in found["edges"]])
    area = bounds(HOME.latitude - 0.03, HOME.longitude - 0.03, HOME.latitude + 0.03, HOME.longitude + 0.03)
    for zoom in (8, 12, 15):
        view = (await locations.act(CURIOUS, VIEW, bounds=area, zoom=zoom))["tasksInView"]
        clusters = sorted((each["count"], *each["center"].values()) for each in view["clusters"])
        alone = sorted((names[each["id"]], *each["publicPoint"].values()) for each in view["tasks"])
        answers.append((view["count"], clusters, alone))
    for probe in probes:
        answers.append((await locations.act(asking, NEAR, task=probe.id))["taskersNear"]["nodes"])
    answers.append(sorted(names[alert["task_id"]] for alert in await searches.alerts()))
    return answers


async def test_nothing_public_changes_wherever_in_a_circle_of_300_m_a_place_is(locations: Locations) -> None:
    """Also for whoever knows the others exactly: one just across a border, one that was looked up, one farther away."""
    owner, asking = new_id("user"), new_id("user")
    middle = point_in(containing(HOME), 0.5, 0.5)
    known: list[dict[str, Any]] = [
        {"point": given(moved(middle, 90, 385))},
        {"address": "Bangkok", "country": "TH"},
        {"point": given(moved(middle, 200, 1_300))},
    ]

    expected = await public_answers(locations, owner, [*known, {"point": given(middle)}], asking)

    for bearing in range(0, 360, 72):
        secret = moved(middle, bearing, 300)
        assert await public_answers(locations, owner, [*known, {"point": given(secret)}], asking) == expected
    apart = await public_answers(locations, owner, [*known, {"point": given(moved(middle, 0, 900))}], asking)
    assert apart != expected


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


async def test_the_locality_is_that_of_the_public_point(locations: Locations) -> None:
    """Between two towns, one of which the exact point is nearer to, and where an address names one beside the other."""
    from subgraphs.locations.geocoding import gazetteer

    inputs: list[dict[str, Any]] = []
    for bearing in range(0, 360, 20):
        # A border between the localities of Bangkok, found by bisection.
        one, other = HOME, moved(HOME, bearing, 20_000)
        for _ in range(30):
            middle = Point((one.latitude + other.latitude) / 2, (one.longitude + other.longitude) / 2)
            same = await gazetteer().reverse(middle) == await gazetteer().reverse(one)
            one, other = (middle, other) if same else (one, middle)
        inputs.append({"point": given(one)})
    inputs += [{"address": "Tsz Hong Estate", "country": "HK"}] * 10
    sides: dict[str, set[bool]] = {"POINT": set(), "LOCALITY": set()}
    for each in inputs:
        place = await locations.place(new_id("user"), **each)
        shown, real = [await gazetteer().reverse(at(place[seen])) for seen in ("publicPoint", "point")]
        assert shown is not None
        assert (place["locality"], place["country"]) == (shown.locality, shown.country)
        sides[place["precision"]].add(real == shown)
    assert sides["POINT"] == {True, False}
    assert False in sides["LOCALITY"]
