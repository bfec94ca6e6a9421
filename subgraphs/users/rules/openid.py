"""Signing in at other providers: how long it may take, what follows from an identity."""

from datetime import datetime, timedelta

from shared.errors import DomainError, UserErrorCode

SIGN_IN_LIFETIME = timedelta(minutes=10)
"""How long somebody may be at the provider before the answer is worth nothing."""


class OpenIdSignInFailed(DomainError):
    code = UserErrorCode.OPEN_ID_SIGN_IN_FAILED


class EmailNotVerified(DomainError):
    code = UserErrorCode.EMAIL_NOT_VERIFIED


class IdentityNotLinked(DomainError):
    code = UserErrorCode.IDENTITY_NOT_LINKED


class IdentityTaken(DomainError):
    code = UserErrorCode.IDENTITY_TAKEN


class LastWayToSignIn(DomainError):
    code = UserErrorCode.LAST_WAY_TO_SIGN_IN


def open_id_sign_in_failed() -> OpenIdSignInFailed:
    """The one answer to every answer of a provider that does not hold, whatever is wrong with it."""
    return OpenIdSignInFailed("Signing in there did not work out; begin again.")


def is_answer_expected(
    now: datetime, *, expires_at: datetime, same_state: bool, issuer: str, iss: str | None, iss_required: bool
) -> bool:
    """Whether an authorization response belongs to the sign-in that it is presented for (RFC 9700, RFC 9207)."""
    same_issuer = iss == issuer if iss is not None else not iss_required
    return same_state and same_issuer and now < expires_at


def check_can_unlink(*, has_password: bool, identities: int) -> None:
    """Raises LastWayToSignIn where nothing else would let the person in."""
    if not has_password and identities <= 1:
        raise LastWayToSignIn("Nothing else would let you in; set a password first.")
