"""Inputs of places, saved searches and service areas that are wrong in every field."""

from shared.ids import new_id
from tests.locations.conftest import Locations
from tests.support.wrong_inputs import Form, Given, Wrong

_CENTER = {
    "center.latitude": Wrong(-90.5, min="-90", max="90"),
    "center.longitude": Wrong(180.5, min="-180", max="180"),
}
# There is no least radius: every one above 0 is right.
_RADIUS = {"radiusMeters": Wrong(200_000.5, max="200000")}
_CATEGORIES = {"categoryIds": Wrong([new_id("category") for _ in range(21)], max="20")}
_POLYGON = "It takes the place of the circle: whoever gives both is told that alone."


async def _anybody(locations: Locations) -> tuple[str, Given]:
    return new_id("user"), {}


async def _anybody_with_euros(locations: Locations) -> tuple[str, Given]:
    return new_id("user"), {"minBudget": {"currency": "EUR"}}


FORMS: dict[str, Form[Locations]] = {
    "createPlace": Form(
        _anybody,
        {
            "address": Wrong("x", min="2", max="300"),
            "point.latitude": Wrong(-90.5, min="-90", max="90"),
            "point.longitude": Wrong(180.5, min="-180", max="180"),
            "country": Wrong("XX"),
        },
    ),
    "createSavedSearch": Form(
        _anybody_with_euros,
        {"name": Wrong("", min="1", max="60")}
        | _CENTER
        | _RADIUS
        # What only the database knows to be wrong.
        | {"words": Wrong("-fence")}
        | _CATEGORIES
        | {"minBudget.amount": Wrong("-1", "INVALID_AMOUNT")},
    ),
    "setServiceArea": Form(
        _anybody,
        _CENTER | _RADIUS | _CATEGORIES,
        never_wrong={"polygon.latitude": _POLYGON, "polygon.longitude": _POLYGON},
    ),
}
