"""What poster and tasker ask of each other once a task is assigned."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from shared import amounts
from shared.errors import DomainError, InvalidInput, InvalidTransition, NotAllowed, NotFound, UserErrorCode
from shared.identity.actor import Actor
from shared.money import Entered, Money
from shared.transitions import By, Transition, possible, step
from subgraphs.tasks.rules import tasks
from subgraphs.tasks.rules.tasks import Party

ANSWER_PERIOD = timedelta(hours=48)
"""How long the other one has for an answer to a cancellation; then it counts as agreed to."""


class Kind(StrEnum):
    """What is asked for."""

    RESCHEDULE = "RESCHEDULE"
    PRICE_CHANGE = "PRICE_CHANGE"
    CANCELLATION = "CANCELLATION"


class Status(StrEnum):
    """Where a request stands."""

    OPEN = "OPEN"
    AWAITING_FUNDING = "AWAITING_FUNDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"


class Command(StrEnum):
    """What can happen to a request."""

    ACCEPT = "accept"
    ACCEPT_MORE = "accept a higher price"
    FUND = "fund"
    FAIL = "fail"
    DECLINE = "decline"
    LAPSE = "lapse"
    WITHDRAW = "withdraw"


TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.OPEN, Command.ACCEPT): step(Status.ACCEPTED, By.POSTER, By.TASKER, why="the one who was asked agrees"),
    (Status.OPEN, Command.ACCEPT_MORE): step(
        Status.AWAITING_FUNDING, By.POSTER, By.TASKER, why="the difference is to be held before the price counts"
    ),
    (Status.OPEN, Command.DECLINE): step(Status.DECLINED, By.POSTER, By.TASKER, why="the one who was asked does not"),
    (Status.OPEN, Command.LAPSE): step(Status.ACCEPTED, By.TIMER, why="a cancellation had no answer for 48 hours"),
    (Status.OPEN, Command.WITHDRAW): step(Status.WITHDRAWN, By.STEP, why="the task went on to where it has no place"),
    (Status.AWAITING_FUNDING, Command.FUND): step(
        Status.ACCEPTED, By.EVENT, why="the difference is held", completes=True
    ),
    (Status.AWAITING_FUNDING, Command.FAIL): step(
        Status.WITHDRAWN, By.EVENT, why="the difference did not come in time"
    ),
    (Status.AWAITING_FUNDING, Command.WITHDRAW): step(
        Status.WITHDRAWN, By.STEP, why="the task ended before the money came"
    ),
}

UNSETTLED = frozenset({Status.OPEN, Status.AWAITING_FUNDING})

ANSWERS = {True: (Command.ACCEPT, Command.ACCEPT_MORE), False: (Command.DECLINE,)}
"""What may come of an answer, by whether it agrees."""

COMMANDS = {
    Kind.RESCHEDULE: tasks.Command.RESCHEDULE,
    Kind.PRICE_CHANGE: tasks.Command.CHANGE_PRICE,
    Kind.CANCELLATION: tasks.Command.CANCEL_TOGETHER,
}
"""The step of a task that each kind of request is about."""


_OTHER = {Party.POSTER: By.TASKER, Party.TASKER: By.POSTER}


class RequestPending(DomainError):
    code = UserErrorCode.REQUEST_PENDING


def check_possible(kind: Kind, status: tasks.Status) -> None:
    """Raises InvalidTransition unless a task that stands so takes the step that is asked for."""
    if (status, COMMANDS[kind]) not in tasks.TRANSITIONS:
        raise InvalidTransition(f"Not possible while the status is {status}.")


def check_none_pending(kind: Kind, unsettled: Collection[Kind]) -> None:
    """Raises RequestPending where a task has a request of this kind that is not settled; `unsettled` are all such."""
    if kind in unsettled:
        raise RequestPending("Such a request is not settled yet.", field=("taskId",))


def is_obsolete(kind: Kind, status: Status, task_status: tasks.Status) -> bool:
    """Whether a request has no place any more. Money that is on its way is waited for until the task ends."""
    if status is Status.AWAITING_FUNDING:
        return task_status in (tasks.Status.COMPLETED, tasks.Status.CANCELLED)
    return status is Status.OPEN and (task_status, COMMANDS[kind]) not in tasks.TRANSITIONS


def check_asked(actor: Actor, requested_by: Party, poster_id: str, tasker_id: str | None) -> Party:
    """As which side the actor answers. Raises NotFound for who is no side, NotAllowed for who asked themselves."""
    sides = {poster_id: Party.POSTER, tasker_id: Party.TASKER}
    if actor.id not in sides:
        raise NotFound("There is no such request.", field=("agreementId",))
    if sides[actor.id] is requested_by:
        raise NotAllowed("The other one answers this.", field=("agreementId",))
    return sides[actor.id]


def read_price(entered: Entered, current: Money) -> Money:
    """Another price, in the same currency. Raises as `amounts.read_amount`, and InvalidInput for the same price."""
    price = amounts.read_amount(entered, current.currency, field="price")
    if price == current:
        raise InvalidInput("This is the price already.", field=("price", "amount"))
    return price


def agreeing(price_minor: int | None, current_minor: int | None) -> Command:
    """The step that agreeing is: to a higher price it is one of its own; only requests for a price have the two."""
    more = price_minor is not None and current_minor is not None and price_minor > current_minor
    return Command.ACCEPT_MORE if more else Command.ACCEPT


def commands(
    viewer_id: str,
    *,
    requested_by: Party,
    requested_by_id: str,
    status: Status,
    due_at: datetime | None,
    price_minor: int | None,
    price_before_minor: int | None,
    now: datetime,
) -> list[Command]:
    """What one of a task's two can do with a request now; the one who asked waits."""

    def check(command: Command, by: By) -> None:
        if command is Command.DECLINE:
            return
        if command is not agreeing(price_minor, price_before_minor):
            raise InvalidTransition("Agreeing is another step.")
        tasks.check_due(due_at, now)

    return [] if viewer_id == requested_by_id else possible(TRANSITIONS, status, {_OTHER[requested_by]}, check)
