"""Finding places by what people call them, and the other way round."""

from typing import Annotated, Self

import strawberry

from shared.errors import BadRequest, DomainError
from shared.graphql.limits import list_size
from shared.graphql.schema import query
from shared.graphql.types import Point, PointInput, register_enum
from shared.identity.actor import MARKETPLACE
from subgraphs.locations import rules
from subgraphs.locations.geocoding import Found, geocoder
from subgraphs.locations.geocoding.countries import COUNTRIES
from subgraphs.locations.rules.places import Precision
from subgraphs.locations.schema.info import Info
from subgraphs.locations.schema.points import parse_point

MOST_FOUND = 10

register_enum(
    Precision,
    name="PlacePrecision",
    description="How exactly a point is known.",
    values={
        Precision.POINT: "It was given as a point.",
        Precision.ADDRESS: "The house.",
        Precision.STREET: "Somewhere along the street.",
        Precision.LOCALITY: "The middle of the town or village.",
    },
)

Country = Annotated[
    str | None, strawberry.argument(description="Only in this country: its ISO 3166-1 alpha-2 code, such as `TH`.")
]


@strawberry.type(description="Somewhere that a text may mean, or that is at a point.")
class GeocodedAddress:
    label: str = strawberry.field(description="What it is called.")
    locality: str | None = strawberry.field(description="The town or village.")
    country: str | None = strawberry.field(description="The ISO 3166-1 alpha-2 code of its country.")
    point: Point = strawberry.field(description="Where it is.")
    precision: Precision = strawberry.field(description="How exactly the point is known.")

    @classmethod
    def of(cls, found: Found) -> Self:
        return cls(
            label=found.label,
            locality=found.locality,
            country=found.country,
            point=Point.of(found.point),
            precision=found.precision,
        )


async def count_question(info: Info) -> None:
    """Raises RateLimited for somebody who has asked too often."""
    actor = info.context.require_actor()
    await info.context.limiter.hit("geocode", actor.id, info.context.services.settings.geocodes_per_account)


def check_country(code: str | None) -> str | None:
    """The code of a country that there is, in capitals. Raises BadRequest."""
    if code is None:
        return None
    if (known := code.upper()) not in COUNTRIES:
        raise BadRequest("`country` is not the ISO 3166-1 alpha-2 code of a country.")
    return known


@strawberry.type
class GeocodingQuery:
    @query(
        description="What a text may mean, likeliest first, at most 10: an address, the name of a place, or the first "
        "letters of one. Where the server knows no streets, it is the locality in the address.",
        scope=MARKETPLACE,
        directives=[list_size(assumed_size=MOST_FOUND)],
    )
    async def geocode(
        self,
        info: Info,
        text: Annotated[str, strawberry.argument(description="2 to 300 characters in one line.")],
        country: Country = None,
    ) -> list[GeocodedAddress] | None:
        try:
            wanted = rules.places.clean_address(text)
        except DomainError as error:
            raise BadRequest(f"`text`: {error.message}") from None
        known = check_country(country)
        await count_question(info)
        found = await geocoder(info.context.services).geocode(wanted, known, MOST_FOUND)
        return [GeocodedAddress.of(each) for each in found]

    @query(description="What is at a point, or nearest to it; null far from everything.", scope=MARKETPLACE)
    async def reverse_geocode(
        self, info: Info, point: Annotated[PointInput, strawberry.argument(description="Where.")]
    ) -> GeocodedAddress | None:
        where = parse_point(point, "point")
        await count_question(info)
        found = await geocoder(info.context.services).reverse(where)
        return GeocodedAddress.of(found) if found is not None else None
