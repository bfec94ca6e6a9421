"""What may be done with a task, by whom and when."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import DomainError, InvalidInput, NotAllowed, NotFound, RoleRequired, UserErrorCode, collected
from shared.graphql.text import clean
from shared.identity.actor import Actor, Role
from shared.transitions import By, Transition, step

TITLE_LENGTH = (10, 100)
DESCRIPTION_LENGTH = (25, 5_000)
REASON_LENGTH = (1, 500)
MOST_REQUIREMENTS = 20
REQUIREMENT_LENGTH = (3, 200)
LIFETIME = timedelta(days=30)
MESSAGE_LENGTH = (10, 2_000)
APPROVAL_PERIOD = timedelta(days=14)
"""How long the poster has for an answer to a delivery; then it counts as approved."""


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


class Party(StrEnum):
    """A side of a task."""

    POSTER = "POSTER"
    TASKER = "TASKER"


class Command(StrEnum):
    """What can happen to a task."""

    UPDATE = "update"
    PUBLISH = "publish"
    EXPIRE = "expire"
    REPOST = "repost"
    ASSIGN = "assign"
    START = "start"
    DELIVER = "deliver"
    REQUEST_CHANGES = "request changes"
    APPROVE = "approve"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    CHANGE_PRICE = "change price"
    CANCEL_TOGETHER = "cancel together"
    DISPUTE = "dispute"
    SETTLE_AS_DONE = "settle as done"
    SETTLE_AS_CANCELLED = "settle as cancelled"


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
    (Status.EXPIRED, Command.REPOST): step(Status.OPEN, By.POSTER, why="still wanted; all may bid anew"),
    (Status.ASSIGNED, Command.START): step(Status.IN_PROGRESS, By.TASKER, why="the work begins"),
    (Status.ASSIGNED, Command.CANCEL): step(
        Status.CANCELLED,
        By.POSTER,
        By.TASKER,
        By.EVENT,
        why="called off before the work began, or one of the two left",
    ),
    (Status.ASSIGNED, Command.RESCHEDULE): step(
        Status.ASSIGNED, By.POSTER, By.TASKER, why="both agreed on another time"
    ),
    (Status.ASSIGNED, Command.CHANGE_PRICE): step(
        Status.ASSIGNED, By.POSTER, By.TASKER, why="both agreed on another price"
    ),
    (Status.ASSIGNED, Command.DISPUTE): step(Status.DISPUTED, By.EVENT, why="the two disagree"),
    (Status.IN_PROGRESS, Command.DELIVER): step(Status.DELIVERED, By.TASKER, why="the work is done, says the tasker"),
    (Status.IN_PROGRESS, Command.CANCEL): step(Status.CANCELLED, By.EVENT, why="one of the two left"),
    (Status.IN_PROGRESS, Command.RESCHEDULE): step(
        Status.IN_PROGRESS, By.POSTER, By.TASKER, why="both agreed on another time"
    ),
    (Status.IN_PROGRESS, Command.CHANGE_PRICE): step(
        Status.IN_PROGRESS, By.POSTER, By.TASKER, why="both agreed on another price"
    ),
    (Status.IN_PROGRESS, Command.CANCEL_TOGETHER): step(
        Status.CANCELLED, By.POSTER, By.TASKER, By.TIMER, why="both agreed, or one did not answer for 48 hours"
    ),
    (Status.IN_PROGRESS, Command.DISPUTE): step(Status.DISPUTED, By.EVENT, why="the two disagree"),
    (Status.DELIVERED, Command.REQUEST_CHANGES): step(
        Status.IN_PROGRESS, By.POSTER, why="something is missing, says the poster"
    ),
    (Status.DELIVERED, Command.APPROVE): step(
        Status.COMPLETED, By.POSTER, By.TIMER, why="the poster is content, or did not answer for 14 days"
    ),
    (Status.DELIVERED, Command.DISPUTE): step(Status.DISPUTED, By.EVENT, why="the two disagree"),
    (Status.DISPUTED, Command.SETTLE_AS_DONE): step(Status.COMPLETED, By.EVENT, why="the dispute ended in pay"),
    (Status.DISPUTED, Command.SETTLE_AS_CANCELLED): step(
        Status.CANCELLED, By.EVENT, why="the dispute ended in a refund"
    ),
}

_SIDES = {Party.POSTER: By.POSTER, Party.TASKER: By.TASKER}
_TAKE_THE_ROLE = frozenset({Command.UPDATE, Command.PUBLISH, Command.REPOST, Command.CANCEL})


def by(party: Party) -> By:
    """The side as the table of transitions calls it."""
    return _SIDES[party]


class DueInPast(DomainError):
    code = UserErrorCode.DUE_IN_PAST


class PlaceRequired(DomainError):
    code = UserErrorCode.PLACE_REQUIRED


def check_poster(actor: Actor) -> None:
    """Raises RoleRequired unless the actor is a poster."""
    if Role.POSTER not in actor.roles:
        raise RoleRequired("Only posters do this; add the role POSTER to your account.")


def check_role(actor: Actor, command: Command, by: By) -> None:
    """Raises RoleRequired for what a poster does only while they have the role POSTER."""
    if by is By.POSTER and command in _TAKE_THE_ROLE:
        check_poster(actor)


def check_party(
    actor: Actor, command: Command, poster_id: str, tasker_id: str | None, published_at: datetime | None
) -> Party:
    """As which side of a task the actor gives a command.

    Raises NotFound for a task that the actor may not see, NotAllowed if no side of theirs ever gives it.
    """
    if not may_see(actor.id, poster_id, published_at):
        raise NotFound("There is no such task.", field=("taskId",))
    who = {By.POSTER: (Party.POSTER, poster_id), By.TASKER: (Party.TASKER, tasker_id)}
    allowed = {each for (_, given), row in TRANSITIONS.items() if given is command for each in row.by if each in who}
    for each in sorted(allowed):
        party, party_id = who[each]
        if party_id == actor.id:
            return party
    raise NotAllowed(f"Only the {' or the '.join(sorted(allowed))} of the task can do this.", field=("taskId",))


def may_see(viewer_id: str | None, poster_id: str, published_at: datetime | None) -> bool:
    """Whether a person may know of a task: everybody once it was published, before that its poster."""
    return published_at is not None or viewer_id == poster_id


def check_due(due_at: datetime | None, now: datetime) -> None:
    """Raises DueInPast for a time that has come already."""
    if due_at is not None and due_at <= now:
        raise DueInPast("The due time lies in the past.", field=("dueAt",), min=now)


def check_window(due_from: datetime | None, due_at: datetime | None) -> None:
    """Raises InvalidInput unless a window for the work has an end, which comes after its start."""
    if due_from is None:
        return
    if due_at is None:
        raise InvalidInput("A window for the work needs an end.", field=("dueAt",))
    if due_from >= due_at:
        raise InvalidInput("The window for the work ends before it begins.", field=("dueFrom",), max=due_at)


def check_time_zone(name: str, known: Collection[str]) -> None:
    """Raises InvalidInput for what is no IANA name."""
    if name not in known:
        raise InvalidInput("There is no such time zone; an IANA name is like Asia/Bangkok.", field=("timeZone",))


def check_place(mode: Mode, place_id: str | None) -> None:
    """Raises PlaceRequired for a task of everybody's eyes that is done at no place. Without one it is done remotely."""
    if mode is Mode.ONSITE and place_id is None:
        raise PlaceRequired("Say where the work is done.", field=("placeId",))


