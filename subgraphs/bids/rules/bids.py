"""What may be done with a bid, by whom and when."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared import amounts
from shared.errors import (
    DomainError,
    InvalidInput,
    InvalidTransition,
    NotAllowed,
    RoleRequired,
    UserErrorCode,
)
from shared.graphql.text import clean
from shared.identity.actor import Actor, Role
from shared.money import CurrencyCode, Entered, Money
from shared.transitions import By, Transition, step

MOST_MINUTES = 60 * 24 * 365
LIFETIME = timedelta(days=14)


class Status(StrEnum):
    """Where a bid stands."""

    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    AWARDED = "AWARDED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class Side(StrEnum):
    """One of the two whom a bid concerns."""

    POSTER = "POSTER"
    TASKER = "TASKER"


class DeclineReason(StrEnum):
    """Why a bid is turned down."""

    TOO_EXPENSIVE = "TOO_EXPENSIVE"
    TIMING = "TIMING"
    NOT_QUALIFIED = "NOT_QUALIFIED"
    FOUND_SOMEBODY_ELSE = "FOUND_SOMEBODY_ELSE"
    PLANS_CHANGED = "PLANS_CHANGED"
    OTHER = "OTHER"


class Command(StrEnum):
    """What can happen to a bid."""

    UPDATE = "update"
    WITHDRAW = "withdraw"
    COUNTER_OFFER = "counter-offer"
    ACCEPT_OFFER = "accept offer"
    DECLINE_OFFER = "decline offer"
    SHORTLIST = "shortlist"
    UNSHORTLIST = "unshortlist"
    DECLINE = "decline"
    ACCEPT = "accept"
    FAIL_ACCEPTANCE = "fail acceptance"
    AWARD = "award"
    EXPIRE = "expire"


TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.PENDING, Command.UPDATE): step(Status.PENDING, By.TASKER, why="better terms while nobody decided"),
    (Status.PENDING, Command.WITHDRAW): step(
        Status.WITHDRAWN, By.TASKER, By.EVENT, why="the tasker changed their mind, or left"
    ),
    (Status.PENDING, Command.COUNTER_OFFER): step(
        Status.PENDING, By.POSTER, By.TASKER, why="another amount for the other side to answer"
    ),
    (Status.PENDING, Command.ACCEPT_OFFER): step(
        Status.PENDING, By.POSTER, By.TASKER, why="the offer of the other side is the bid's amount from now on"
    ),
    (Status.PENDING, Command.DECLINE_OFFER): step(
        Status.PENDING, By.POSTER, By.TASKER, why="the bid's amount stays as it is"
    ),
    (Status.PENDING, Command.SHORTLIST): step(Status.PENDING, By.POSTER, why="one of those to choose from"),
    (Status.PENDING, Command.UNSHORTLIST): step(Status.PENDING, By.POSTER, why="not among those any more"),
    (Status.PENDING, Command.DECLINE): step(
        Status.DECLINED, By.POSTER, By.EVENT, why="not wanted, or another bid got the task"
    ),
    (Status.PENDING, Command.ACCEPT): step(Status.ACCEPTED, By.POSTER, why="the poster chose it"),
    (Status.PENDING, Command.EXPIRE): step(
        Status.EXPIRED, By.TIMER, By.EVENT, why="14 days passed, or the task takes no bids any more"
    ),
    (Status.ACCEPTED, Command.FAIL_ACCEPTANCE): step(
        Status.PENDING, By.EVENT, why="the price did not come, or the task could not be assigned; all bids count again"
    ),
    (Status.ACCEPTED, Command.AWARD): step(
        Status.AWARDED, By.EVENT, why="the task is assigned to the bidder", completes=True
    ),
}

LIVE = frozenset({Status.PENDING, Status.ACCEPTED, Status.AWARDED})
WINNING = frozenset({Status.ACCEPTED, Status.AWARDED})

TASK_OPEN = "OPEN"
_SIDES = {Side.POSTER: By.POSTER, Side.TASKER: By.TASKER}


@dataclass(frozen=True, slots=True)
class Deal:
    """What decides about the bids of a task beside themselves."""

    id: str
    """The task's."""
    status: str
    expires_at: datetime | None
    is_taken: bool
    """Whether one of its bids is accepted or awarded."""


class TaskNotOpen(DomainError):
    code = UserErrorCode.TASK_NOT_OPEN


class OwnTask(DomainError):
    code = UserErrorCode.OWN_TASK


