"""Signing in and out."""

from shared.access import (
    ANEW,
    EMPTY,
    NOT_FOUND,
    NULL,
    OWN,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    anybody,
    connection,
    everybody,
    page_info,
    refused,
    signed_in,
    user_error,
)
from shared.errors import UserErrorCode

LOG_IN = "logIn(input: {email: $email, password: $password})"
REFRESH = "refreshSession(input: {refreshToken: $refreshToken})"
LOG_OUT = "logOut(input: {sessionId: $session})"
PERSON = 'password: $password, displayName: "Nina"'

# Everybody is signed in somewhere, and sees that alone.
DEVICES = signed_in(OWN, owner=VALUE)
# Who knows the password is in, whoever they are; but not into a suspended account.
WITH_PASSWORD = anybody(VALUE, suspended=refused(UserErrorCode.ACCOUNT_SUSPENDED))

ACCESS: list[Declaration] = [
    Object("session", "a device that is signed in, and its refresh token", owner="whose it is"),
    Object("newcomer", "an e-mail address without an account", owner="anybody"),
    Query("mySessions", "session", DEVICES),
    Type("Session", "session", "mySessions.nodes", {
        "id createdAt lastUsedAt expiresAt userAgent current": DEVICES,
    }),
    Type("Session", "session", "", {
        "id createdAt lastUsedAt expiresAt userAgent current": everybody(NULL, owner=VALUE),
        # It goes on.
        "endedAt": everybody(NULL),
    }),
    Type("Session", "session", f"{LOG_OUT}.session", {"endedAt": signed_in(NULL, owner=VALUE)}),
    *connection("Session", "session", "mySessions", DEVICES),
    page_info("session", "mySessions", DEVICES),
    Type("SessionTokens", "account", f"{LOG_IN}.session", {
        "accessToken refreshToken expiresAt user": anybody(VALUE, suspended=NULL),
    }),
    # As the one whose session it is sees themselves, whatever the token beside it.
    Type("User", "session", f"{REFRESH}.session.user", {
        "email roles phone preferences": anybody(VALUE, suspended=NULL),
    }),
    Mutation(
        f"signUp(input: {{email: $email, {PERSON}, roles: [POSTER]}})", "newcomer", anybody(VALUE), gives="session"
    ),
    Mutation(LOG_IN, "account", WITH_PASSWORD, gives="session", repeatable=True, again=ANEW),
    Mutation(
        REFRESH,
        "session", anybody(VALUE, suspended=refused(UserErrorCode.SESSION_EXPIRED)), gives="session",
        again=ANEW,
    ),
    Mutation(LOG_OUT, "session", signed_in(NOT_FOUND, owner=VALUE), gives="session"),
    Mutation(
        "logOutEverywhere(input: {keepCurrent: true})",
        "session", signed_in(EMPTY, owner=VALUE), gives="sessions", again=EMPTY,
    ),
    user_error(
        "newcomer", 'signUp(input: {email: $email, password: $password, displayName: "", roles: []})',
        anybody(VALUE), bounds=anybody(VALUE), allowed=anybody(VALUE),
    ),
]  # fmt: skip
