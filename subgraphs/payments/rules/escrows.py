"""What may become of the money that is held for a task. Pure: no I/O."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import InvalidInput, InvalidTransition, NotAllowed
from shared.graphql.text import clean
from shared.identity.actor import Actor
from shared.money import Money
from shared.transitions import By, Transition, step

FUNDING_PERIOD = timedelta(minutes=15)
"""How long the poster has to pay, after a bid was accepted or a higher price agreed on."""


class Status(StrEnum):
    """Where the money of a task stands."""

    PENDING = "PENDING"
    FUNDED = "FUNDED"
    FROZEN = "FROZEN"
    RELEASED = "RELEASED"
    REFUNDED = "REFUNDED"
    SPLIT = "SPLIT"
    FAILED = "FAILED"


class Command(StrEnum):
    """What can happen to the money of a task."""

    FUND = "fund"
    FAIL = "fail"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    RELEASE = "release"
    REFUND = "refund"
    SPLIT = "split"


class Doing(StrEnum):
    """What people can do with the money of a task."""

    RETRY_FUNDING = "retry funding"
    TIP = "tip"


class Hold(StrEnum):
    """What freezes the money of a task."""

    DISPUTE = "DISPUTE"
    CHARGEBACK = "CHARGEBACK"


class FailureReason(StrEnum):
    """Why the money did not come."""

    NOT_PAID_IN_TIME = "NOT_PAID_IN_TIME"
    TASK_CLOSED = "TASK_CLOSED"
    """The task was called off, or is another's."""
    ACCOUNT_SUSPENDED = "ACCOUNT_SUSPENDED"


_ENDS: dict[Command, tuple[Status, str]] = {
    Command.RELEASE: (Status.RELEASED, "all of it is the tasker's, minus the fee"),
    Command.REFUND: (Status.REFUNDED, "all of it goes back to the poster"),
    Command.SPLIT: (Status.SPLIT, "both get a part"),
}

TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.PENDING, Command.FUND): step(Status.FUNDED, By.PROVIDER, why="the poster paid"),
    (Status.PENDING, Command.FAIL): step(
        Status.FAILED, By.TIMER, By.EVENT, why="the money did not come in time, or the task ended meanwhile"
    ),
    (Status.FUNDED, Command.FREEZE): step(
        Status.FROZEN, By.EVENT, By.PROVIDER, why="a dispute or a chargeback is open"
    ),
    (Status.FROZEN, Command.UNFREEZE): step(Status.FUNDED, By.EVENT, By.PROVIDER, why="what had frozen it is over"),
    **{
        (status, command): step(to, By.EVENT, By.ADMIN, By.PROVIDER, why=why)
        for status in (Status.FUNDED, Status.FROZEN)
        for command, (to, why) in _ENDS.items()
    },
}

LIVE = frozenset({Status.PENDING, Status.FUNDED, Status.FROZEN})
PAID = frozenset({Status.RELEASED, Status.SPLIT})
HELD = frozenset({Status.FUNDED, Status.FROZEN})


def ending(held: Money, refund: Money) -> Command:
    """The step that ends an escrow of which `refund` goes back."""
    if refund == held:
        return Command.REFUND
    return Command.SPLIT if refund.minor else Command.RELEASE


def may_see(viewer_id: str | None, poster_id: str, tasker_id: str) -> bool:
    """Whether a person may know of the money of a task: its poster and its tasker."""
    return viewer_id is not None and viewer_id in (poster_id, tasker_id)


def check_poster_of(actor: Actor, poster_id: str) -> None:
    """Raises NotAllowed unless the money is for the actor's task."""
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("escrowId",))


def check_tippable(actor: Actor, poster_id: str, status: Status) -> None:
    """Raises NotAllowed unless the money is for the actor's task, InvalidTransition unless its work was paid."""
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("taskId",))
    if status not in PAID:
        raise InvalidTransition("Tips are for work that was paid.", field=("taskId",))


def doings(
    viewer_id: str, poster_id: str, status: Status, payable_until: datetime | None, now: datetime
) -> list[Doing]:
    """What a person can do with the money of a task; `payable_until` is the end of what is to be paid, if there is."""
    if viewer_id != poster_id:
        return []
    if payable_until is not None:
        return [Doing.RETRY_FUNDING] if payable_until > now else []
    return [Doing.TIP] if status in PAID else []


def check_refundable(status: Status, *, is_amount_given: bool) -> None:
    """Raises InvalidTransition where nothing is left of what was paid; InvalidInput for a part of what is held."""
    if status not in HELD | PAID:
        raise InvalidTransition(f"Not possible while the status is {status}.", field=("escrowId",))
    if (status in HELD) is is_amount_given:
        raise InvalidInput(
            "What is held goes back whole." if is_amount_given else "Say how much goes back.", field=("amount",)
        )


def check_paid(amount: Money, paid: Money) -> None:
    """Raises InvalidInput for more than was paid and did not go back."""
    if amount > paid:
        raise InvalidInput("More than was paid cannot go back.", field=("amount", "amount"), max=paid.format())


def clean_reason(reason: str) -> str:
    """Why an admin moves money, 3 to 500 characters. Raises InvalidInput."""
    return clean(reason, field=("reason",), min_length=3, max_length=500, multiline=True)
