"""Blocking people, and whom one has blocked."""

from shared.access import NOT_ALLOWED, VALUE, Declaration, Mutation, Object, own_list, signed_in

ACCESS: list[Declaration] = [
    Object("block", "that somebody has blocked somebody else", owner="who blocked; the other is no actor here"),
    *own_list("BlockedUser", "id blockedAt user", "block", "myBlockedUsers"),
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
