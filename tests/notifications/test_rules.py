"""Who is told what about which event, and that nobody else is told anything."""

from datetime import UTC, datetime
from typing import Literal

import pytest

from shared import events
from shared.errors import InvalidInput
from shared.money import CurrencyCode, Money
from subgraphs.notifications import rules
from subgraphs.notifications.consumers import handlers
from subgraphs.notifications.rules import Category, Message, Names
from tests import factories

POSTER, TASKER, TASK = "user_poster", "user_tasker", "task_fence"
NAMES = Names({POSTER: "Ploy", TASKER: "Tom"}, {TASK: "Paint the fence"})
NOW = datetime(2026, 1, 1, tzinfo=UTC)

BID = factories.bid_snapshot(task_id=TASK, poster_id=POSTER, tasker_id=TASKER, amount=Money(15_050, CurrencyCode.EUR))
OPEN = factories.task_snapshot(id=TASK, poster_id=POSTER)
TAKEN = OPEN.model_copy(update={"tasker_id": TASKER})


def cancelled(task: events.TaskSnapshot, by: Literal["POSTER", "TASKER", "ADMIN", "SYSTEM"]) -> events.TaskCancelled:
    return events.TaskCancelled(task=task, reason="Rain", by=by)


def about_bid(user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.BIDS, title, body, f"/tasks/{TASK}")


def about_task(user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.TASKS, title, body, f"/tasks/{TASK}")


def verification(title: str, body: str) -> Message:
    return Message(TASKER, Category.ACCOUNT, title, body, "/account/verification")


DAY = f"{NOW.day} {NOW:%B %Y}"
CANCELLED = ("Task cancelled", "“Paint the fence” was cancelled: Rain")
CASES: dict[str, tuple[events.Event, list[Message]]] = {
    "registered": (
        events.UserRegistered(user_id=TASKER, display_name="Tom", roles=("TASKER",), status="ACTIVE"),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Welcome to Service Exchange",
                "Good to have you here, Tom. Post a task, or look for one to do.",
                "/",
            )
        ],
    ),
    "role granted": (
        events.UserRoleGranted(user_id=TASKER, role="SUPPORT", roles=("TASKER", "SUPPORT")),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "New role",
                "You now have the role SUPPORT. Log in again where you do not see what comes with it.",
                "/",
            )
        ],
    ),
    "role revoked": (
        events.UserRoleRevoked(user_id=TASKER, role="SUPPORT", roles=("TASKER",)),
        [Message(TASKER, Category.ACCOUNT, "Role taken", "You no longer have the role SUPPORT.", "/")],
    ),
    "reinstated": (
        events.UserReinstated(user_id=TASKER),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Welcome back",
                "Your account is no longer suspended. Good to have you back.",
                "/",
            )
        ],
    ),
    "export ready": (
        events.UserExportReady(user_id=TASKER, export_id="export_1"),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Your data is ready",
                "Everything that is stored about you can be read for a week.",
                "/account/data",
            )
        ],
    ),
    "verified": (
        events.UserVerified(user_id=TASKER, verification_id="verification_1", expires_at=NOW, by=POSTER),
        [verification("Identity verified", f"Your document was checked. You are verified until {DAY}.")],
    ),
    "document rejected": (
        events.UserVerificationRejected(
            user_id=TASKER, verification_id="verification_1", reason="DOCUMENT_EXPIRED", by=POSTER
        ),
        [verification("Document not accepted", "The document has expired. You can submit another one.")],
    ),
    "document rejected for a reason of a newer release": (
        events.UserVerificationRejected(user_id=TASKER, verification_id="verification_1", reason="NEW", by=POSTER),
        [
            verification(
                "Document not accepted",
                "We could not confirm that the document is yours. You can submit another one.",
            )
        ],
    ),
    "verification expired": (
        events.UserVerificationExpired(user_id=TASKER, verification_id="verification_1"),
        [
            verification(
                "No longer verified",
                "The check of your identity has run out. Submit a document to be verified again.",
            )
        ],
    ),
    "placed": (
        events.BidPlaced(bid=BID),
        [about_bid(POSTER, "New bid", "Tom offers to do “Paint the fence” for 150.50 EUR.")],
    ),
    "updated": (
        events.BidUpdated(bid=BID),
        [about_bid(POSTER, "Bid changed", "Tom now offers to do “Paint the fence” for 150.50 EUR.")],
    ),
    "withdrawn": (
        events.BidWithdrawn(bid=BID),
        [about_bid(POSTER, "Bid withdrawn", "Tom took their bid on “Paint the fence” back.")],
    ),
    "expired": (
        events.BidExpired(bid=BID, reason="The task expired."),
        [about_bid(TASKER, "Bid expired", "Your bid on “Paint the fence” has ended. The task expired.")],
    ),
    "expired without a reason": (
        events.BidExpired(bid=BID),
        [about_bid(TASKER, "Bid expired", "Your bid on “Paint the fence” has ended.")],
    ),
    "declined": (
        events.BidDeclined(bid=BID, reason="Too far away"),
        [about_bid(TASKER, "Bid declined", "Your bid on “Paint the fence” was declined. Too far away")],
    ),
    "declined without a reason": (
        events.BidDeclined(bid=BID),
        [about_bid(TASKER, "Bid declined", "Your bid on “Paint the fence” was declined.")],
    ),
    "accepted": (
        events.BidAccepted(bid=BID),
        [
            about_bid(
                TASKER, "Bid accepted", "Ploy accepted your bid on “Paint the fence”. It is being assigned to you."
            )
        ],
    ),
    "acceptance failed": (
        events.BidAcceptanceFailed(bid=BID, reason="The task is cancelled already."),
        [
            about_bid(user_id, "Task not assigned", body)
            for user_id in (POSTER, TASKER)
            for body in ["“Paint the fence” could not be assigned. The task is cancelled already."]
        ],
    ),
    "awarded": (
        events.BidAwarded(bid=BID),
        [about_bid(TASKER, "The task is yours", "“Paint the fence” is yours, for 150.50 EUR.")],
    ),
    "assigned": (
        events.TaskAssigned(task=TAKEN, bid_id=BID.id),
        [about_task(POSTER, "Task assigned", "Tom will do “Paint the fence”.")],
    ),
    "task expired": (
        events.TaskExpired(task=OPEN),
        [about_task(POSTER, "Task expired", "“Paint the fence” takes no bids any more. You can post it again.")],
    ),
    # Nobody is told of what they did themselves.
    "cancelled by the poster before anybody had it": (cancelled(OPEN, "POSTER"), []),
    "cancelled by the poster": (cancelled(TAKEN, "POSTER"), [about_task(TASKER, *CANCELLED)]),
    "cancelled by the tasker": (cancelled(TAKEN, "TASKER"), [about_task(POSTER, *CANCELLED)]),
    "cancelled by an admin": (
        cancelled(TAKEN, "ADMIN"),
        [about_task(POSTER, *CANCELLED), about_task(TASKER, *CANCELLED)],
    ),
    "cancelled by the system": (cancelled(OPEN, "SYSTEM"), [about_task(POSTER, *CANCELLED)]),
}
SILENT: list[events.Event] = [
    events.UserProfileUpdated(user_id=TASKER, display_name="Tom"),
    events.UserSuspended(user_id=TASKER, reason="Spam"),
    events.UserSessionRevoked(user_id=TASKER, session_id="session_1", expires_at=NOW),
    events.TaskCreated(task=OPEN),
    events.TaskPublished(task=OPEN),
    events.TaskUpdated(task=OPEN),
    events.TaskAssignmentRejected(task=OPEN, bid_id=BID.id, tasker_id=TASKER, reason="Taken"),
]


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_told_to_whom_it_concerns_and_nobody_else(name: str) -> None:
    event, expected = CASES[name]
    assert rules.messages(event, NAMES) == expected


