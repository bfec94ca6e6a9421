"""Reporting people, and what one has reported."""

from shared.access import (
    EMPTY,
    NOT_ALLOWED,
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

LISTED = signed_in(EMPTY, owner=VALUE)
PAGE = signed_in(VALUE)

ACCESS: list[Declaration] = [
    Object("report", "a report of somebody", owner="who reported; the other is no actor here"),
    Query("myReports", "report", LISTED),
    Type("UserReport", "report", "myReports.nodes", {"id reason text createdAt user": LISTED}),
    *connection("UserReport", "report", "myReports", LISTED, PAGE),
    page_info("report", "myReports", LISTED, PAGE),
    Mutation(
        'reportUser(input: {userId: $user, reason: SPAM, text: "The same advertisement ten times."})',
        "account",
        signed_in(VALUE, owner=NOT_ALLOWED),
        gives="report",
        repeatable=True,
    ),
]
