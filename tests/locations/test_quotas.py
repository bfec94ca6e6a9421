"""What somebody could have us look up, keep or match without end has a quota for their account and their address."""

from typing import Any

import pytest

from subgraphs.locations import app
from subgraphs.locations.schema import schema
from tests.conftest import AccessToken, SettingsFor
from tests.locations.conftest import BANGKOK
from tests.support.quotas import LIMIT, Tries, mutations_of
from tests.support.serving import serve

# For each of them the settings with its quotas, without `_per_account` and `_per_address`, and an input.
COUNTED: dict[str, tuple[str, dict[str, Any]]] = {
    "createPlace": ("places", {"point": BANGKOK}),
    "createSavedSearch": ("saved_searches", {"name": "Fences", "words": "fence"}),
    "setServiceArea": ("service_areas", {"center": BANGKOK, "radiusMeters": 5_000.0}),
}
# Those that take away what was made within a quota; the cost of somebody's operations limits them.
NOT_COUNTED = {"deletePlace", "deleteSavedSearch", "removeServiceArea"}


def test_every_mutation_is_counted_or_not_on_purpose() -> None:
    assert mutations_of(schema) == COUNTED.keys() | NOT_COUNTED


@pytest.mark.parametrize("name", COUNTED)
async def test_each_alias_is_a_try_of_its_account(
    settings_for: SettingsFor, access_token: AccessToken, name: str
) -> None:
    setting, given = COUNTED[name]
    async with serve(app.build(settings_for("locations", **{f"{setting}_per_account": LIMIT}))) as served:
        await Tries(served, access_token, name, given).count_for_the_account()


@pytest.mark.parametrize("name", COUNTED)
async def test_each_alias_is_a_try_from_its_address(
    settings_for: SettingsFor, access_token: AccessToken, name: str
) -> None:
    setting, given = COUNTED[name]
    async with serve(app.build(settings_for("locations", **{f"{setting}_per_address": LIMIT}))) as served:
        await Tries(served, access_token, name, given).count_for_the_address()
