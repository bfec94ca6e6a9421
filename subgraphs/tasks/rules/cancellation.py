"""Whose fault it is that a task comes to nothing, and what that costs."""

from enum import StrEnum

from subgraphs.tasks.rules.tasks import Party, Status

POSTER_OWES_PERCENT = 15
"""Of the price, to the tasker, if the poster calls off what has begun."""


class Fault(StrEnum):
    """On whose account a task comes to nothing."""

    POSTER = "POSTER"
    TASKER = "TASKER"
    NOBODY = "NOBODY"


def fault(status: Status, by: Party) -> Fault:
    """Before anybody has the task it is nobody's. `status` is the one in which the task was called off."""
    return Fault.NOBODY if status in (Status.DRAFT, Status.OPEN) else Fault(by)


def poster_owes_percent(status: Status, fault: Fault) -> int:
    """The tasker's share of the price; the rest goes back to the poster."""
    return POSTER_OWES_PERCENT if fault is Fault.POSTER and status is Status.IN_PROGRESS else 0
