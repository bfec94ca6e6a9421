"""Saying where one works, and taking it back."""

import random
from typing import Any

import pytest
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st

from shared import events
from shared.errors import InvalidInput
from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.geometry import distance_meters, from_plane, moved, onto_plane
from subgraphs.locations.rules.neighbourhoods import containing
from subgraphs.locations.rules.service_areas import polygon_of
from tests.conftest import AccessToken, Elsewhere
from tests.locations.areas import CENTERS, MINE, REMOVE, SET, given, random_star, star
from tests.locations.conftest import BANGKOK, Locations
from tests.support.redelivery import deliver_twice

HERE = Point(**BANGKOK)
CATEGORY = new_id("category")
CIRCLE: dict[str, Any] = {"center": BANGKOK, "radiusMeters": 5_000.0}
SQUARE = [given(corner) for corner in star(HERE, [5_000] * 4)]


async def set_area(locations: Locations, tasker_id: str, **input: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await locations.act(tasker_id, SET, input=input))["setServiceArea"]
    return payload


async def mine(locations: Locations, tasker_id: str) -> dict[str, Any] | None:
    area: dict[str, Any] | None = (await locations.act(tasker_id, MINE))["myServiceArea"]
    return area


async def told(locations: Locations) -> list[dict[str, Any]]:
    return await locations.bodies("locations.service_area.changed")


async def test_a_circle_is_set_as_it_was_given_and_that_is_told(locations: Locations) -> None:
    tasker = new_id("user")
    wanted = {**CIRCLE, "polygon": None, "categoryIds": [CATEGORY]}

    payload = await set_area(locations, tasker, **CIRCLE, categoryIds=[CATEGORY, CATEGORY])

    assert payload == {"serviceArea": wanted, "userErrors": []}
    assert await mine(locations, tasker) == wanted
    assert await mine(locations, new_id("user")) is None
    assert await told(locations) == [{"user_id": tasker, "is_set": True}]


@pytest.mark.parametrize("closed", [False, True])
async def test_a_polygon_is_set_as_it_was_given(locations: Locations, closed: bool) -> None:
    tasker = new_id("user")

    payload = await set_area(locations, tasker, polygon=SQUARE + SQUARE[:1] * closed)

    area = payload["serviceArea"]
    assert area == {"center": area["center"], "radiusMeters": None, "polygon": SQUARE, "categoryIds": []}
    assert distance_meters(Point(**area["center"]), HERE) < 1
    assert await mine(locations, tasker) == area


async def test_a_new_area_is_in_the_place_of_the_old_one_and_the_same_again_changes_nothing(
    locations: Locations,
) -> None:
    tasker = new_id("user")
    for given_area in (CIRCLE, CIRCLE, {"polygon": SQUARE}, {"polygon": SQUARE}, CIRCLE | {"categoryIds": [CATEGORY]}):
        last = await set_area(locations, tasker, **given_area)

    assert await mine(locations, tasker) == last["serviceArea"]
    assert await locations.sql("SELECT tasker_id FROM service_areas") == [(tasker,)]
    assert await told(locations) == [{"user_id": tasker, "is_set": True}] * 3


async def test_an_area_is_removed_once(locations: Locations) -> None:
    tasker = new_id("user")
    area = (await set_area(locations, tasker, **CIRCLE))["serviceArea"]
    await set_area(locations, new_id("user"), **CIRCLE)

    first, second = [(await locations.act(tasker, REMOVE))["removeServiceArea"] for _ in range(2)]

    assert first == {"serviceArea": area, "userErrors": []}
    refusal = {"code": "NOT_FOUND", "message": "You have no service area.", "field": None}
    assert second == {"serviceArea": None, "userErrors": [refusal]}
    assert await mine(locations, tasker) is None
    assert len(await locations.sql("SELECT tasker_id FROM service_areas")) == 1
    assert [body["is_set"] for body in await told(locations)] == [True, True, False]


async def nothing_stays(locations: Locations) -> None:
    for table in ("service_areas", "neighbourhoods", "outbox"):
        assert await locations.sql(f"SELECT * FROM {table}") == []


