"""What may be done with an account or a session, by whom and when. Pure: no I/O."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto

from shared.actor import ADMIN, MARKETPLACE, SUPPORT, Role
from shared.errors import DomainError, InvalidInput, UserErrorCode
from shared.transitions import By, Transition, step

DISPLAY_NAME_LENGTH = (1, 60)
BIO_LENGTH = (0, 1_000)
PASSWORD_LENGTH = (10, 128)
LEAST_PASSWORD_SCORE = 3
"""zxcvbn's "safely unguessable: moderate protection from offline slow-hash scenario"."""

ACCESS_TOKEN_LIFETIME = timedelta(minutes=15)
REFRESH_TOKEN_LIFETIME = timedelta(days=30)
REFRESH_GRACE = timedelta(seconds=10)
"""How long a used refresh token still answers with its successor: a double click, a lost answer."""

DELETED_NAME = "Deleted user"


class Status(StrEnum):
    """Where an account stands."""

    PENDING_VERIFICATION = "PENDING_VERIFICATION"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ERASED = "ERASED"


class Command(StrEnum):
    """What can happen to an account."""

    VERIFY_EMAIL = "verify e-mail"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    ERASE = "erase"


TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.PENDING_VERIFICATION, Command.VERIFY_EMAIL): step(
        Status.ACTIVE, By.USER, why="the e-mail address is theirs"
    ),
    (Status.PENDING_VERIFICATION, Command.ERASE): step(Status.ERASED, By.USER, By.ADMIN, why="right to erasure"),
    (Status.ACTIVE, Command.SUSPEND): step(Status.SUSPENDED, By.ADMIN, why="broke the rules of the marketplace"),
    (Status.ACTIVE, Command.ERASE): step(Status.ERASED, By.USER, By.ADMIN, why="right to erasure"),
    (Status.SUSPENDED, Command.REINSTATE): step(Status.ACTIVE, By.ADMIN, why="the reason has gone"),
    (Status.SUSPENDED, Command.ERASE): step(Status.ERASED, By.USER, By.ADMIN, why="right to erasure"),
}

ROLES_AT_SIGN_UP = frozenset({Role.POSTER, Role.TASKER})


class EndReason(StrEnum):
    """Why a session ended before its time."""

    LOGGED_OUT = "LOGGED_OUT"
    LOGGED_OUT_EVERYWHERE = "LOGGED_OUT_EVERYWHERE"
    REFRESH_REUSED = "REFRESH_REUSED"


class EmailTaken(DomainError):
    code = UserErrorCode.EMAIL_TAKEN


class InvalidEmail(DomainError):
    code = UserErrorCode.INVALID_EMAIL


class WeakPassword(DomainError):
    code = UserErrorCode.WEAK_PASSWORD


class InvalidCredentials(DomainError):
    code = UserErrorCode.INVALID_CREDENTIALS


class AccountSuspended(DomainError):
    code = UserErrorCode.ACCOUNT_SUSPENDED


class SessionExpired(DomainError):
    code = UserErrorCode.SESSION_EXPIRED


def check_roles_at_sign_up(roles: Collection[Role]) -> list[Role]:
    """The roles, each once, in the order of `Role`. Raises InvalidInput for none and for SUPPORT and ADMIN."""
    if not roles or not ROLES_AT_SIGN_UP.issuperset(roles):
        raise InvalidInput("Choose POSTER, TASKER or both.", field=("roles",))
    return sort_roles(roles)


def sort_roles(roles: Collection[Role]) -> list[Role]:
    """Each role once, in the order of `Role`."""
    return [role for role in Role if role in roles]


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


def scopes_of(roles: Collection[Role]) -> str:
    """The `scope` claim of an access token (RFC 8693, section 4.2)."""
    scopes = [MARKETPLACE]
    if Role.SUPPORT in roles:
        scopes.append(SUPPORT)
    if Role.ADMIN in roles:
        scopes.append(ADMIN)
    return " ".join(scopes)


def may_see_private(viewer_id: str | None, viewer_scopes: Collection[str], user_id: str) -> bool:
    """Whether a person may see an account's e-mail address and roles: oneself and admins."""
    return viewer_id is not None and (viewer_id == user_id or ADMIN in viewer_scopes)


def public_name(status: Status, display_name: str) -> str:
    """What everybody calls the user."""
    return DELETED_NAME if status is Status.ERASED else display_name


def parse_roles(values: Sequence[str]) -> list[Role]:
    """Roles as the database keeps them."""
    return [Role(value) for value in values]
