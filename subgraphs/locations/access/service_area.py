"""Service areas: for their taskers alone; who is near a task: for its poster."""

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
    connection,
    page_info,
    signed_in,
)

MINE = "myServiceArea"
GIVEN = "center: {latitude: 13.7, longitude: 100.5}, radiusMeters: 5000"
NEAR = "taskersNear(taskId: $task)"
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
    Object("task near a tasker", "a task in somebody's service area", owner="who posted it", tasker="who works there"),
    Query(NEAR, "task near a tasker", OWNED),
    Type("NearbyTasker", "task near a tasker", f"{NEAR}.nodes", {"id tasker distanceMeters": OWNED}),
    Type("User", "task near a tasker", f"{NEAR}.nodes.tasker", {"id": OWNED}),
    *connection("NearbyTasker", "task near a tasker", NEAR, OWNED),
    page_info("task near a tasker", NEAR, OWNED),
    Mutation(
        "removeServiceArea",
        "service area", signed_in(NOT_FOUND, owner=VALUE), gives="serviceArea", again=NOT_FOUND,
    ),
]  # fmt: skip
