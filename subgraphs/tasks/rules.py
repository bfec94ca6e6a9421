"""What may be done with a task, by whom and when. Pure: no I/O."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared.actor import Actor, Role
from shared.errors import DomainError, InvalidInput, NotAllowed, NotFound, RoleRequired, UserErrorCode
from shared.money import DIGITS, CurrencyCode, Money
from shared.transitions import By, Transition, step

LEAST_UNITS = 1
MOST_UNITS = 100_000
TITLE_LENGTH = (10, 100)
DESCRIPTION_LENGTH = (25, 5_000)
REASON_LENGTH = (1, 500)
LIFETIME = timedelta(days=30)


class Status(StrEnum):
    """Where a task stands."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    IN_PROGRESS = "IN_PROGRESS"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    DISPUTED = "DISPUTED"


class Mode(StrEnum):
    """Where the work is done."""

    ONSITE = "ONSITE"
    REMOTE = "REMOTE"


class Command(StrEnum):
    """What can happen to a task."""

    UPDATE = "update"
    PUBLISH = "publish"
    EXPIRE = "expire"
    ASSIGN = "assign"
    CANCEL = "cancel"


TRANSITIONS: dict[tuple[Status, Command], Transition[Status]] = {
    (Status.DRAFT, Command.UPDATE): step(Status.DRAFT, By.POSTER, why="nobody else has seen it yet"),
    (Status.DRAFT, Command.PUBLISH): step(Status.OPEN, By.POSTER, why="ready for bids"),
    (Status.DRAFT, Command.CANCEL): step(
        Status.CANCELLED, By.POSTER, By.EVENT, why="not wanted after all, or the poster left"
    ),
    (Status.OPEN, Command.UPDATE): step(Status.OPEN, By.POSTER, why="clearer terms while nobody has the task"),
    (Status.OPEN, Command.ASSIGN): step(Status.ASSIGNED, By.EVENT, why="the poster accepted a bid"),
    (Status.OPEN, Command.EXPIRE): step(Status.EXPIRED, By.TIMER, why="the due time or 30 days passed"),
    (Status.OPEN, Command.CANCEL): step(
        Status.CANCELLED, By.POSTER, By.EVENT, why="not wanted any more, or the poster left"
    ),
    (Status.ASSIGNED, Command.CANCEL): step(
        Status.CANCELLED, By.POSTER, By.EVENT, why="called off before the work began, or one of the two left"
    ),
}


class UnknownCategory(DomainError):
    code = UserErrorCode.UNKNOWN_CATEGORY


class DueInPast(DomainError):
    code = UserErrorCode.DUE_IN_PAST


class CurrencyMismatch(DomainError):
    code = UserErrorCode.CURRENCY_MISMATCH


def check_poster(actor: Actor) -> None:
    """Raises RoleRequired unless the actor is a poster."""
    if Role.POSTER not in actor.roles:
        raise RoleRequired("Only posters do this; add the role POSTER to your account.")


def check_poster_of(actor: Actor, poster_id: str, published_at: datetime | None) -> None:
    """Raises NotFound for a task that the actor may not see, NotAllowed for one that is not theirs."""
    if not may_see(actor.id, poster_id, published_at):
        raise NotFound("There is no such task.", field=("taskId",))
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("taskId",))


def may_see(viewer_id: str | None, poster_id: str, published_at: datetime | None) -> bool:
    """Whether a person may know of a task: everybody once it was published, before that its poster."""
    return published_at is not None or viewer_id == poster_id


def check_budget(budget: Money) -> None:
    """Raises InvalidInput unless the budget is 1 to 100,000 whole units of its currency."""
    unit: int = 10 ** DIGITS[budget.currency]
    if not LEAST_UNITS * unit <= budget.minor <= MOST_UNITS * unit:
        raise InvalidInput(
            f"The budget is {LEAST_UNITS} to {MOST_UNITS:,} {budget.currency}.", field=("budget", "amount")
        )


def check_currency(currency: CurrencyCode, published_currency: CurrencyCode) -> None:
    """Raises CurrencyMismatch: bids are placed in the currency that a task was published with."""
    if currency is not published_currency:
        raise CurrencyMismatch(
            f"The task was published with a budget in {published_currency}.", field=("budget", "currency")
        )


def check_due(due_at: datetime | None, now: datetime) -> None:
    """Raises DueInPast for a time that has come already."""
    if due_at is not None and due_at <= now:
        raise DueInPast("The due time lies in the past.", field=("dueAt",))


def expires_at(published_at: datetime, due_at: datetime | None) -> datetime:
    """When an open task stops taking bids: 30 days after publication, or when it is due if that is earlier."""
    latest = published_at + LIFETIME
    return latest if due_at is None else min(latest, due_at)
