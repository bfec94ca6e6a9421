"""Reporting people, and what one has reported."""

from shared.access import NOT_ALLOWED, VALUE, Declaration, Mutation, Object, own_list, signed_in

ACCESS: list[Declaration] = [
    Object("report", "a report of somebody", owner="who reported; the other is no actor here"),
    *own_list("UserReport", "id reason text createdAt user", "report", "myReports"),
    Mutation(
        'reportUser(input: {userId: $user, reason: SPAM, text: "The same advertisement ten times."})',
        "account",
        signed_in(VALUE, owner=NOT_ALLOWED),
        gives="report",
        repeatable=True,
    ),
]
