"""Signing in at other providers; the system that the matrix asks has one."""

from shared.access import (
    ANEW,
    NOT_FOUND,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Type,
    anybody,
    everybody,
    own_list,
    refused,
    signed_in,
)
from shared.errors import UserErrorCode

PROVIDERS = "signInProviders"
IDENTITY = "id providerId email linkedAt"
LINKED, ELSEWHERE = "linked account", "sign-in elsewhere"
ANSWER = "handle: $handle, code: $code, state: $state"
COMPLETE = f"completeOpenIdSignIn(input: {{{ANSWER}, roles: [POSTER]}})"
# Everybody else knows another password.
WITH_OWN_PASSWORD = signed_in(refused(UserErrorCode.INVALID_CREDENTIALS), owner=VALUE)

ACCESS: list[Declaration] = [
    Object(LINKED, "an account with an identity at a provider", owner="whose it is"),
    Object(ELSEWHERE, "what a provider sent the browser of a newcomer back with", owner="anybody"),
    Object(f"guarded {ELSEWHERE}", "the same of somebody with a second factor", owner="anybody"),
    Object("identity to link", "what a provider sent back for an account that is to be linked", owner="whose it is"),
    Query(PROVIDERS, "account", anybody(VALUE)),
    Type("SignInProvider", "account", PROVIDERS, {"id name": anybody(VALUE)}),
    *own_list("Identity", IDENTITY, LINKED, "myIdentities"),
    Type("Identity", LINKED, "", {IDENTITY: everybody(NULL, owner=VALUE)}),
    Mutation(
        "startOpenIdSignIn(input: {provider: $provider})",
        ELSEWHERE,
        anybody(VALUE),
        gives="authorizationUrl handle",
        repeatable=True,
        again=ANEW,
    ),
    Mutation(
        "startOpenIdSignIn(input: {provider: $provider, link: true})",
        LINKED,
        signed_in(VALUE),
        gives="authorizationUrl handle",
        repeatable=True,
        again=ANEW,
    ),
    # Whoever brings the answer is in; but with a second factor only as far as its challenge.
    Mutation(
        f"completeOpenIdSignIn(input: {{{ANSWER}, roles: [POSTER]}})",
        ELSEWHERE,
        anybody(VALUE),
        gives="session",
        again=refused(UserErrorCode.OPEN_ID_SIGN_IN_FAILED),
    ),
    Mutation(
        f"completeOpenIdSignIn(input: {{{ANSWER}, roles: [POSTER]}})",
        f"guarded {ELSEWHERE}",
        anybody(VALUE),
        gives="secondFactor",
        again=refused(UserErrorCode.OPEN_ID_SIGN_IN_FAILED),
    ),
    Mutation(
        f"linkOpenIdIdentity(input: {{{ANSWER}, password: $password}})",
        "identity to link",
        WITH_OWN_PASSWORD,
        gives="identity",
        again=refused(UserErrorCode.OPEN_ID_SIGN_IN_FAILED),
    ),
    Mutation(
        "unlinkOpenIdIdentity(input: {identityId: $identity, password: $password})",
        LINKED,
        WITH_OWN_PASSWORD,
        gives="identity",
        again=NOT_FOUND,
    ),
]
