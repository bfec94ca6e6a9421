"""Leaving the marketplace."""

from shared.access import NOT_FOUND, UNAUTHENTICATED, VALUE, Declaration, Mutation, admins, refused, signed_in
from shared.errors import UserErrorCode

ACCESS: list[Declaration] = [
    # Everybody else knows another password.
    Mutation(
        "eraseMyAccount(input: {password: $password})",
        "account",
        signed_in(refused(UserErrorCode.INVALID_CREDENTIALS), owner=VALUE),
        gives="user",
        again=UNAUTHENTICATED,
    ),
    Mutation(
        'eraseUser(input: {userId: $user, reason: "They wrote."})',
        "account",
        admins(VALUE),
        gives="user",
        again=NOT_FOUND,
    ),
]
