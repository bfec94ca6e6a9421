"""People, to one another."""

from shared.access import NULL, OWN, VALUE, Declaration, Object, Query, Type, everybody, signed_in

USER = "user(id: $user)"

ACCESS: list[Declaration] = [
    Object("account", "an account of the marketplace", owner="whose it is"),
    Query(USER, "account", everybody(VALUE)),
    Query("me", "account", signed_in(OWN, owner=VALUE)),
    Type("User", "account", USER, {
        "id displayName bio avatarUrl status memberSince version": everybody(VALUE),
        "email roles": everybody(NULL, owner=VALUE, admin=VALUE),
    }),
]  # fmt: skip
