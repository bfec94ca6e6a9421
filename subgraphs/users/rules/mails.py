"""Which mails users sends, and for how long each is worth sending."""

from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto

from subgraphs.users.rules.mailed_codes import LIFETIMES, Purpose


class Template(StrEnum):
    """What a mail is about."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105  # none of these is a password
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105
    SECOND_FACTOR_ENABLED = "SECOND_FACTOR_ENABLED"
    SECOND_FACTOR_DISABLED = "SECOND_FACTOR_DISABLED"
    SECOND_FACTOR_REMOVED = "SECOND_FACTOR_REMOVED"
    RECOVERY_CODES_REGENERATED = "RECOVERY_CODES_REGENERATED"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    IDENTITY_LINKED = "IDENTITY_LINKED"
    IDENTITY_UNLINKED = "IDENTITY_UNLINKED"
    SET_UP_ENDED = "SET_UP_ENDED"
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"
    ACCOUNT_REINSTATED = "ACCOUNT_REINSTATED"
    ACCOUNT_ERASED = "ACCOUNT_ERASED"


WITH_CODE = frozenset({Template.VERIFY_EMAIL, Template.RESET_PASSWORD})
"""Mails whose code ends that of an earlier one, which is worth nothing from then on. All others tell of something
that happened: each is sent."""

_LONGEST = timedelta(days=1)
_WORTH_SENDING = {
    Template.VERIFY_EMAIL: min(_LONGEST, LIFETIMES[Purpose.VERIFY_EMAIL]),
    Template.RESET_PASSWORD: min(_LONGEST, LIFETIMES[Purpose.RESET_PASSWORD]),
}


def is_late(template: Template, created_at: datetime, now: datetime) -> bool:
    """Whether a mail is of no use any more: a day old, or with a code that has expired."""
    return now >= created_at + _WORTH_SENDING.get(template, _LONGEST)


class Failure(Enum):
    """What follows from a mail that was not taken."""

    RETRY = auto()
    REFUSED = auto()
    LATE = auto()


def judge_failure(template: Template, created_at: datetime, *, passing: bool, next_try: datetime) -> Failure:
    """Whether to try again at `next_try`, or why not."""
    if not passing:
        return Failure.REFUSED
    return Failure.LATE if is_late(template, created_at, next_try) else Failure.RETRY
