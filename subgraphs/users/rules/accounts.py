"""What may be done with an account, by whom and when; roles and what they let one see."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from shared.errors import DomainError, InvalidInput, NotAllowed, UserErrorCode
from shared.events import DELETED_NAME
from shared.graphql.text import clean
from shared.identity.actor import ADMIN, MARKETPLACE, SUPPORT, Role
from shared.transitions import By, Transition, step


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
    REINSTATE_UNVERIFIED = "reinstate without a verified address"
    ERASE = "erase"


TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.PENDING_VERIFICATION, Command.VERIFY_EMAIL): step(
        Status.ACTIVE, By.USER, why="the e-mail address is theirs"
    ),
    (Status.PENDING_VERIFICATION, Command.SUSPEND): step(
        Status.SUSPENDED, By.ADMIN, why="broke the rules of the marketplace"
    ),
    (Status.PENDING_VERIFICATION, Command.ERASE): step(Status.ERASED, By.USER, By.ADMIN, why="right to erasure"),
    (Status.ACTIVE, Command.SUSPEND): step(Status.SUSPENDED, By.ADMIN, why="broke the rules of the marketplace"),
    (Status.ACTIVE, Command.ERASE): step(Status.ERASED, By.USER, By.ADMIN, why="right to erasure"),
    (Status.SUSPENDED, Command.REINSTATE): step(Status.ACTIVE, By.ADMIN, why="the reason has gone"),
    (Status.SUSPENDED, Command.REINSTATE_UNVERIFIED): step(
        Status.PENDING_VERIFICATION, By.ADMIN, why="the reason has gone; the address is still to be verified"
    ),
    (Status.SUSPENDED, Command.ERASE): step(Status.ERASED, By.USER, By.ADMIN, why="right to erasure"),
}


ROLES_AT_SIGN_UP = frozenset({Role.POSTER, Role.TASKER})


SUSPENSION_REASON_LENGTH = (3, 500)


class EmailTaken(DomainError):
    code = UserErrorCode.EMAIL_TAKEN


class InvalidEmail(DomainError):
    code = UserErrorCode.INVALID_EMAIL


def check_roles_at_sign_up(roles: Collection[Role]) -> list[Role]:
    """The roles, each once, in the order of `Role`. Raises InvalidInput for none and for SUPPORT and ADMIN."""
    if not roles or not ROLES_AT_SIGN_UP.issuperset(roles):
        allowed = sort_roles(ROLES_AT_SIGN_UP)
        raise InvalidInput("Choose POSTER, TASKER or both.", field=("roles",), min=1, allowed=allowed)
    return sort_roles(roles)


def sort_roles(roles: Collection[Role]) -> list[Role]:
    """Each role once, in the order of `Role`."""
    return [role for role in Role if role in roles]


def reinstating(before: Status | None) -> Command:
    """How an account is reinstated that had the status `before` when it was suspended."""
    return Command.REINSTATE_UNVERIFIED if before is Status.PENDING_VERIFICATION else Command.REINSTATE


def is_admin(status: Status, roles: Collection[Role]) -> bool:
    """Whether an account may administer others at this moment, whatever its token says."""
    return status not in (Status.SUSPENDED, Status.ERASED) and Role.ADMIN in roles


def check_other(actor_id: str, user_id: str) -> None:
    """Nobody decides on their own standing, so one admin always remains. Raises NotAllowed."""
    if actor_id == user_id:
        raise NotAllowed("Another admin has to do this.", field=("userId",))


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


def clean_reason(reason: str, length: tuple[int, int]) -> str:
    """What an admin says why something is done to an account, of this many characters. Raises InvalidInput."""
    least, most = length
    return clean(reason, field=("reason",), min_length=least, max_length=most, multiline=True)
