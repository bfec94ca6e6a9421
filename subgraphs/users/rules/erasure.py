"""When an account can be erased."""

from shared.errors import DomainError, UserErrorCode

REASON_LENGTH = (3, 500)
ENDED = frozenset({"COMPLETED", "CANCELLED", "EXPIRED"})
"""The statuses of `tasks` in which nobody waits for anybody any more."""


class AccountHasOpenEngagements(DomainError):
    code = UserErrorCode.ACCOUNT_HAS_OPEN_ENGAGEMENTS


def binds(task_status: str) -> bool:
    """Whether a task that somebody was given is still to be done or called off, by its status in `tasks`.

    A status that is not known here binds: better to refuse an erasure than to leave somebody with money in escrow.
    """
    return task_status not in ENDED


def check_free(has_open_engagements: bool) -> None:
    """Raises AccountHasOpenEngagements while somebody counts on the person, or the other way round."""
    if has_open_engagements:
        raise AccountHasOpenEngagements("A task is still to be done or called off, by this person or for them.")
