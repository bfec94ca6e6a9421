"""Errors that a client sees: user errors inside a payload, request errors at the top level.

A `DomainError` is something that a person can put right; it becomes an entry of a mutation's
`userErrors`. A `RequestError` is everything else; it becomes a top-level GraphQL error whose
`extensions.code` is its `code`.

Who fills in a form is told of everything that is wrong with it at once: what an action checks of its input it checks
with `collected`, after it is known that the caller may do it at all.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import ClassVar, ParamSpec, TypeAlias, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

Bound: TypeAlias = str | int | datetime
"""The least or the most of a value. An amount is written as a person enters it: `Money.format`."""


class UserErrorCode(StrEnum):
    """Codes of `userErrors`, for the whole graph. A new code is one line here and one class in a `rules.py`."""

    # shared
    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    NOT_ALLOWED = "NOT_ALLOWED"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    # users
    EMAIL_TAKEN = "EMAIL_TAKEN"
    INVALID_EMAIL = "INVALID_EMAIL"
    WEAK_PASSWORD = "WEAK_PASSWORD"  # noqa: S105  # a code, not a password
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    SESSION_EXPIRED = "SESSION_EXPIRED"
    CONFIRMATION_REQUIRED = "CONFIRMATION_REQUIRED"
    EXPORT_IN_PROGRESS = "EXPORT_IN_PROGRESS"
    ACCOUNT_HAS_OPEN_ENGAGEMENTS = "ACCOUNT_HAS_OPEN_ENGAGEMENTS"
    ACCOUNT_HAS_MONEY = "ACCOUNT_HAS_MONEY"
    INVALID_TOKEN = "INVALID_TOKEN"  # noqa: S105  # a code, not a token
    EMAIL_ALREADY_VERIFIED = "EMAIL_ALREADY_VERIFIED"
    INVALID_SECOND_FACTOR = "INVALID_SECOND_FACTOR"
    SECOND_FACTOR_REQUIRED = "SECOND_FACTOR_REQUIRED"
    OPEN_ID_SIGN_IN_FAILED = "OPEN_ID_SIGN_IN_FAILED"
    EMAIL_NOT_VERIFIED = "EMAIL_NOT_VERIFIED"
    IDENTITY_NOT_LINKED = "IDENTITY_NOT_LINKED"
    IDENTITY_TAKEN = "IDENTITY_TAKEN"
    LAST_WAY_TO_SIGN_IN = "LAST_WAY_TO_SIGN_IN"
    # tasks
    UNKNOWN_CATEGORY = "UNKNOWN_CATEGORY"
    DUE_IN_PAST = "DUE_IN_PAST"
    PLACE_REQUIRED = "PLACE_REQUIRED"
    REQUEST_PENDING = "REQUEST_PENDING"
    CONTACT_DETAILS_NOT_ALLOWED = "CONTACT_DETAILS_NOT_ALLOWED"
    TOO_MANY_ATTACHMENTS = "TOO_MANY_ATTACHMENTS"
    UNSUPPORTED_FILE = "UNSUPPORTED_FILE"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_TOO_COMPLEX = "FILE_TOO_COMPLEX"
    # bids
    TASK_NOT_OPEN = "TASK_NOT_OPEN"
    OWN_TASK = "OWN_TASK"
    ROLE_REQUIRED = "ROLE_REQUIRED"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    BID_TOO_LOW = "BID_TOO_LOW"
    BID_TOO_HIGH = "BID_TOO_HIGH"
    BID_ALREADY_PLACED = "BID_ALREADY_PLACED"
    TASK_ALREADY_TAKEN = "TASK_ALREADY_TAKEN"
    TOO_MANY_OFFERS = "TOO_MANY_OFFERS"
    TOO_MANY_INVITATIONS = "TOO_MANY_INVITATIONS"
    INTERACTION_BLOCKED = "INTERACTION_BLOCKED"
    COUNTERPART_SUSPENDED = "COUNTERPART_SUSPENDED"
    # payments
    PAYMENT_METHOD_REQUIRED = "PAYMENT_METHOD_REQUIRED"
    PAYMENT_METHOD_IN_USE = "PAYMENT_METHOD_IN_USE"
    TOO_MANY_PAYMENT_METHODS = "TOO_MANY_PAYMENT_METHODS"
    SETUP_NOT_DONE = "SETUP_NOT_DONE"
    PAYOUT_ACCOUNT_NOT_READY = "PAYOUT_ACCOUNT_NOT_READY"
    BALANCE_TOO_LOW = "BALANCE_TOO_LOW"
    # locations
    ADDRESS_NOT_FOUND = "ADDRESS_NOT_FOUND"
    PLACE_IN_USE = "PLACE_IN_USE"
    TOO_MANY_PLACES = "TOO_MANY_PLACES"
    TOO_MANY_SAVED_SEARCHES = "TOO_MANY_SAVED_SEARCHES"


USER_ERROR_DESCRIPTIONS: dict[UserErrorCode, str] = {
    UserErrorCode.INVALID_INPUT: "A value has the wrong length, form or range; `field` names it.",
    UserErrorCode.NOT_FOUND: "What the input refers to does not exist, or may not be seen by the caller.",
    UserErrorCode.NOT_ALLOWED: "The caller may see the object but not do this with it.",
    UserErrorCode.INVALID_TRANSITION: "The object's status does not allow this step.",
    UserErrorCode.VERSION_CONFLICT: "The object changed since it was read; the payload holds it as it is now.",
    UserErrorCode.IDEMPOTENCY_KEY_REUSED: "The idempotency key was used before with another input.",
    UserErrorCode.IDEMPOTENCY_IN_PROGRESS: "The same request is still running; ask again in a moment.",
    UserErrorCode.INVALID_AMOUNT: "The amount is not a decimal number with at most the currency's digits.",
    UserErrorCode.EMAIL_TAKEN: "An account with this e-mail address exists.",
    UserErrorCode.INVALID_EMAIL: "Not a valid e-mail address.",
    UserErrorCode.WEAK_PASSWORD: "The password is too short or too easily guessed.",
    UserErrorCode.INVALID_CREDENTIALS: "E-mail address and password do not belong together.",
    UserErrorCode.ACCOUNT_SUSPENDED: "The account is suspended.",
    UserErrorCode.SESSION_EXPIRED: "The session has ended or its refresh token is not valid any more; log in again.",
    UserErrorCode.CONFIRMATION_REQUIRED: "The account has no password: sign in anew and try again.",
    UserErrorCode.ACCOUNT_HAS_OPEN_ENGAGEMENTS: "A task of the account is assigned and neither done nor called off.",
    UserErrorCode.ACCOUNT_HAS_MONEY: "Money is held for the account, in its balance or on its way, or owed.",
    UserErrorCode.EXPORT_IN_PROGRESS: "An export of one's data is being made already.",
    UserErrorCode.INVALID_TOKEN: "The token of a mail is unknown, used, expired or replaced by a newer one.",
    UserErrorCode.EMAIL_ALREADY_VERIFIED: "The account's e-mail address is verified already.",
    UserErrorCode.INVALID_SECOND_FACTOR: "The code is wrong or was used, or the login that it was for has expired.",
    UserErrorCode.SECOND_FACTOR_REQUIRED: "The account has a second factor: give a code of it besides.",
    UserErrorCode.OPEN_ID_SIGN_IN_FAILED: "The provider's answer does not hold, was used or came too late.",
    UserErrorCode.EMAIL_NOT_VERIFIED: "The provider has verified no e-mail address of this person.",
    UserErrorCode.IDENTITY_NOT_LINKED: "An account has this e-mail address; log in to it and link the identity.",
    UserErrorCode.IDENTITY_TAKEN: "The identity is linked to an account already.",
    UserErrorCode.LAST_WAY_TO_SIGN_IN: "Without it nothing would let the person in; they have no password.",
    UserErrorCode.UNKNOWN_CATEGORY: "There is no such category, or it cannot hold tasks.",
    UserErrorCode.DUE_IN_PAST: "The due time lies in the past.",
    UserErrorCode.REQUEST_PENDING: "A request of this kind waits for an answer, or for the money, already.",
    UserErrorCode.CONTACT_DETAILS_NOT_ALLOWED: "A text for everybody holds an e-mail address, a number or a link.",
    UserErrorCode.PLACE_REQUIRED: "A task that is done at a place is published with a place.",
    UserErrorCode.TOO_MANY_ATTACHMENTS: "The task has all the attachments that one can have, uploads included.",
    UserErrorCode.UNSUPPORTED_FILE: "The file is of no type that is taken, or does not hold what it was said to hold.",
    UserErrorCode.FILE_TOO_LARGE: "The file has too many bytes, or the image too many points.",
    UserErrorCode.FILE_TOO_COMPLEX: "To look at the file takes more time or memory than any honest one's.",
    UserErrorCode.TASK_NOT_OPEN: "The task does not take bids at present.",
    UserErrorCode.OWN_TASK: "A poster cannot bid on their own task.",
    UserErrorCode.ROLE_REQUIRED: "The caller lacks the role that this needs.",
    UserErrorCode.CURRENCY_MISMATCH: "The amount is not in the task's currency.",
    UserErrorCode.BID_TOO_LOW: "The amount is below the least bid.",
    UserErrorCode.BID_TOO_HIGH: "The amount is above the highest bid.",
    UserErrorCode.BID_ALREADY_PLACED: "The caller has a live bid on this task already.",
    UserErrorCode.TASK_ALREADY_TAKEN: "Another bid on this task was accepted first.",
    UserErrorCode.TOO_MANY_OFFERS: "The bid has all the offers that the two sides can make each other.",
    UserErrorCode.TOO_MANY_INVITATIONS: "As many taskers are invited to the task as can be.",
    UserErrorCode.COUNTERPART_SUSPENDED: "The account of the other person whom this concerns is suspended at present.",
    UserErrorCode.INTERACTION_BLOCKED: "One of the two people does not want to deal with the other.",
    UserErrorCode.PAYMENT_METHOD_REQUIRED: "The caller has no card that could be charged.",
    UserErrorCode.PAYMENT_METHOD_IN_USE: "Something is to be paid with this card at the moment.",
    UserErrorCode.TOO_MANY_PAYMENT_METHODS: "The caller has all the cards that one person can have.",
    UserErrorCode.SETUP_NOT_DONE: "The provider has no card of this setup: it was not completed, or failed.",
    UserErrorCode.PAYOUT_ACCOUNT_NOT_READY: "The provider cannot pay the caller out yet; `payoutAccount` says why.",
    UserErrorCode.BALANCE_TOO_LOW: "There is less to be paid out than that, or than the least payout.",
    UserErrorCode.ADDRESS_NOT_FOUND: "Nothing on the map fits the address.",
    UserErrorCode.PLACE_IN_USE: "A task that is not over is at this place.",
    UserErrorCode.TOO_MANY_PLACES: "The caller has all the places that one person can have.",
    UserErrorCode.TOO_MANY_SAVED_SEARCHES: "The account has as many saved searches as one person can have.",
}


class DomainError(Exception):
    """A refusal that a person can put right.

    `field` is the path of the offending input value, such as `("amount",)`. What the value may be is said as data too,
    for clients that write messages of their own: from `min` to `max`, or one of `allowed`; of a text its length, of a
    list how many it holds. `current` is the row as it is now, for errors whose payload answers with it
    (`VERSION_CONFLICT`).
    """

    code: ClassVar[UserErrorCode]

    def __init__(
        self,
        message: str,
        *,
        field: tuple[str, ...] = (),
        min: Bound | None = None,
        max: Bound | None = None,
        allowed: Sequence[str] | None = None,
        current: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.min = min
        self.max = max
        self.allowed = allowed
        self.current = current
        self.others: Sequence[DomainError] = ()

    @property
    def reasons(self) -> "Sequence[DomainError]":
        """All that is to be put right: this, and the others that were `collected` with it."""
        return (self, *self.others)


class Collected:
    """Checks one rule after another, and keeps why they refuse."""

    def __init__(self) -> None:
        self.reasons: list[DomainError] = []

    def __call__(self, rule: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `rule` answers. It is for after the block: if the rule refuses, it is nothing, and the block raises."""
        try:
            return rule(*args, **kwargs)
        except DomainError as refusal:
            self.reasons.extend(refusal.reasons)
            return cast("R", None)