def check_publishable(mode: Mode, place_id: str | None, due_at: datetime | None, now: datetime) -> None:
    """Raises DueInPast, PlaceRequired for a task that cannot be opened for bids as it is."""
    with collected() as check:
        check(check_due, due_at, now)
        check(check_place, mode, place_id)


def clean_requirements(requirements: Sequence[str]) -> list[str]:
    """What the poster asks for: at most 20 texts of 3 to 200 characters, none twice. Raises InvalidInput."""
    if len(requirements) > MOST_REQUIREMENTS:
        raise InvalidInput(
            f"At most {MOST_REQUIREMENTS} requirements, please.", field=("requirements",), max=MOST_REQUIREMENTS
        )
    least, most = REQUIREMENT_LENGTH
    with collected() as check:
        cleaned = [
            check(clean, each, field=("requirements", str(place)), min_length=least, max_length=most)
            for place, each in enumerate(requirements)
        ]
    return list(dict.fromkeys(cleaned))


def expires_at(published_at: datetime, due_at: datetime | None) -> datetime:
    """When an open task stops taking bids: 30 days after publication, or when it is due if that is earlier."""
    latest = published_at + LIFETIME
    return latest if due_at is None else min(latest, due_at)


def clean_title(title: str) -> str:
    """What is to be done, in a line of 10 to 100 characters. Raises InvalidInput."""
    least, most = TITLE_LENGTH
    return clean(title, field=("title",), min_length=least, max_length=most)


def clean_description(description: str) -> str:
    """What is to be done, in 25 to 5,000 characters. Raises InvalidInput."""
    least, most = DESCRIPTION_LENGTH
    return clean(description, field=("description",), min_length=least, max_length=most, multiline=True)


def clean_message(message: str) -> str:
    """What one of the two says to the other, 10 to 2,000 characters. Raises InvalidInput."""
    least, most = MESSAGE_LENGTH
    return clean(message, field=("message",), min_length=least, max_length=most, multiline=True)


def clean_reason(reason: str) -> str:
    """Why a task is called off, 1 to 500 characters. Raises InvalidInput."""
    least, most = REASON_LENGTH
    return clean(reason, field=("reason",), min_length=least, max_length=most, multiline=True)


def approval_due_at(status: Status, delivered_at: datetime | None) -> datetime | None:
    """When a delivery counts as approved, unless the poster answers before; None unless they are to answer."""
    return delivered_at + APPROVAL_PERIOD if status is Status.DELIVERED and delivered_at is not None else None
