"""Who may have a session, how long its tokens live, and what a used one means."""

from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto

from shared.errors import DomainError, UserErrorCode
from subgraphs.users.rules.accounts import Status

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
REFRESH_GRACE = timedelta(seconds=10)
"""How long a used refresh token still answers with its successor: a double click, a lost answer."""


FRESH_SESSION = timedelta(minutes=10)
"""How soon after signing in somebody without a password may do what asks for one."""


class EndReason(StrEnum):
    """Why a session ended before its time."""

    LOGGED_OUT = "LOGGED_OUT"
    LOGGED_OUT_EVERYWHERE = "LOGGED_OUT_EVERYWHERE"
    REFRESH_REUSED = "REFRESH_REUSED"
    SUSPENDED = "SUSPENDED"
    ERASED = "ERASED"
    ROLE_REVOKED = "ROLE_REVOKED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105  # a reason, not a password
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105
    SECOND_FACTOR_CHANGED = "SECOND_FACTOR_CHANGED"


class InvalidCredentials(DomainError):
    code = UserErrorCode.INVALID_CREDENTIALS


class AccountSuspended(DomainError):
    code = UserErrorCode.ACCOUNT_SUSPENDED


class ConfirmationRequired(DomainError):
    code = UserErrorCode.CONFIRMATION_REQUIRED


class SessionExpired(DomainError):
    code = UserErrorCode.SESSION_EXPIRED


def check_may_have_session(status: Status) -> None:
    """Raises AccountSuspended, or InvalidCredentials for an account that is gone."""
    if status is Status.SUSPENDED:
        raise AccountSuspended("This account is suspended.")
    if status is Status.ERASED:
        raise invalid_credentials()


def invalid_credentials() -> InvalidCredentials:
    """The one answer to every failed login, whatever is wrong with it."""
    return InvalidCredentials("E-mail address and password do not belong together.")


def session_expired() -> SessionExpired:
    """The one answer to every refresh token that does not hold, whatever is wrong with it."""
    return SessionExpired("The session has ended; log in again.")


class Refresh(Enum):
    """What a refresh token is good for."""

    ROTATE = auto()
    REPEAT = auto()
    REUSED = auto()
    EXPIRED = auto()


def judge_refresh(
    now: datetime, *, token_expires_at: datetime, replaced_at: datetime | None, ended_at: datetime | None
) -> Refresh:
    """What to do with a refresh token that is presented.

    A token is used once. Presented again soon, it is the same client whose answer was lost or who clicked
    twice, and gets the same successor. Later on, two parties hold it, and nobody knows which one is the
    thief (RFC 9700, section 4.14.2).
    """
    if ended_at is not None or token_expires_at <= now:
        return Refresh.EXPIRED
    if replaced_at is None:
        return Refresh.ROTATE
    return Refresh.REPEAT if now < replaced_at + REFRESH_GRACE else Refresh.REUSED