@contextmanager
def collected() -> Iterator[Collected]:
    """Within the block rules are checked together; at its end the first refusal is raised, with the `others`.

        with collected() as check:
            message = check(rules.clean_message, message)
            check(rules.check_estimate, estimated_minutes)

    What needs the answer of another rule cannot be judged where that one refuses: the two are one rule, or the other
    stands behind the block. What says that the caller may not, or that there is no such thing, is raised before the
    block, alone: whoever may not see an object is told nothing else of it.
    """
    check = Collected()
    yield check
    if check.reasons:
        first, *others = check.reasons
        first.others = others
        raise first


class InvalidInput(DomainError):
    code = UserErrorCode.INVALID_INPUT


class NotFound(DomainError):
    code = UserErrorCode.NOT_FOUND


class NotAllowed(DomainError):
    code = UserErrorCode.NOT_ALLOWED


class InvalidTransition(DomainError):
    code = UserErrorCode.INVALID_TRANSITION


class VersionConflict(DomainError):
    code = UserErrorCode.VERSION_CONFLICT


class IdempotencyKeyReused(DomainError):
    code = UserErrorCode.IDEMPOTENCY_KEY_REUSED


class IdempotencyInProgress(DomainError):
    code = UserErrorCode.IDEMPOTENCY_IN_PROGRESS


