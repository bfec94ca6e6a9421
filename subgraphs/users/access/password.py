"""New passwords."""

from shared.access import ANEW, VALUE, Declaration, Mutation, Object, anybody, refused, signed_in
from shared.errors import UserErrorCode

NEW = 'newPassword: "quiet zebras audit the marmalade"'

ACCESS: list[Declaration] = [
    Object("forgotten password", "an account whose owner has the mail that sets a new one", owner="whose it is"),
    Mutation("requestPasswordReset(input: {email: $email})", "account", anybody(VALUE), repeatable=True, again=ANEW),
    # The token is what counts, whoever brings it; a suspended account opens no session with its new password.
    Mutation(
        f"resetPassword(input: {{token: $token, {NEW}}})",
        "forgotten password",
        anybody(VALUE),
        gives="user setUpEnded",
    ),
    # Everybody else knows another password.
    Mutation(
        f"changePassword(input: {{currentPassword: $password, {NEW}}})",
        "session",
        signed_in(refused(UserErrorCode.INVALID_CREDENTIALS), owner=VALUE),
        gives="user endedSessions",
        again=refused(UserErrorCode.INVALID_CREDENTIALS),
    ),
]
