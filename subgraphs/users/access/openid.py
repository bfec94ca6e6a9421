"""Signing in at other providers. The system that the matrix asks has none: who signs in there is tested with users."""

from shared.access import (
    EMPTY,
    VALUE,
    Declaration,
    Mutation,
    Query,
    Type,
    connection,
    everybody,
    refused,
    signed_in,
)
from shared.errors import UserErrorCode

IDENTITIES = "myIdentities"
ANSWER = 'handle: "never given", code: "x", state: "x"'
FAILED = refused(UserErrorCode.OPEN_ID_SIGN_IN_FAILED)
# Everybody else knows another password.
WRONG_PASSWORD = refused(UserErrorCode.INVALID_CREDENTIALS)
NONE_LINKED = signed_in(EMPTY)

ACCESS: list[Declaration] = [
    Query("signInProviders", "account", everybody(EMPTY)),
    Type("SignInProvider", "account", "signInProviders", {"id name": everybody(EMPTY)}),
    Query(IDENTITIES, "account", NONE_LINKED),
    Type("Identity", "account", f"{IDENTITIES}.nodes", {"id providerId email linkedAt": NONE_LINKED}),
    *connection("Identity", "account", IDENTITIES, NONE_LINKED, signed_in(VALUE)),
    Mutation(
        'startOpenIdSignIn(input: {provider: "nowhere"})',
        "account",
        everybody(refused(UserErrorCode.NOT_FOUND)),
        gives="authorizationUrl handle",
    ),
    Mutation(
        f"completeOpenIdSignIn(input: {{{ANSWER}, roles: [POSTER]}})",
        "account",
        everybody(FAILED),
        gives="session secondFactor",
    ),
    Mutation(
        f"linkOpenIdIdentity(input: {{{ANSWER}, password: $password}})",
        "account",
        signed_in(WRONG_PASSWORD, owner=FAILED),
        gives="identity",
    ),
    Mutation(
        'unlinkOpenIdIdentity(input: {identityId: "identity_01j5vq8z4me9rb0t2n8d3xk7fa", password: $password})',
        "account",
        signed_in(WRONG_PASSWORD, owner=refused(UserErrorCode.NOT_FOUND)),
        gives="identity",
    ),
]
