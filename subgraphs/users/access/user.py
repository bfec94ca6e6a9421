"""People, to one another."""

from shared.access import NULL, OWN, VALUE, Declaration, Object, Query, Type, everybody, signed_in

USER = "user(id: $user)"

PRIVATE = everybody(NULL, owner=VALUE, admin=VALUE)

ACCESS: list[Declaration] = [
    Object("account", "an account of the marketplace", owner="whose it is"),
    Query(USER, "account", everybody(VALUE)),
    Query("me", "account", signed_in(OWN, owner=VALUE)),
    Type("User", "account", USER, {
        "id displayName bio avatarUrl skills isVerified status memberSince version": everybody(VALUE),
        "email roles phone preferences": PRIVATE,
    }),
    Type("UserPreferences", "account", f"{USER}.preferences", {"locale timeZone": PRIVATE}),
]  # fmt: skip
