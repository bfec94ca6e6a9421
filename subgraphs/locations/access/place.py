"""Places: their owners see all of them, others what is public once a published task is there."""

from shared.access import (
    EMPTY,
    NOT_FOUND,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    connection,
    everybody,
    page_info,
    signed_in,
    user_error,
)

PLACE = "place(id: $place)"
HERE = "point: {latitude: 13.7563, longitude: 100.5018}"

ALL = everybody(VALUE)
PARTIES = everybody(NULL, owner=VALUE, tasker=VALUE, poster=VALUE)
OWNED = everybody(NULL, owner=VALUE)
LISTED = signed_in(EMPTY, owner=VALUE)

ACCESS: list[Declaration] = [
    Object("unused place", "a place where no task is", owner="who made it"),
    Object(
        "place of work", "the place of a task that is assigned",
        owner="who posted the task", tasker="who got it", poster="who posted the task",
    ),
    Query(PLACE, "place of work", ALL),
    Query(PLACE, "unused place", OWNED),
    Type("Place", "place of work", PLACE, {
        "id locality country publicPoint": ALL,
        "point address precision": PARTIES,
    }),
    Type("Place", "unused place", PLACE, {"id locality country publicPoint point address precision": OWNED}),
    Type("Point", "unused place", f"{PLACE}.point", {"latitude longitude": OWNED}),
    Query("myPlaces", "unused place", LISTED),
    *connection("Place", "unused place", "myPlaces", LISTED, page=signed_in(VALUE)),
    page_info("unused place", "myPlaces", LISTED, page=signed_in(VALUE)),
    Mutation(f"createPlace(input: {{{HERE}}})", "anywhere", signed_in(VALUE), gives="place", repeatable=True),
    Mutation(
        "deletePlace(input: {placeId: $place})",
        "unused place", signed_in(NOT_FOUND, owner=VALUE), gives="place", again=NOT_FOUND,
    ),
    user_error("anywhere", "createPlace(input: {})", signed_in(VALUE)),
]  # fmt: skip
