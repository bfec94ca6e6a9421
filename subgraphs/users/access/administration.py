"""What admins see and do of other people's accounts."""

from shared.access import (
    NULL,
    UNAUTHENTICATED,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    admins,
    connection,
    everybody,
    page_info,
)

USERS = "users(filter: {email: $email})"
SUSPENSION = "user(id: $user).suspension"

ADMINS = admins(VALUE)
ADMINS_SEE = everybody(NULL, admin=VALUE, owner=UNAUTHENTICATED)

ACCESS: list[Declaration] = [
    Object("suspended account", "one that an admin shut out", owner="whose it is; their token has ended too"),
    Query(USERS, "account", ADMINS),
    *connection("User", "account", USERS, ADMINS),
    page_info("account", USERS, ADMINS),
    Type("User", "suspended account", "user(id: $user)", {"suspension": ADMINS_SEE}),
    Type("Suspension", "suspended account", SUSPENSION, {"at reason": ADMINS_SEE}),
    Mutation('suspendUser(input: {userId: $user, reason: "Sells nothing."})', "account", ADMINS, gives="user"),
    Mutation(
        "reinstateUser(input: {userId: $user})",
        "suspended account",
        admins(VALUE, owner=UNAUTHENTICATED),
        gives="user",
    ),
    Mutation("grantRole(input: {userId: $user, role: SUPPORT})", "account", ADMINS, gives="user"),
    Mutation("revokeRole(input: {userId: $user, role: TASKER})", "account", ADMINS, gives="user"),
]
