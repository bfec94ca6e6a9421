"""Getting everything that is held of oneself."""

from shared.access import (
    EMPTY,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    connection,
    page_info,
    refused,
    signed_in,
)
from shared.errors import UserErrorCode

EXPORT = "dataExport(id: $export)"
PARTS = f"{EXPORT}.parts"

OWNER_SEES = signed_in(NULL, owner=VALUE)
LISTED = signed_in(EMPTY, owner=VALUE)
PAGE = signed_in(VALUE)

ACCESS: list[Declaration] = [
    Object("data export", "everything that is held of somebody, ready to be read", owner="of whom it is held"),
    Query(EXPORT, "data export", OWNER_SEES),
    Query("myDataExports", "data export", LISTED),
    Type(
        "DataExport",
        "data export",
        EXPORT,
        {
            "id status requestedAt readyAt expiresAt parts": OWNER_SEES,
            # It waits for nobody any more.
            "waitingFor": signed_in(NULL, owner=EMPTY),
        },
    ),
    Type("DataExportPart", "data export", f"{PARTS}.nodes", {"id subgraph number json": OWNER_SEES}),
    *connection("DataExport", "data export", "myDataExports", LISTED, PAGE),
    *connection("DataExportPart", "data export", PARTS, OWNER_SEES),
    page_info("data export", PARTS, OWNER_SEES),
    # Everybody else has another password.
    Mutation(
        "exportMyData(input: {password: $password})",
        "account",
        signed_in(refused(UserErrorCode.INVALID_CREDENTIALS), owner=VALUE),
        gives="export",
    ),
]