@pytest.mark.parametrize(
    ("input", "field", "says"),
    [
        ({}, None, "a centre with a radius, or a polygon"),
        ({"center": BANGKOK}, ["radiusMeters"], "takes a radius"),
        ({"radiusMeters": 5.0}, ["center"], "takes a centre"),
        (CIRCLE | {"polygon": SQUARE}, ["polygon"], "not both"),
        ({"center": BANGKOK, "polygon": SQUARE}, ["polygon"], "not both"),
        (CIRCLE | {"radiusMeters": 0}, ["radiusMeters"], "above 0"),
        (CIRCLE | {"radiusMeters": -1}, ["radiusMeters"], "above 0"),
        (CIRCLE | {"radiusMeters": 1e9}, ["radiusMeters"], "200,000"),
        (CIRCLE | {"radiusMeters": 200_000.1}, ["radiusMeters"], "200,000"),
        (CIRCLE | {"center": {"latitude": 90.1, "longitude": 0}}, ["center", "latitude"], "latitude"),
        (CIRCLE | {"center": {"latitude": 100.5, "longitude": 13.7}}, ["center", "latitude"], "swapped"),
        (CIRCLE | {"center": {"latitude": 13.7, "longitude": 180.5}}, ["center", "longitude"], "longitude"),
        (CIRCLE | {"categoryIds": [new_id("category") for _ in range(21)]}, ["categoryIds"], "At most 20"),
        ({"polygon": []}, ["polygon"], "3 to 100"),
        ({"polygon": SQUARE[:2]}, ["polygon"], "3 to 100"),
        ({"polygon": [*SQUARE[:2], SQUARE[0]]}, ["polygon"], "3 to 100"),
        ({"polygon": [given(each) for each in star(HERE, [5_000] * 101)]}, ["polygon"], "3 to 100"),
        ({"polygon": [given(each) for each in star(HERE, [5_000] * 3_000)]}, ["polygon"], "3 to 100"),
        ({"polygon": [*SQUARE[:3], {"latitude": -91, "longitude": 0}]}, ["polygon", "3", "latitude"], "latitude"),
        # A bow tie, one corner twice, a spike, all on one line, a corner on another edge.
        ({"polygon": [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]}, ["polygon"], "crosses itself"),
        ({"polygon": [SQUARE[0], SQUARE[1], SQUARE[1], SQUARE[2]]}, ["polygon"], "touches itself"),
        ({"polygon": [*SQUARE, SQUARE[1], SQUARE[2]]}, ["polygon"], "touches itself"),
        ({"polygon": [{"latitude": 0, "longitude": each} for each in (0, 1, 2)]}, ["polygon"], "touches itself"),
        ({"polygon": [{"latitude": each, "longitude": 7} for each in (0, 1, 0.5)]}, ["polygon"], "touches itself"),
        ({"polygon": [given(HERE)] * 5}, ["polygon"], "touches itself"),
        ({"polygon": [given(each) for each in star(HERE, [200_100] * 6)]}, ["polygon"], "200,000"),
        ({"polygon": [{"latitude": 0, "longitude": each} for each in (0, 120, -120)]}, ["polygon"], "200,000"),
        ({"polygon": [{"latitude": 90, "longitude": 0}, {"latitude": -90, "longitude": 0}, BANGKOK]}, ["polygon"],
         "200,000"),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_and_nothing_stays(
    locations: Locations, input: dict[str, Any], field: list[str] | None, says: str
) -> None:
    payload = await set_area(locations, new_id("user"), **input)

    assert payload["serviceArea"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == ("INVALID_INPUT", field)
    assert says in error["message"]
    await nothing_stays(locations)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
@pytest.mark.parametrize(
    "area",
    [
        "center: {latitude: %s, longitude: 0}, radiusMeters: 5",
        "center: {latitude: 0, longitude: %s}, radiusMeters: 5",
        "center: {latitude: 0, longitude: 0}, radiusMeters: %s",
        "polygon: [{latitude: 0, longitude: 0}, {latitude: 0, longitude: 1}, {latitude: 1, longitude: %s}]",
    ],
)
async def test_numbers_that_are_none_are_refused(locations: Locations, number: str, area: str) -> None:
    document = f"mutation {{ setServiceArea(input: {{{area % number}}}) {{ serviceArea {{ categoryIds }}"
    answer = await locations.ask(new_id("user"), document + " userErrors { code } } }")

    refused = answer.get("errors") or answer["data"]["setServiceArea"]["userErrors"]
    assert {each.get("code") or each["extensions"]["code"] for each in refused} <= {"BAD_REQUEST", "INVALID_INPUT"}
    await nothing_stays(locations)


async def test_an_id_of_another_kind_is_no_category(locations: Locations) -> None:
    refused = await locations.refusal(new_id("user"), SET, input=CIRCLE | {"categoryIds": [new_id("task")]})

    assert refused[0] == "INVALID_ID"
    await nothing_stays(locations)


async def test_only_taskers_say_where_they_work(locations: Locations, access_token: AccessToken) -> None:
    token = access_token(new_id("user"), roles=("POSTER",))

    answer = await locations.served.execute(SET, {"input": CIRCLE}, token=token)

    payload = answer["data"]["setServiceArea"]
    assert (payload["serviceArea"], [error["code"] for error in payload["userErrors"]]) == (None, ["ROLE_REQUIRED"])
    await nothing_stays(locations)


async def test_who_is_no_tasker_any_more_works_nowhere(locations: Locations, elsewhere: Elsewhere) -> None:
    tasker, other = new_id("user"), new_id("user")
    for person in (tasker, other):
        await set_area(locations, person, **CIRCLE)

    await deliver_twice(
        elsewhere,
        "locations",
        events.UserRoleRevoked(user_id=tasker, role="TASKER", roles=("POSTER",)),
        events.UserRoleRevoked(user_id=other, role="POSTER", roles=("TASKER",)),
    )

    assert await locations.sql("SELECT tasker_id FROM service_areas") == [(other,)]
    assert (await told(locations))[2:] == [{"user_id": tasker, "is_set": False}]


async def test_an_area_is_shown_to_others_where_places_there_are(locations: Locations) -> None:
    tasker = new_id("user")
    place = await locations.place(tasker, point=BANGKOK)
    await set_area(locations, tasker, **CIRCLE)
    asked = "SELECT public_latitude, public_longitude FROM service_areas"
    assert await locations.sql(asked) == [tuple(place["publicPoint"].values())]

    await set_area(locations, tasker, polygon=[given(each) for each in star(HERE, [4_000, 7_000, 9_000, 5_000, 6_000])])

    ((*centers, public_outline, outline),) = await locations.sql(
        """SELECT ARRAY[public_latitude, public_longitude], ARRAY[latitude, longitude], public_outline, outline
        FROM service_areas"""
    )
    public, exact = (Point(*each) for each in centers)  # type: ignore[misc]  # arrays of two
    shown, real = ([Point(y, x) for x, y in each["coordinates"][0]] for each in (public_outline, outline))  # type: ignore[index]  # JSON
    assert containing(public) == containing(exact)
    # The corners lie around the public centre as they do around the tasker's own.
    assert [distance_meters(public, corner) for corner in shown] == pytest.approx(
        [distance_meters(exact, corner) for corner in real], abs=0.2
    )


@settings(max_examples=200, deadline=None)
@given_(
    center=st.sampled_from(CENTERS),
    seed=st.integers(0, 1_000_000),
    reach=st.sampled_from([5.0, 5_000.0, 150_000.0]),
    data=st.data(),
)
def test_a_polygon_is_one_wherever_it_lies_and_stays_congruent_when_it_is_moved(
    center: Point, seed: int, reach: float, data: st.DataObject
) -> None:
    corners = random_star(random.Random(seed), center, reach)
    step = data.draw(st.integers(0, len(corners) - 1))

    polygon = polygon_of(corners)
    same = polygon_of([*corners[step:], *corners[:step]][::-1])
    there = polygon.around(data.draw(st.sampled_from(CENTERS)))

    assert polygon.corners == tuple(corners)
    # As far as the plane that the middle is measured on differs.
    assert distance_meters(polygon.center, same.center) < 0.01 + reach / 500
    for one, other in zip(polygon.corners, there.corners, strict=True):
        away = distance_meters(polygon.center, one)
        assert distance_meters(there.center, other) == pytest.approx(away, abs=0.5 if away < 1 else 0.2)


@given_(
    center=st.sampled_from(CENTERS),
    count=st.integers(4, 12),
    turned=st.floats(0, 360),
    reach=st.sampled_from([5.0, 5_000.0, 150_000.0]),
)
def test_a_convex_outline_two_of_whose_corners_are_swapped_crosses_itself(
    center: Point, count: int, turned: float, reach: float
) -> None:
    corners = star(center, [reach] * count, turned)
    corners[1], corners[2] = corners[2], corners[1]

    with pytest.raises(InvalidInput, match="itself"):
        polygon_of(corners)


@given_(
    touching=st.sampled_from(CENTERS),
    bearing=st.floats(0, 360),
    meters=st.floats(0, 400_000),
)
def test_the_plane_leads_back_to_the_sphere(touching: Point, bearing: float, meters: float) -> None:
    point = moved(touching, bearing, meters)

    again = from_plane(touching, *onto_plane(touching, point))

    assert distance_meters(point, again) < 0.001
