"""When an account can be erased."""

from collections.abc import Sequence

from shared.errors import DomainError, UserErrorCode
from shared.money import Money

REASON_LENGTH = (3, 500)
ENDED = frozenset({"COMPLETED", "CANCELLED", "EXPIRED"})
"""The statuses of `tasks` in which nobody waits for anybody any more."""


HELD_NO_MORE = frozenset({"RELEASED", "REFUNDED", "SPLIT", "FAILED"})
"""The statuses of an escrow of `payments` in which nothing is held any more, nor is to be."""


class AccountHasMoney(DomainError):
    code = UserErrorCode.ACCOUNT_HAS_MONEY


class AccountHasOpenEngagements(DomainError):
    code = UserErrorCode.ACCOUNT_HAS_OPEN_ENGAGEMENTS


def binds(task_status: str) -> bool:
    """Whether a task that somebody was given is still to be done or called off, by its status in `tasks`.

    A status that is not known here binds: better to refuse an erasure than to leave somebody with money in escrow.
    """
    return task_status not in ENDED


def is_live(escrow_status: str) -> bool:
    """Whether money is held, or is to be, by its status in `payments`; of one that is not known here it is."""
    return escrow_status not in HELD_NO_MORE


def check_without_money(is_held: bool, available: Sequence[Money], on_its_way: Sequence[Money]) -> None:
    """Raises AccountHasMoney, with all that there is, while money of the person is held or owed by either side."""
    found = ["Money for a task is still held."] if is_held else []
    found += [f"{_text(each)} is in the balance, to be paid out." for each in available if each.minor > 0]
    found += [f"{_text(-each)} is owed to the marketplace." for each in available if each.minor < 0]
    found += [f"{_text(each)} is on its way to the bank." for each in on_its_way if each.minor]
    if found:
        raise AccountHasMoney(" ".join(found))


def check_free(has_open_engagements: bool) -> None:
    """Raises AccountHasOpenEngagements while somebody counts on the person, or the other way round."""
    if has_open_engagements:
        raise AccountHasOpenEngagements("A task is still to be done or called off, by this person or for them.")


def _text(money: Money) -> str:
    return f"{money.format()} {money.currency}"