class InvalidAmount(DomainError):
    code = UserErrorCode.INVALID_AMOUNT


class CurrencyMismatch(DomainError):
    code = UserErrorCode.CURRENCY_MISMATCH


class RoleRequired(DomainError):
    code = UserErrorCode.ROLE_REQUIRED


class InteractionBlocked(DomainError):
    """One of two people blocked the other: the same answer to both, whoever did."""

    code = UserErrorCode.INTERACTION_BLOCKED


class RequestError(Exception):
    """A top-level error. `extensions` stand beside `code` in the answer."""

    code: ClassVar[str] = "BAD_REQUEST"

    def __init__(self, message: str, **extensions: str | float) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, str | float] = {"code": self.code, **extensions}


class BadRequest(RequestError):
    code = "BAD_REQUEST"


class InvalidId(RequestError):
    code = "INVALID_ID"


class Unauthenticated(RequestError):
    code = "UNAUTHENTICATED"


class Forbidden(RequestError):
    code = "FORBIDDEN"


class RateLimited(RequestError):
    code = "RATE_LIMITED"

    def __init__(self, retry_after_seconds: float, message: str = "Too many requests; try again later.") -> None:
        super().__init__(message, retryAfterSeconds=round(retry_after_seconds, 1))
        self.whole_seconds = ceil(retry_after_seconds)
        """The same as HTTP's `Retry-After` has it (RFC 9110, 10.2.3)."""


class TooComplex(RequestError):
    """The operation exceeds a limit; `limit` names it."""

    code = "TOO_COMPLEX"

    def __init__(self, limit: str, maximum: int) -> None:
        super().__init__(f"The operation exceeds the limit of {maximum} for {limit}.", limit=limit, maximum=maximum)


class CursorExpired(RequestError):
    code = "CURSOR_EXPIRED"


class ServiceUnavailable(RequestError):
    code = "SERVICE_UNAVAILABLE"


class ServerShutdown(RequestError):
    code = "SERVER_SHUTDOWN"
