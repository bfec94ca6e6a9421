"""What is wrong with a form of locations is said all at once."""

from typing import Any

import pytest

from shared.ids import new_id
from tests.conftest import AccessToken
from tests.locations.areas import given, star
from tests.locations.conftest import BANGKOK, Locations
from tests.locations.forms import FORMS
from tests.locations.searching import SavedSearches
from tests.locations.test_service_areas import HERE, SQUARE
from tests.support.wrong_inputs import document

TOO_MANY = [new_id("category") for _ in range(21)]
NOWHERE = {"latitude": 91, "longitude": -181}


def answers(data: dict[str, Any]) -> list[tuple[str, list[str] | None, str | None, str | None]]:
    """Code, field and bounds of every user error."""
    (payload,) = data.values()
    return [(error["code"], error["field"], error["min"], error["max"]) for error in payload["userErrors"]]


async def nothing_stays(locations: Locations) -> None:
    for table in ("places", "neighbourhoods", "saved_searches", "service_areas", "outbox"):
        assert await locations.sql(f"SELECT 1 FROM {table}") == [], table


@pytest.mark.parametrize("mutation", FORMS)
async def test_every_wrong_field_is_told_at_once(locations: Locations, mutation: str) -> None:
    form = FORMS[mutation]
    user_id, ids = await form.prepare(locations)

    data = await locations.act(user_id, document(mutation), input=form.input(ids))

    assert data == {mutation: {"userErrors": form.errors()}}
    await nothing_stays(locations)


@pytest.mark.parametrize(
    ("mutation", "input", "expected"),
    [
        ("createPlace", {"country": "XX"}, [(["address"], None, None), (["country"], None, None)]),
        ("createSavedSearch", {"name": ""}, [(None, None, None), (["name"], "1", "60")]),
        (
            "createSavedSearch",
            {"name": "Fences", "center": NOWHERE},
            [(["center", "latitude"], "-90", "90"), (["center", "longitude"], "-180", "180"),
             (["radiusMeters"], None, "200000")],
        ),
        ("setServiceArea", {"categoryIds": TOO_MANY}, [(None, None, None), (["categoryIds"], None, "20")]),
        # Which of the two is meant to hold is not known.
        (
            "setServiceArea",
            {"center": NOWHERE, "radiusMeters": 0, "polygon": [NOWHERE], "categoryIds": TOO_MANY},
            [(["polygon"], None, None), (["categoryIds"], None, "20")],
        ),
        (
            "setServiceArea",
            {"polygon": [NOWHERE, BANGKOK, NOWHERE]},
            [(["polygon"], "3", "100"), (["polygon", "0", "latitude"], "-90", "90"),
             (["polygon", "0", "longitude"], "-180", "180")],
        ),
        (
            "setServiceArea",
            {"polygon": [*SQUARE, NOWHERE], "categoryIds": TOO_MANY},
            [(["polygon", "4", "latitude"], "-90", "90"), (["polygon", "4", "longitude"], "-180", "180"),
             (["categoryIds"], None, "20")],
        ),
    ],
)  # fmt: skip
async def test_what_is_missing_or_stands_in_a_list_is_told_beside_the_rest(
    locations: Locations, mutation: str, input: dict[str, Any], expected: list[tuple[list[str] | None, str, str]]
) -> None:
    data = await locations.act(new_id("user"), document(mutation), input=input)

    assert answers(data) == [("INVALID_INPUT", *each) for each in expected]
    await nothing_stays(locations)


async def test_of_thousands_of_corners_only_so_many_are_told_to_be_wrong(locations: Locations) -> None:
    corners = [given(each) | {"longitude": 181} for each in star(HERE, [5_000] * 3_000)]

    data = await locations.act(new_id("user"), document("setServiceArea"), input={"polygon": corners})

    first, *others = answers(data)
    assert first == ("INVALID_INPUT", ["polygon"], "3", "100")
    assert [field for _, field, _, _ in others] == [["polygon", str(number), "longitude"] for number in range(100)]


async def test_who_is_no_tasker_is_told_nothing_of_the_form(locations: Locations, access_token: AccessToken) -> None:
    form = FORMS["setServiceArea"]
    user_id, ids = await form.prepare(locations)

    answer = await locations.served.execute(
        document("setServiceArea"), {"input": form.input(ids)}, token=access_token(user_id, roles=("POSTER",))
    )

    assert answers(answer["data"]) == [("ROLE_REQUIRED", None, None, None)]


async def test_who_has_all_saved_searches_is_told_nothing_of_the_form(locations: Locations) -> None:
    form = FORMS["createSavedSearch"]
    user_id, ids = await form.prepare(locations)
    searches = SavedSearches(locations)
    for number in range(50):
        last = await searches.save(user_id, words=f"fence{number}", idempotencyKey=str(number))

    data = await locations.act(user_id, document("createSavedSearch"), input=form.input(ids))

    assert answers(data) == [("TOO_MANY_SAVED_SEARCHES", None, None, "50")]
    assert await searches.save(user_id, words="fence49", idempotencyKey="49") == last