class BidTooLow(DomainError):
    code = UserErrorCode.BID_TOO_LOW


class BidTooHigh(DomainError):
    code = UserErrorCode.BID_TOO_HIGH


class BidAlreadyPlaced(DomainError):
    code = UserErrorCode.BID_ALREADY_PLACED


class TaskAlreadyTaken(DomainError):
    code = UserErrorCode.TASK_ALREADY_TAKEN


class AccountSuspended(DomainError):
    code = UserErrorCode.ACCOUNT_SUSPENDED


class CounterpartSuspended(DomainError):
    code = UserErrorCode.COUNTERPART_SUSPENDED


def check_not_suspended(suspended: Collection[str], actor_id: str, *, field: str) -> None:
    """Raises AccountSuspended or CounterpartSuspended if one of two people is; `suspended` are those who are."""
    if actor_id in suspended:
        raise AccountSuspended("Your account is suspended.", field=(field,))
    if suspended:
        raise CounterpartSuspended("The other person's account is suspended at present.", field=(field,))


def check_bidder(actor: Actor, poster_id: str) -> None:
    """Raises RoleRequired unless the actor is a tasker, OwnTask if the task is theirs."""
    if Role.TASKER not in actor.roles:
        raise RoleRequired("Only taskers bid; add the role TASKER to your account.")
    if actor.id == poster_id:
        raise OwnTask("You cannot bid on your own task.", field=("taskId",))


def takes_bids(task_status: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether the task takes bids."""
    return task_status == TASK_OPEN and (expires_at is None or expires_at > now)


def check_task_open(task_status: str, expires_at: datetime | None, now: datetime) -> None:
    """Raises TaskNotOpen unless the task takes bids."""
    if not takes_bids(task_status, expires_at, now):
        raise TaskNotOpen("The task does not take bids any more.", field=("taskId",))


def check_free(deal: Deal, now: datetime) -> None:
    """Raises TaskAlreadyTaken, TaskNotOpen unless a bid can still get the task."""
    if deal.is_taken:
        raise TaskAlreadyTaken("A bid on this task is accepted already.", field=("bidId",))
    check_task_open(deal.status, deal.expires_at, now)


def check_not_over(expires_at: datetime, now: datetime) -> None:
    """Raises InvalidTransition for a bid whose time is up, also before its deadline is handled."""
    if expires_at <= now:
        raise InvalidTransition("The bid has expired.")


def read_amount(entered: Entered, task_currency: CurrencyCode) -> Money:
    """What somebody asks for or offers. Raises as `amounts.read_amount`: BidTooLow, BidTooHigh beyond the limits."""
    return amounts.read_amount(entered, task_currency, too_low=BidTooLow, too_high=BidTooHigh)


def check_estimate(minutes: int | None) -> None:
    """Raises InvalidInput unless the estimate lies between a minute and a year."""
    if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
        raise InvalidInput(
            f"The estimate is 1 to {MOST_MINUTES:,} minutes.", field=("estimatedMinutes",), min=1, max=MOST_MINUTES
        )


def clean_message(message: str) -> str:
    """What the bidder says, 20 to 1,500 characters. Raises InvalidInput."""
    return clean(message, field=("message",), min_length=20, max_length=1_500, multiline=True)


def clean_note(text: str | None) -> str | None:
    """A word to the other side with a step, 1 to 500 characters. Raises InvalidInput."""
    if text is None:
        return None
    return clean(text, field=("message",), min_length=1, max_length=500, multiline=True)


def check_bidder_of(actor: Actor, tasker_id: str) -> None:
    """Raises NotAllowed unless the actor placed the bid."""
    if actor.id != tasker_id:
        raise NotAllowed("Only the bidder can do this.", field=("bidId",))


def check_poster_of(actor: Actor, poster_id: str) -> None:
    """Raises NotAllowed unless the bid is on the actor's task."""
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("bidId",))


def side_of(actor_id: str, poster_id: str) -> Side:
    """Which of the two sides somebody is who may see the bid."""
    return Side.POSTER if actor_id == poster_id else Side.TASKER


def by(side: Side) -> By:
    """The side as the table of transitions calls it."""
    return _SIDES[side]


def may_see(viewer_id: str | None, poster_id: str, tasker_id: str) -> bool:
    """Whether a person may know of a bid's amount and message: its poster and its bidder."""
    return viewer_id is not None and viewer_id in (poster_id, tasker_id)
