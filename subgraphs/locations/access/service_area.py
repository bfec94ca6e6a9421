"""Service areas: for their taskers alone."""

from shared.access import (
    NOT_FOUND,
    NULL,
    ROLE_REQUIRED,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    signed_in,
)

MINE = "myServiceArea"
GIVEN = "center: {latitude: 13.7, longitude: 100.5}, radiusMeters: 5000"
OWNED = signed_in(NULL, owner=VALUE)

ACCESS: list[Declaration] = [
    Object("service area", "a circle in which somebody works", owner="whose it is"),
    Object("polygonal service area", "a polygon in which somebody works", owner="whose it is"),
    Query(MINE, "service area", OWNED),
    Type("ServiceArea", "service area", MINE, {"center radiusMeters categoryIds": OWNED}),
    Type("ServiceArea", "polygonal service area", MINE, {"polygon": OWNED}),
    Mutation(
        f"setServiceArea(input: {{{GIVEN}}})", "anywhere", signed_in(VALUE, poster=ROLE_REQUIRED),
        gives="serviceArea", repeatable=True,
    ),
    Mutation("removeServiceArea", "service area", signed_in(NOT_FOUND, owner=VALUE), gives="serviceArea"),
]  # fmt: skip
