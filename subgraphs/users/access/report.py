"""Reporting people, and what one has reported."""

from shared.access import (
    NOT_ALLOWED,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Type,
    everybody,
    own_list,
    signed_in,
)

REPORT = "id reason text createdAt user"

ACCESS: list[Declaration] = [
    Object("report", "a report of somebody", owner="who reported; the other is no actor here"),
    *own_list("UserReport", REPORT, "report", "myReports"),
    Type("UserReport", "report", "", {REPORT: everybody(NULL, owner=VALUE)}),
    Mutation(
        'reportUser(input: {userId: $user, reason: SPAM, text: "The same advertisement ten times."})',
        "account",
        signed_in(VALUE, owner=NOT_ALLOWED),
        gives="report",
        repeatable=True,
    ),
]
