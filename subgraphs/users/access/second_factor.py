"""Second factors, and signing in with one."""

from shared.access import (
    ANEW,
    NOT_FOUND,
    NULL,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Type,
    admins,
    anybody,
    everybody,
    refused,
    signed_in,
)
from shared.errors import UserErrorCode

GUARDED = "guarded account"
USER = "user(id: $user)"
LOG_IN = "logIn(input: {email: $email, password: $password})"

# Everybody else knows another password.
WITH_OWN_PASSWORD = signed_in(refused(UserErrorCode.INVALID_CREDENTIALS), owner=VALUE)
PROOF = "{password: $password, code: $recoveryCode}"

ACCESS: list[Declaration] = [
    Object(GUARDED, "an account with a second factor, and its recovery codes", owner="whose it is"),
    Type("User", GUARDED, USER, {"secondFactor": everybody(NULL, owner=VALUE, admin=VALUE)}),
    Type("SecondFactor", GUARDED, f"{USER}.secondFactor", {
        "enabledAt": everybody(NULL, owner=VALUE, admin=VALUE),
        "recoveryCodesLeft": everybody(NULL, owner=VALUE),
    }),
    # Who knows the password gets this far, whoever they are.
    Mutation(LOG_IN, GUARDED, anybody(VALUE), gives="secondFactor", repeatable=True, again=ANEW),
    Type("SecondFactorChallenge", GUARDED, f"{LOG_IN}.secondFactor", {
        "challenge expiresAt": anybody(VALUE),
    }),
    Mutation(
        "enableTotp(input: {password: $password})", "account", WITH_OWN_PASSWORD, gives="secret uri", again=ANEW
    ),
    Mutation(
        'confirmTotp(input: {code: "000000"})',
        GUARDED,
        signed_in(refused(UserErrorCode.NOT_FOUND), owner=refused(UserErrorCode.INVALID_TRANSITION)),
        gives="recoveryCodes user",
    ),
    Mutation(f"disableTotp(input: {PROOF})", GUARDED, WITH_OWN_PASSWORD, gives="user", again=NOT_FOUND),
    Mutation(
        'removeSecondFactor(input: {userId: $user, reason: "They lost their phone."})',
        GUARDED,
        admins(VALUE),
        gives="user",
        again=NOT_FOUND,
    ),
    Mutation(
        f"regenerateRecoveryCodes(input: {PROOF})",
        GUARDED,
        WITH_OWN_PASSWORD,
        gives="recoveryCodes user",
        again=refused(UserErrorCode.INVALID_SECOND_FACTOR),
    ),
    Mutation(
        'completeLogIn(input: {challenge: $email, code: "000000"})',
        "newcomer",
        anybody(refused(UserErrorCode.INVALID_SECOND_FACTOR)),
        gives="session",
    ),
]  # fmt: skip
