"""Showing that one's e-mail address is one's own."""

from shared.access import NULL, OWN, VALUE, Declaration, Mutation, Object, Type, everybody, signed_in

PRIVATE = everybody(NULL, owner=VALUE, admin=VALUE)

ACCESS: list[Declaration] = [
    Object("verified account", "one whose e-mail address is verified", owner="whose it is"),
    Object("unverified account", "one whose owner has the mail that verifies its address", owner="whose it is"),
    Type("User", "verified account", "user(id: $user)", {"emailVerifiedAt": PRIVATE}),
    # The token is what counts, whoever brings it.
    Mutation("verifyEmail(input: {token: $token})", "unverified account", everybody(VALUE), gives="user"),
    Mutation("requestEmailVerification(input: {})", "account", signed_in(OWN, owner=VALUE), gives="user"),
]
