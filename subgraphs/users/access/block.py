"""Blocking people, and whom one has blocked."""

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
    Object("block", "that somebody has blocked somebody else", owner="who blocked; the other is no actor here"),
    Query("myBlockedUsers", "block", LISTED),
    Type("BlockedUser", "block", "myBlockedUsers.nodes", {"blockedAt user": LISTED}),
    *connection("BlockedUser", "block", "myBlockedUsers", LISTED, PAGE),
    page_info("block", "myBlockedUsers", LISTED, PAGE),
    Mutation(
        "blockUser(input: {userId: $user})",
        "account",
        signed_in(VALUE, owner=NOT_ALLOWED),
        gives="user",
        repeatable=True,
    ),
    # For whoever has not blocked them it is done already.
    Mutation("unblockUser(input: {userId: $blocked})", "block", signed_in(VALUE), gives="user", repeatable=True),
]
