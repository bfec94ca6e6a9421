"""Saving searches, listing and deleting them."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.locations.conftest import BANGKOK, Locations
from tests.locations.searching import CREATE, DELETE, MINE, SavedSearches

CATEGORY = new_id("category")


@pytest.fixture
def searches(locations: Locations) -> SavedSearches:
    return SavedSearches(locations)


async def test_a_search_is_saved_as_it_was_given(searches: SavedSearches) -> None:
    given = {
        "name": " Fences near home ",
        "center": BANGKOK,
        "radiusMeters": 5_000.0,
        "words": '"paint the fence" or brush -roof',
        "categoryIds": [CATEGORY],
        "mode": "ONSITE",
        "minBudget": {"amount": "100.00", "currency": "EUR"},
    }

    saved = await searches.save(new_id("user"), **given)

    assert saved == {"id": saved["id"], **given, "name": "Fences near home"}


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"words": "x", "name": ""}, "INVALID_INPUT", ["name"]),
        ({"words": "x", "name": "n" * 61}, "INVALID_INPUT", ["name"]),
        ({}, "INVALID_INPUT", None),
        ({"center": BANGKOK}, "INVALID_INPUT", ["radiusMeters"]),
        ({"radiusMeters": 5.0}, "INVALID_INPUT", ["center"]),
        ({"center": BANGKOK, "radiusMeters": 0}, "INVALID_INPUT", ["radiusMeters"]),
        ({"center": BANGKOK, "radiusMeters": -1}, "INVALID_INPUT", ["radiusMeters"]),
        ({"center": BANGKOK, "radiusMeters": 1e9}, "INVALID_INPUT", ["radiusMeters"]),
        ({"center": BANGKOK, "radiusMeters": 200_000.1}, "INVALID_INPUT", ["radiusMeters"]),
        (
            {"center": {"latitude": 100.5, "longitude": 13.7}, "radiusMeters": 5},
            "INVALID_INPUT",
            ["center", "latitude"],
        ),
        (
            {"center": {"latitude": 13.7, "longitude": 180.5}, "radiusMeters": 5},
            "INVALID_INPUT",
            ["center", "longitude"],
        ),
        ({"words": ""}, "INVALID_INPUT", ["words"]),
        ({"words": "or -"}, "INVALID_INPUT", ["words"]),
        ({"words": "& | ! ( ) : * <->"}, "INVALID_INPUT", ["words"]),
        ({"words": "the of and"}, "INVALID_INPUT", ["words"]),
        ({"words": "-fence"}, "INVALID_INPUT", ["words"]),
        ({"words": "fence or -roof"}, "INVALID_INPUT", ["words"]),
        ({"words": "fence " * 10_000}, "INVALID_INPUT", ["words"]),
        ({"words": "x " * 21}, "INVALID_INPUT", ["words"]),
        ({"words": "รั้ว " * 21}, "INVALID_INPUT", ["words"]),
        ({"words": "fence\u0007"}, "INVALID_INPUT", ["words"]),
        ({"categoryIds": [new_id("category") for _ in range(21)]}, "INVALID_INPUT", ["categoryIds"]),
        ({"minBudget": {"amount": "-1", "currency": "EUR"}}, "INVALID_AMOUNT", ["minBudget", "amount"]),
        ({"minBudget": {"amount": "1.001", "currency": "EUR"}}, "INVALID_AMOUNT", ["minBudget", "amount"]),
        ({"minBudget": {"amount": "9" * 30, "currency": "EUR"}}, "INVALID_AMOUNT", ["minBudget", "amount"]),
    ],
)
async def test_bad_input_is_refused_and_nothing_stays(
    searches: SavedSearches, given: dict[str, Any], code: str, field: list[str] | None
) -> None:
    payload = (await searches.act(new_id("user"), CREATE, input={"name": "Fences"} | given))["createSavedSearch"]

    assert payload["savedSearch"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert await searches.sql("SELECT id FROM saved_searches") == []


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
@pytest.mark.parametrize(
    "area", ["{latitude: %s, longitude: 0}, radiusMeters: 5", "{latitude: 0, longitude: 0}, radiusMeters: %s"]
)
async def test_numbers_that_are_none_are_refused(searches: SavedSearches, number: str, area: str) -> None:
    document = f'mutation {{ createSavedSearch(input: {{name: "x", center: {area % number}}})'
    answer = await searches.ask(new_id("user"), document + " { savedSearch { id } userErrors { code } } }")

    refused = answer.get("errors") or answer["data"]["createSavedSearch"]["userErrors"]
    assert {each.get("code") or each["extensions"]["code"] for each in refused} <= {"BAD_REQUEST", "INVALID_INPUT"}
    assert await searches.sql("SELECT id FROM saved_searches") == []


async def test_an_id_of_another_kind_is_no_category(searches: SavedSearches) -> None:
    given = {"name": "Fences", "categoryIds": [new_id("task")]}

    assert (await searches.refusal(new_id("user"), CREATE, input=given))[0] == "INVALID_ID"


@pytest.mark.parametrize(
    "words", ["ทาสีรั้ว", "забор", "塀 ペンキ", "دهان السياج", "it's raining", "C++", "a\\b 'x' \"", "O''Neil"]
)
async def test_words_of_every_script_can_be_saved(searches: SavedSearches, words: str) -> None:
    person = new_id("user")

    saved = await searches.save(person, words=words)

    assert saved["words"] == words
    await searches.post(title="Something to do", description=f"Please: {words} and nothing else at all.")
    assert [alert["user_id"] for alert in await searches.alerts()] == [person]


async def test_the_same_key_saves_one_search(searches: SavedSearches) -> None:
    owner = new_id("user")

    first, second = [await searches.save(owner, words="fence", idempotencyKey="one") for _ in range(2)]

    assert first == second
    assert len(await searches.sql("SELECT id FROM saved_searches")) == 1


async def test_ones_own_searches_are_listed_newest_first_and_nobody_elses(searches: SavedSearches) -> None:
    owner = new_id("user")
    saved = [await searches.save(owner, words=f"fence{number}") for number in range(3)]
    await searches.save(new_id("user"), words="fence")

    assert (await searches.act(owner, MINE))["mySavedSearches"] == {"totalCount": 3, "nodes": saved[::-1]}


async def test_only_its_owner_deletes_a_search(searches: SavedSearches) -> None:
    owner = new_id("user")
    saved = await searches.save(owner, words="fence")
    given = {"savedSearchId": saved["id"]}
    unknown = {"savedSearch": None, "userErrors": [{"code": "NOT_FOUND", "field": ["savedSearchId"]}]}

    assert (await searches.act(new_id("user"), DELETE, input=given))["deleteSavedSearch"] == unknown
    assert len(await searches.sql("SELECT id FROM saved_searches")) == 1
    deleted = (await searches.act(owner, DELETE, input=given))["deleteSavedSearch"]
    assert deleted == {"savedSearch": saved, "userErrors": []}
    assert (await searches.act(owner, DELETE, input=given))["deleteSavedSearch"] == unknown
    assert await searches.sql("SELECT id FROM saved_searches") == []


async def test_nobody_has_more_searches_than_one_person_can(searches: SavedSearches) -> None:
    owner = new_id("user")
    for number in range(50):
        await searches.save(owner, words=f"fence{number}")

    payload = (await searches.act(owner, CREATE, input={"name": "One more", "words": "roof"}))["createSavedSearch"]

    assert [error["code"] for error in payload["userErrors"]] == ["TOO_MANY_SAVED_SEARCHES"]
    assert len(await searches.sql("SELECT id FROM saved_searches")) == 50
