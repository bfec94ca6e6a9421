"""Asking a server of Nominatim's, also one that misbehaves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from shared.ids import new_id
from subgraphs.locations import app
from tests.conftest import AccessToken, SettingsFor
from tests.locations.conftest import BANGKOK, CREATE, Locations
from tests.locations.nominatim_server import HOUSE, STREET, NominatimServer, json_answer, nominatim_server, sensible
from tests.locations.test_geocoding import GEOCODE, REVERSE
from tests.support.serving import serve

ADDRESS = "12 Sukhumvit Soi 11, Bangkok"
Asking = Callable[..., AbstractAsyncContextManager[Locations]]


@pytest.fixture
async def nominatim() -> AsyncIterator[NominatimServer]:
    async with nominatim_server() as fake:
        yield fake


@pytest.fixture
def asking(settings_for: SettingsFor, access_token: AccessToken, nominatim: NominatimServer) -> Asking:
    """The subgraph with that server; keywords change settings."""

    @asynccontextmanager
    async def start(**changes: object) -> AsyncIterator[Locations]:
        given = {"nominatim_url": nominatim.url, "nominatim_requests": "1000/1 second"} | changes
        async with serve(app.build(settings_for("locations", **given))) as served:
            yield Locations(served, access_token)

    return start


async def test_addresses_streets_and_points_are_found(asking: Asking, nominatim: NominatimServer) -> None:
    async with asking(nominatim_contact="geo@example.com") as locations:
        found = (await locations.act(new_id("user"), GEOCODE, text=ADDRESS, country="th"))["geocode"]
        there = await locations.act(new_id("user"), REVERSE, point=BANGKOK)
        nowhere = await locations.act(new_id("user"), REVERSE, point={"latitude": 0, "longitude": -140})

    assert [(each["label"], each["locality"], each["country"], each["precision"]) for each in found] == [
        (HOUSE["display_name"], "Bangkok", "TH", "ADDRESS"),
        (STREET["display_name"], "Bangkok", "TH", "STREET"),
    ]
    assert found[0]["point"] == {"latitude": 13.7405, "longitude": 100.5612}
    assert there == {"reverseGeocode": {"locality": "Bangkok", "country": "TH"}}
    assert nowhere == {"reverseGeocode": None}
    (search, parameters), (reverse, asked), _ = nominatim.asked
    assert (search, reverse) == ("/search", "/reverse")
    assert (parameters["q"], parameters["countrycodes"], parameters["format"]) == (ADDRESS, "th", "jsonv2")
    assert (asked["lat"], asked["lon"]) == ("13.7563", "100.5018")
    assert nominatim.headers[0]["user-agent"] == "service-exchange/0.1 (geo@example.com)"


async def test_a_place_is_made_of_what_is_found_and_its_exact_point_is_asked_of_nobody(
    asking: Asking, nominatim: NominatimServer
) -> None:
    async with asking() as locations:
        by_address = await locations.place(new_id("user"), address=ADDRESS)
        by_point = await locations.place(new_id("user"), point=BANGKOK)
        payload = (await locations.act(new_id("user"), CREATE, input={"address": "Nowhere at all"}))["createPlace"]

    assert (by_address["precision"], by_address["point"]["latitude"]) == ("ADDRESS", 13.7405)
    assert by_point["locality"] == "Bangkok"
    assert [error["code"] for error in payload["userErrors"]] == ["ADDRESS_NOT_FOUND"]
    asked = [float(parameters["lat"]) for path, parameters in nominatim.asked if path == "/reverse"]
    assert asked == [place["publicPoint"]["latitude"] for place in (by_address, by_point)]


async def test_what_was_asked_before_is_not_asked_again(asking: Asking, nominatim: NominatimServer) -> None:
    async with asking() as locations:
        for _ in range(3):
            await locations.act(new_id("user"), GEOCODE, text=ADDRESS)

    assert len(nominatim.asked) == 1


async def test_it_is_asked_as_often_as_its_policy_allows(asking: Asking, nominatim: NominatimServer) -> None:
    async with asking(nominatim_requests="1/1 second", nominatim_timeout_seconds=10) as locations:
        await asyncio.gather(
            *(locations.act(new_id("user"), GEOCODE, text=f"Sukhumvit {number}") for number in range(4))
        )

    assert len(nominatim.times) == 4
    gaps = [later - earlier for earlier, later in zip(nominatim.times, nominatim.times[1:], strict=False)]
    assert min(gaps) > 0.8


async def test_who_would_wait_too_long_for_a_turn_is_told(asking: Asking, nominatim: NominatimServer) -> None:
    async with asking(nominatim_requests="1/1 hour") as locations:
        await locations.act(new_id("user"), GEOCODE, text=ADDRESS)
        code, _ = await locations.refusal(new_id("user"), GEOCODE, text="Sukhumvit")

    assert code == "SERVICE_UNAVAILABLE"
    assert len(nominatim.asked) == 1


GARBAGE = [
    (500, b"[]"),
    (429, b"[]"),
    (302, b"[]"),
    (200, b""),
    (200, b"<html>busy</html>"),
    (200, b"null"),
    (200, b'"text"'),
    (200, b"\xff\xfe[]"),
    (200, b"[" * 50_000),
    json_answer([{"lat": "x", "lon": "y", "display_name": "Somewhere"}]),
    json_answer([{"lat": "95", "lon": "0", "display_name": "Beyond the pole"}]),
    json_answer([{"lat": "NaN", "lon": "Infinity", "display_name": "Nowhere"}]),
    json_answer([None, 1, "x", [], {}]),
]


@pytest.mark.parametrize("answer", GARBAGE, ids=[f"{status} {body[:30]!r}" for status, body in GARBAGE])
async def test_nonsense_is_an_outage_and_changes_nothing(
    asking: Asking, nominatim: NominatimServer, answer: tuple[int, bytes]
) -> None:
    nominatim.answer = lambda path, parameters: answer
    async with asking() as locations:
        code, message = await locations.refusal(new_id("user"), GEOCODE, text=ADDRESS)
        refused = await locations.refusal(new_id("user"), CREATE, input={"address": ADDRESS})
        assert await locations.sql("SELECT id FROM places") == []

    assert (code, message) == refused
    assert (code, message) == ("SERVICE_UNAVAILABLE", "Addresses cannot be looked up at the moment; try again later.")


async def test_what_can_be_read_among_nonsense_is_kept(asking: Asking, nominatim: NominatimServer) -> None:
    strange: list[Any] = [None, {"lat": "x"}, HOUSE | {"address": "none"}, HOUSE | {"address": {"country_code": "<b>"}}]
    nominatim.answer = lambda path, parameters: json_answer(strange)
    async with asking() as locations:
        found = (await locations.act(new_id("user"), GEOCODE, text=ADDRESS))["geocode"]

    assert [(each["locality"], each["country"]) for each in found] == [(None, None)]


async def test_a_slow_one_is_not_waited_for_and_holds_no_connection_to_the_database(
    asking: Asking, nominatim: NominatimServer
) -> None:
    nominatim.delay = 30
    pools = {"read_pool_size": 1, "transaction_pool_size": 1, "database_pool_timeout_seconds": 60}
    async with asking(nominatim_timeout_seconds=3, **pools) as locations:
        waiting = [
            asyncio.create_task(locations.refusal(new_id("user"), CREATE, input={"address": f"{ADDRESS} {number}"}))
            for number in range(2)
        ]
        while len(nominatim.asked) < 2:
            await asyncio.sleep(0.01)
        # The one connection of each kind is free for others meanwhile.
        assert await locations.sql("SELECT 1") == [(1,)]
        assert not any(task.done() for task in waiting)
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 30)

    assert {code for code, _ in answers} == {"SERVICE_UNAVAILABLE"}


async def test_a_huge_answer_is_cut_off(asking: Asking, nominatim: NominatimServer) -> None:
    nominatim.answer = lambda path, parameters: (200, b" " * 100_000)
    nominatim.chunks = 100_000
    async with asking() as locations:
        code, _ = await asyncio.wait_for(locations.refusal(new_id("user"), GEOCODE, text=ADDRESS), 30)

    assert code == "SERVICE_UNAVAILABLE"


async def test_an_answer_that_breaks_off_is_none(asking: Asking, nominatim: NominatimServer) -> None:
    nominatim.breaks_off = True
    async with asking() as locations:
        assert (await locations.refusal(new_id("user"), GEOCODE, text=ADDRESS))[0] == "SERVICE_UNAVAILABLE"


async def test_after_three_failures_in_a_row_it_is_left_alone(asking: Asking, nominatim: NominatimServer) -> None:
    nominatim.answer = lambda path, parameters: (500, b"")
    async with asking() as locations:
        for number in range(8):
            code, _ = await locations.refusal(new_id("user"), GEOCODE, text=f"{ADDRESS} {number}")
            assert code == "SERVICE_UNAVAILABLE"

    assert len(nominatim.asked) == 3


async def test_who_tries_after_that_finds_it_well_again(
    asking: Asking, nominatim: NominatimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subgraphs.locations.geocoding.nominatim._OPEN_SECONDS", 1.0)
    nominatim.answer = lambda path, parameters: (500, b"")
    async with asking() as locations:
        for number in range(4):
            await locations.refusal(new_id("user"), GEOCODE, text=f"{ADDRESS} {number}")
        nominatim.answer = sensible
        await asyncio.sleep(1.1)
        for number in range(4):
            assert len((await locations.act(new_id("user"), GEOCODE, text=f"{ADDRESS} {number}"))["geocode"]) == 2


async def test_a_server_that_is_not_there_is_an_outage(settings_for: SettingsFor, access_token: AccessToken) -> None:
    async with serve(app.build(settings_for("locations", nominatim_url="http://127.0.0.1:9"))) as served:
        locations = Locations(served, access_token)
        assert (await locations.refusal(new_id("user"), GEOCODE, text=ADDRESS))[0] == "SERVICE_UNAVAILABLE"
