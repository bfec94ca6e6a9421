"""Who is told what about which event. Pure: no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from shared import events
from shared.errors import InvalidInput
from shared.money import Money

MOST_MARKED_AT_ONCE = 100
SOMEBODY = "Somebody"
A_TASK = "a task"
ABOUT_ERASED = "This was about somebody who has left."


class Category(StrEnum):
    """What a notification is about; preferences are set by category."""

    ACCOUNT = "ACCOUNT"
    TASKS = "TASKS"
    BIDS = "BIDS"
    CHAT = "CHAT"
    PAYMENTS = "PAYMENTS"
    REVIEWS = "REVIEWS"
    SUPPORT = "SUPPORT"


@dataclass(frozen=True, slots=True)
class Message:
    """What one person is told."""

    user_id: str
    category: Category
    title: str
    body: str
    link: str


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of the people and tasks that an event mentions."""

    people: Mapping[str, str]
    tasks: Mapping[str, str]

    def person(self, user_id: str) -> str:
        return self.people.get(user_id, SOMEBODY)

    def task(self, task_id: str) -> str:
        title = self.tasks.get(task_id)
        return _quoted(title) if title else A_TASK


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whose names, and which task's title, the messages about an event need. Events of tasks carry the title."""

    user_ids: tuple[str, ...] = ()
    task_id: str | None = None


E = TypeVar("E", bound=events.Event)
Writer = Callable[[E, Names], list[Message]]


def mentions(event: events.Event) -> Mentions:
    """The people and the task that `messages` names for this event."""
    if isinstance(event, BID_EVENTS):
        return Mentions((event.bid.poster_id, event.bid.tasker_id), event.bid.task_id)
    if isinstance(event, events.TaskAssigned) and event.task.tasker_id:
        return Mentions((event.task.tasker_id,))
    return Mentions()


def people(event: events.Event) -> set[str]:
    """Everybody whose name or words a message about this event may hold."""
    if isinstance(event, BID_EVENTS):
        return {event.bid.poster_id, event.bid.tasker_id}
    if isinstance(event, TASK_EVENTS):
        return {event.task.poster_id, *([event.task.tasker_id] if event.task.tasker_id else [])}
    return set()


def messages(event: events.Event, names: Names) -> list[Message]:
    """Who is told what about an event; nobody about most of them."""
    writer = WRITERS.get(type(event))
    return writer(event, names) if writer else []


def check_marked(count: int) -> None:
    """Raises InvalidInput for more notifications than one request may mark."""
    if not 1 <= count <= MOST_MARKED_AT_ONCE:
        raise InvalidInput(f"Mark 1 to {MOST_MARKED_AT_ONCE} notifications at once.", field=("notificationIds",))


def _amount(amount: Money) -> str:
    return f"{amount.format()} {amount.currency}"


def _quoted(title: str) -> str:
    return f"“{title}”"


def _to_poster(bid: events.BidSnapshot, title: str, body: str) -> Message:
    return Message(bid.poster_id, Category.BIDS, title, _sentence(body), f"/tasks/{bid.task_id}")


def _to_tasker(bid: events.BidSnapshot, title: str, body: str) -> Message:
    return Message(bid.tasker_id, Category.BIDS, title, _sentence(body), f"/tasks/{bid.task_id}")


def _about(task: events.TaskSnapshot, user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.TASKS, title, body, f"/tasks/{task.id}")


def _sentence(body: str) -> str:
    """With a capital letter, also where it begins with a task whose title is not known."""
    return body[:1].upper() + body[1:]


def _registered(event: events.UserRegistered, names: Names) -> list[Message]:
    body = f"Good to have you here, {event.display_name}. Post a task, or look for one to do."
    return [Message(event.user_id, Category.ACCOUNT, "Welcome to Service Exchange", body, "/")]


def _role_granted(event: events.UserRoleGranted, names: Names) -> list[Message]:
    body = f"You now have the role {event.role}. Log in again where you do not see what comes with it."
    return [Message(event.user_id, Category.ACCOUNT, "New role", body, "/")]


def _role_revoked(event: events.UserRoleRevoked, names: Names) -> list[Message]:
    body = f"You no longer have the role {event.role}."
    return [Message(event.user_id, Category.ACCOUNT, "Role taken", body, "/")]


def _reinstated(event: events.UserReinstated, names: Names) -> list[Message]:
    body = "Your account is no longer suspended. Good to have you back."
    return [Message(event.user_id, Category.ACCOUNT, "Welcome back", body, "/")]


def _export_ready(event: events.UserExportReady, names: Names) -> list[Message]:
    body = "Everything that is stored about you can be read for a week."
    return [Message(event.user_id, Category.ACCOUNT, "Your data is ready", body, "/account/data")]


VERIFICATION = "/account/verification"
REJECTED_BECAUSE = {
    "INVALID_NUMBER": "There is no document with this number.",
    "NAME_MISMATCH": "The document is in another name than your account.",
    "DOCUMENT_EXPIRED": "The document has expired.",
    "DOCUMENT_NOT_SUPPORTED": "We cannot check documents of this kind.",
}
REJECTED = "We could not confirm that the document is yours."


def _verified(event: events.UserVerified, names: Names) -> list[Message]:
    until = f"{event.expires_at.day} {event.expires_at:%B %Y}"
    body = f"Your document was checked. You are verified until {until}."
    return [Message(event.user_id, Category.ACCOUNT, "Identity verified", body, VERIFICATION)]