@pytest.mark.parametrize("event", SILENT, ids=lambda event: event.type)
def test_nobody_is_told_of_the_rest(event: events.Event) -> None:
    assert rules.messages(event, NAMES) == []


def test_every_event_that_is_told_has_a_case_and_a_consumer() -> None:
    assert {type(event) for event, _ in CASES.values()} == set(rules.WRITERS)
    assert set(rules.WRITERS) == {
        events.UserRegistered,
        *rules.ACCOUNT_EVENTS,
        *rules.BID_EVENTS,
        *rules.TASK_EVENTS,
    }
    assert {event.type for event in rules.WRITERS} <= set(handlers.by_type())
    assert set(rules.WRITERS).isdisjoint(type(event) for event in SILENT)


@pytest.mark.parametrize("name", CASES)
def test_what_an_event_mentions_is_all_that_its_text_needs(name: str) -> None:
    event, expected = CASES[name]
    mentions = rules.mentions(event)
    known = Names(
        {user_id: NAMES.people[user_id] for user_id in mentions.user_ids},
        {mentions.task_id: NAMES.tasks[mentions.task_id]} if mentions.task_id else {},
    )
    assert rules.messages(event, known) == expected


@pytest.mark.parametrize("name", CASES)
def test_who_and_what_is_not_known_is_called_somebody_and_a_task(name: str) -> None:
    event, expected = CASES[name]

    found = rules.messages(event, Names({}, {}))

    assert [each.user_id for each in found] == [each.user_id for each in expected]
    for message, known in zip(found, expected, strict=True):
        assert message.body[0].isupper() or message.body[0] == "“"
        task = rules.A_TASK if isinstance(event, rules.BID_EVENTS) else "“Paint the fence”"
        body = known.body.replace("“Paint the fence”", task)
        if not isinstance(event, events.UserRegistered):
            body = body.replace("Tom", rules.SOMEBODY).replace("Ploy", rules.SOMEBODY)
        assert message.body == body[0].upper() + body[1:]


@pytest.mark.parametrize("count", [0, 101])
def test_one_request_marks_1_to_100(count: int) -> None:
    rules.check_marked(1)
    rules.check_marked(100)
    with pytest.raises(InvalidInput):
        rules.check_marked(count)
