"""Making places, who sees them, and deleting them."""

from typing import Any

import pytest

from shared.geo import Point
from shared.ids import new_id
from subgraphs.locations.rules.geometry import distance_meters
from subgraphs.locations.rules.neighbourhoods import containing
from tests.locations.conftest import BANGKOK, CREATE, DELETE, PLACE, PLACE_FIELDS, Locations
from tests.support.wrong_inputs import document

# The next locality is 20 km away: which one is named goes by the public point.
HUA_HIN = {"latitude": 12.5684, "longitude": 99.9577}


def at(point: dict[str, float]) -> Point:
    return Point(point["latitude"], point["longitude"])


async def test_a_place_of_a_point_is_exact_for_its_owner_and_a_neighbourhood_for_others(locations: Locations) -> None:
    owner = new_id("user")

    place = await locations.place(owner, point=HUA_HIN, address="12 Poonsuk Road")

    assert place["point"] == HUA_HIN
    assert (place["address"], place["locality"], place["country"]) == ("12 Poonsuk Road", "Hua Hin", "TH")
    assert place["precision"] == "POINT"
    assert containing(at(place["publicPoint"])) == containing(at(HUA_HIN))


async def test_a_place_of_an_address_is_looked_up(locations: Locations) -> None:
    place = await locations.place(new_id("user"), address="99 ถนนนิมมานเหมินท์ เชียงใหม่ 50200")

    assert (place["locality"], place["country"], place["precision"]) == ("Chiang Mai", "TH", "LOCALITY")
    assert distance_meters(at(place["point"]), Point(18.79, 98.98)) < 5_000


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({}, "INVALID_INPUT", ["address"]),
        ({"address": ""}, "INVALID_INPUT", ["address"]),
        ({"address": "x" * 301}, "INVALID_INPUT", ["address"]),
        ({"address": "12 Some\nStreet"}, "INVALID_INPUT", ["address"]),
        ({"address": "Qqxyzzyq Wwvvw 77"}, "ADDRESS_NOT_FOUND", ["address"]),
        ({"address": "Bangkok", "country": "DE"}, "ADDRESS_NOT_FOUND", ["address"]),
        ({"address": "Bangkok", "country": "XX"}, "INVALID_INPUT", ["country"]),
        ({"point": {"latitude": 90.5, "longitude": 0}}, "INVALID_INPUT", ["point", "latitude"]),
        ({"point": {"latitude": 100.5018, "longitude": 13.7563}}, "INVALID_INPUT", ["point", "latitude"]),
        ({"point": {"latitude": 0, "longitude": 181}}, "INVALID_INPUT", ["point", "longitude"]),
    ],
)
async def test_bad_input_is_refused_and_nothing_stays(
    locations: Locations, given: dict[str, Any], code: str, field: list[str]
) -> None:
    payload = (await locations.act(new_id("user"), CREATE, input=given))["createPlace"]

    assert payload["place"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert await locations.sql("SELECT id FROM places UNION ALL SELECT owner_id FROM neighbourhoods") == []


async def test_swapped_coordinates_are_recognised(locations: Locations) -> None:
    swapped = {"latitude": BANGKOK["longitude"], "longitude": BANGKOK["latitude"]}
    payload = (await locations.act(new_id("user"), CREATE, input={"point": swapped}))["createPlace"]

    (error,) = payload["userErrors"]
    assert error["message"] == ("The latitude must be between -90 and 90 degrees. Are latitude and longitude swapped?")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
async def test_numbers_that_are_none_are_refused(locations: Locations, number: str) -> None:
    document = f"mutation {{ createPlace(input: {{point: {{latitude: {number}, longitude: 0}}}}) {{ place {{ id }}"
    answer = await locations.ask(new_id("user"), document + " userErrors { code } } }")

    refused = answer.get("errors") or answer["data"]["createPlace"]["userErrors"]
    assert {each.get("code") or each["extensions"]["code"] for each in refused} <= {"BAD_REQUEST", "INVALID_INPUT"}
    assert await locations.sql("SELECT id FROM places") == []


@pytest.mark.parametrize("latitude", [-90.0, 90.0])
@pytest.mark.parametrize("longitude", [-180.0, 0.0, 180.0])
async def test_poles_and_antimeridian_are_places_too(locations: Locations, latitude: float, longitude: float) -> None:
    place = await locations.place(new_id("user"), point={"latitude": latitude, "longitude": longitude})

    assert place["point"] == {"latitude": latitude, "longitude": longitude}
    assert containing(at(place["publicPoint"])) == containing(Point(latitude, longitude))


async def test_the_same_key_makes_one_place(locations: Locations) -> None:
    owner = new_id("user")
    given = {"point": BANGKOK, "idempotencyKey": "one"}

    first, second = [await locations.place(owner, **given) for _ in range(2)]

    assert first == second
    assert len(await locations.sql("SELECT id FROM places")) == 1


async def test_who_sees_how_much_of_a_place(locations: Locations) -> None:
    owner, tasker, other = new_id("user"), new_id("user"), new_id("user")
    place = await locations.place(owner, point=BANGKOK, address="12 Some Street")
    public = place | {"point": None, "address": None, "precision": None}

    async def seen(viewer: str | None) -> Any:
        shown = (await locations.act(viewer, PLACE, id=place["id"]))["place"]
        entity = f'{{ _entities(representations: [{{__typename: "Place", id: "{place["id"]}"}}]) '
        entity += f"{{ ... on Place {{ {PLACE_FIELDS} }} }} }}"
        assert (await locations.act(viewer, entity))["_entities"] == [shown]
        return shown

    assert [await seen(who) for who in (owner, tasker, other, None)] == [place, None, None, None]
    task = await locations.task(poster_id=owner, place_id=place["id"])
    assert [await seen(who) for who in (owner, tasker, other, None)] == [place, public, public, public]
    for version, status in enumerate(("ASSIGNED", "IN_PROGRESS", "DELIVERED", "DISPUTED"), start=2):
        await locations.hear(task.model_copy(update={"status": status, "tasker_id": tasker, "version": version}))
        assert [await seen(who) for who in (owner, tasker, other, None)] == [place, place, public, public]
    for version, status in enumerate(("COMPLETED", "CANCELLED"), start=6):
        await locations.hear(task.model_copy(update={"status": status, "tasker_id": tasker, "version": version}))
        assert [await seen(who) for who in (owner, tasker, other, None)] == [place, public, public, public]


async def test_somebody_elses_place_shows_nothing_to_whoever_names_it_in_a_task(locations: Locations) -> None:
    owner, thief = new_id("user"), new_id("user")
    place = await locations.place(owner)

    task = await locations.task(poster_id=thief, place_id=place["id"], tasker_id=thief, status="ASSIGNED")

    assert (await locations.act(thief, PLACE, id=place["id"]))["place"] is None
    assert await locations.bodies("locations.task.geocode_failed") == [{"task_id": task.id, "place_id": place["id"]}]
    assert await locations.sql("SELECT latitude, longitude FROM tasks") == [(None, None)]


async def test_ones_own_places_are_listed_newest_first(locations: Locations) -> None:
    owner = new_id("user")
    made = [await locations.place(owner) for _ in range(3)]
    await locations.place(new_id("user"))

    found = (await locations.act(owner, f"{{ myPlaces {{ totalCount nodes {{ {PLACE_FIELDS} }} }} }}"))["myPlaces"]

    assert found == {"totalCount": 3, "nodes": made[::-1]}


async def test_a_place_goes_unless_a_task_needs_it(locations: Locations) -> None:
    owner, other = new_id("user"), new_id("user")
    task, place = await locations.task_at(owner)
    given = {"placeId": place["id"]}

    async def delete(who: str) -> Any:
        return (await locations.act(who, DELETE, input=given))["deletePlace"]

    def refused(code: str) -> Any:
        return {"place": None, "userErrors": [{"code": code, "field": ["placeId"]}]}

    assert await delete(other) == refused("NOT_FOUND")
    assert await delete(owner) == refused("PLACE_IN_USE")
    await locations.hear(task.model_copy(update={"status": "CANCELLED", "version": 2}))
    assert await delete(owner) == {"place": {"id": place["id"]}, "userErrors": []}
    assert await delete(owner) == refused("NOT_FOUND")
    assert await locations.sql("SELECT id FROM places") == []
    assert await locations.sql("SELECT latitude, longitude FROM tasks") == [(None, None)]
    told = {"place_id": place["id"], "owner_id": owner}
    for happened in ("created", "deleted"):
        assert await locations.bodies(f"locations.place.{happened}") == [told]


async def test_nobody_has_more_places_than_one_person_can(locations: Locations) -> None:
    owner = new_id("user")
    await locations.sql(
        """INSERT INTO places SELECT 'place_' || n, :owner, null, null, null, 'POINT', 1, 1, 1, 1, now()
        FROM generate_series(1, 499) AS n RETURNING 1""",
        owner=owner,
    )
    last = await locations.place(owner, point=BANGKOK, idempotencyKey="last")

    data = await locations.act(owner, document("createPlace"), input={"point": BANGKOK})

    refusal = {"code": "TOO_MANY_PLACES", "field": None, "min": None, "max": "500", "allowed": None}
    assert data["createPlace"] == {"userErrors": [refusal]}
    assert await locations.place(owner, point=BANGKOK, idempotencyKey="last") == last
    assert len(await locations.sql("SELECT id FROM places")) == 500
