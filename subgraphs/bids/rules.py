"""What may be done with a bid, by whom and when. Pure: no I/O."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import (
    DomainError,
    InvalidInput,
    InvalidTransition,
    NotAllowed,
    RoleRequired,
    UserErrorCode,
    collected,
)
from shared.graphql.text import clean
from shared.identity.actor import Actor, Role
from shared.money import DIGITS, CurrencyCode, Entered, Money
from shared.transitions import By, Transition, possible, sides, step

LEAST_UNITS = 1
MOST_UNITS = 100_000
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


class Command(StrEnum):
    """What can happen to a bid."""

    UPDATE = "update"
    WITHDRAW = "withdraw"
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
    (Status.PENDING, Command.DECLINE): step(
        Status.DECLINED, By.POSTER, By.EVENT, why="not wanted, or another bid got the task"
    ),
    (Status.PENDING, Command.ACCEPT): step(Status.ACCEPTED, By.POSTER, why="the poster chose it"),
    (Status.PENDING, Command.EXPIRE): step(
        Status.EXPIRED, By.TIMER, By.EVENT, why="14 days passed, or the task takes no bids any more"
    ),
    (Status.ACCEPTED, Command.FAIL_ACCEPTANCE): step(
        Status.PENDING, By.EVENT, why="the task could not be assigned; it is open again for all bids"
    ),
    (Status.ACCEPTED, Command.AWARD): step(
        Status.AWARDED, By.EVENT, why="the task is assigned to the bidder", completes=True
    ),
}

LIVE = frozenset({Status.PENDING, Status.ACCEPTED, Status.AWARDED})
WINNING = frozenset({Status.ACCEPTED, Status.AWARDED})

TASK_OPEN = "OPEN"


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


class CurrencyMismatch(DomainError):
    code = UserErrorCode.CURRENCY_MISMATCH


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


def check_task_open(task_status: str, expires_at: datetime | None, now: datetime) -> None:
    """Raises TaskNotOpen unless the task takes bids."""
    if task_status != TASK_OPEN or (expires_at is not None and expires_at <= now):
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
    """What the bidder asks for: 1 to 100,000 whole units of the task's currency.

    Raises CurrencyMismatch, and InvalidAmount, BidTooLow or BidTooHigh: another currency is wrong by itself, and the
    amount is read as one of the task's.
    """
    with collected() as check:
        amount = check(_within_bounds, entered.amount, task_currency)
        check(_check_currency, entered.currency, task_currency)
    return amount


def _check_currency(currency: CurrencyCode, task_currency: CurrencyCode) -> None:
    if currency is not task_currency:
        raise CurrencyMismatch(
            f"The task is paid in {task_currency}.", field=("amount", "currency"), allowed=[task_currency]
        )


def _within_bounds(text: str, currency: CurrencyCode) -> Money:
    amount = Money.parse(text, currency, field=("amount", "amount"))
    least, most = (Money(units * 10 ** DIGITS[currency], currency) for units in (LEAST_UNITS, MOST_UNITS))
    bounds = {"min": least.format(), "max": most.format()}
    if amount < least:
        raise BidTooLow(f"Bid at least {LEAST_UNITS} {currency}.", field=("amount",), **bounds)
    if amount > most:
        raise BidTooHigh(f"Bid at most {MOST_UNITS:,} {currency}.", field=("amount",), **bounds)
    return amount


def check_estimate(minutes: int | None) -> None:
    """Raises InvalidInput unless the estimate lies between a minute and a year."""
    if minutes is not None and not 1 <= minutes <= MOST_MINUTES:
        raise InvalidInput(
            f"The estimate is 1 to {MOST_MINUTES:,} minutes.", field=("estimatedMinutes",), min=1, max=MOST_MINUTES
        )


def clean_message(message: str) -> str:
    """What the bidder says, 20 to 1,500 characters. Raises InvalidInput."""
    return clean(message, field=("message",), min_length=20, max_length=1_500, multiline=True)


def clean_reason(reason: str) -> str:
    """Why a bid is declined, 1 to 500 characters. Raises InvalidInput."""
    return clean(reason, field=("reason",), min_length=1, max_length=500, multiline=True)


def check_bidder_of(actor: Actor, tasker_id: str) -> None:
    """Raises NotAllowed unless the actor placed the bid."""
    if actor.id != tasker_id:
        raise NotAllowed("Only the bidder can do this.", field=("bidId",))


def check_poster_of(actor: Actor, poster_id: str) -> None:
    """Raises NotAllowed unless the bid is on the actor's task."""
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("bidId",))


def may_see(viewer_id: str | None, poster_id: str, tasker_id: str) -> bool:
    """Whether a person may know of a bid's amount and message: its poster and its bidder."""
    return viewer_id is not None and viewer_id in (poster_id, tasker_id)


def commands(
    viewer_id: str | None,
    *,
    poster_id: str,
    tasker_id: str,
    status: Status,
    expires_at: datetime,
    deal: Deal,
    now: datetime,
) -> list[Command]:
    """What a person can do with a bid now."""

    def check(command: Command, by: By) -> None:
        if command is Command.UPDATE:
            check_task_open(deal.status, deal.expires_at, now)
        elif command is Command.ACCEPT:
            check_free(deal, now)
            check_not_over(expires_at, now)

    return possible(TRANSITIONS, status, sides(viewer_id, {By.POSTER: poster_id, By.TASKER: tasker_id}), check)