def _verification_rejected(event: events.UserVerificationRejected, names: Names) -> list[Message]:
    body = f"{REJECTED_BECAUSE.get(event.reason, REJECTED)} You can submit another one."
    return [Message(event.user_id, Category.ACCOUNT, "Document not accepted", body, VERIFICATION)]


def _verification_expired(event: events.UserVerificationExpired, names: Names) -> list[Message]:
    body = "The check of your identity has run out. Submit a document to be verified again."
    return [Message(event.user_id, Category.ACCOUNT, "No longer verified", body, VERIFICATION)]


def _placed(event: events.BidPlaced, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.tasker_id)} offers to do {names.task(bid.task_id)} for {_amount(bid.amount)}."
    return [_to_poster(bid, "New bid", body)]


def _updated(event: events.BidUpdated, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.tasker_id)} now offers to do {names.task(bid.task_id)} for {_amount(bid.amount)}."
    return [_to_poster(bid, "Bid changed", body)]


def _withdrawn(event: events.BidWithdrawn, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.tasker_id)} took their bid on {names.task(bid.task_id)} back."
    return [_to_poster(bid, "Bid withdrawn", body)]


def _expired(event: events.BidExpired, names: Names) -> list[Message]:
    body = f"Your bid on {names.task(event.bid.task_id)} has ended. {event.reason or ''}".rstrip()
    return [_to_tasker(event.bid, "Bid expired", body)]


def _declined(event: events.BidDeclined, names: Names) -> list[Message]:
    body = f"Your bid on {names.task(event.bid.task_id)} was declined. {event.reason or ''}".rstrip()
    return [_to_tasker(event.bid, "Bid declined", body)]


def _accepted(event: events.BidAccepted, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.poster_id)} accepted your bid on {names.task(bid.task_id)}. It is being assigned to you."
    return [_to_tasker(bid, "Bid accepted", body)]


def _acceptance_failed(event: events.BidAcceptanceFailed, names: Names) -> list[Message]:
    bid, title = event.bid, "Task not assigned"
    body = f"{names.task(bid.task_id)} could not be assigned. {event.reason}"
    return [_to_poster(bid, title, body), _to_tasker(bid, title, body)]


def _awarded(event: events.BidAwarded, names: Names) -> list[Message]:
    body = f"{names.task(event.bid.task_id)} is yours, for {_amount(event.bid.amount)}."
    return [_to_tasker(event.bid, "The task is yours", body)]


def _task_assigned(event: events.TaskAssigned, names: Names) -> list[Message]:
    task = event.task
    body = f"{names.person(task.tasker_id or '')} will do {_quoted(task.title)}."
    return [_about(task, task.poster_id, "Task assigned", body)]


def _task_expired(event: events.TaskExpired, names: Names) -> list[Message]:
    task = event.task
    body = f"{_quoted(task.title)} takes no bids any more. You can post it again."
    return [_about(task, task.poster_id, "Task expired", body)]


def _task_cancelled(event: events.TaskCancelled, names: Names) -> list[Message]:
    task = event.task
    sides = {"POSTER": task.poster_id, "TASKER": task.tasker_id}
    # Whoever did it knows.
    told = [user_id for side, user_id in sides.items() if user_id and side != event.by]
    body = f"{_quoted(task.title)} was cancelled: {event.reason}"
    return [_about(task, user_id, "Task cancelled", body) for user_id in told]


WRITERS: dict[type[events.Event], Writer[events.Event]] = {}


def _writes(model: type[E], writer: Writer[E]) -> None:
    WRITERS[model] = writer  # type: ignore[assignment]  # keyed by the model that the writer takes


_writes(events.UserRegistered, _registered)
_writes(events.UserRoleGranted, _role_granted)
_writes(events.UserRoleRevoked, _role_revoked)
_writes(events.UserReinstated, _reinstated)
_writes(events.UserExportReady, _export_ready)
_writes(events.UserVerified, _verified)
_writes(events.UserVerificationRejected, _verification_rejected)
_writes(events.UserVerificationExpired, _verification_expired)
_writes(events.BidPlaced, _placed)
_writes(events.BidUpdated, _updated)
_writes(events.BidWithdrawn, _withdrawn)
_writes(events.BidExpired, _expired)
_writes(events.BidDeclined, _declined)
_writes(events.BidAccepted, _accepted)
_writes(events.BidAcceptanceFailed, _acceptance_failed)
_writes(events.BidAwarded, _awarded)
_writes(events.TaskAssigned, _task_assigned)
_writes(events.TaskExpired, _task_expired)
_writes(events.TaskCancelled, _task_cancelled)

ACCOUNT_EVENTS = (
    events.UserRoleGranted,
    events.UserRoleRevoked,
    events.UserReinstated,
    events.UserExportReady,
    events.UserVerified,
    events.UserVerificationRejected,
    events.UserVerificationExpired,
)
BID_EVENTS = (
    events.BidPlaced,
    events.BidUpdated,
    events.BidWithdrawn,
    events.BidExpired,
    events.BidDeclined,
    events.BidAccepted,
    events.BidAcceptanceFailed,
    events.BidAwarded,
)
TASK_EVENTS = (events.TaskAssigned, events.TaskExpired, events.TaskCancelled)
