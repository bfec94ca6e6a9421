"""What people are told about the events of others: once each, also when events come twice."""

import asyncio

from shared import events
from shared.ids import new_id
from subgraphs.notifications import actions
from tests.conftest import Elsewhere
from tests.notifications.conftest import Notifications
from tests.support import factories
from tests.support.redelivery import deliver, deliver_twice


def registered(user_id: str, name: str) -> events.UserRegistered:
    return events.UserRegistered(user_id=user_id, display_name=name, roles=("POSTER",), status="ACTIVE")


async def test_each_person_is_told_once_however_often_an_event_comes(
    notifications: Notifications, elsewhere: Elsewhere
) -> None:
    task = factories.task_snapshot()
    bid = factories.bid_snapshot(task_id=task.id, poster_id=task.poster_id)
    await deliver(
        elsewhere,
        "notifications",
        registered(task.poster_id, "Ploy"),
        registered(bid.tasker_id, "Tom"),
        events.TaskPublished(task=task),
    )

    await deliver_twice(
        elsewhere,
        "notifications",
        events.BidPlaced(bid=bid),
        events.BidAccepted(bid=bid),
        events.BidAwarded(bid=bid),
        events.TaskAssigned(task=task.model_copy(update={"tasker_id": bid.tasker_id}), bid_id=bid.id),
    )

    # The events of bids and of tasks come in no order among each other.
    poster = await notifications.inbox(task.poster_id)
    assert {(each["category"], each["title"], each["body"], each["link"]) for each in poster} == {
        ("BIDS", "New bid", "Tom offers to do “Paint the fence” for 150.00 EUR.", f"/tasks/{task.id}"),
        ("TASKS", "Task assigned", "Tom will do “Paint the fence”.", f"/tasks/{task.id}"),
        (
            "ACCOUNT",
            "Welcome to Service Exchange",
            "Good to have you here, Ploy. Post a task, or look for one to do.",
            "/",
        ),
    }
    tasker = await notifications.inbox(bid.tasker_id)
    assert [each["title"] for each in tasker] == ["The task is yours", "Bid accepted", "Welcome to Service Exchange"]
    assert len((await notifications.state())[0]) == len(poster) + len(tasker) == 6
    assert {each["readAt"] for each in poster + tasker} == {None}
    for user_id in (task.poster_id, bid.tasker_id):
        assert await notifications.log(user_id) == ["created"] * 3
        assert await notifications.unread(user_id) == 3


async def test_an_alert_tells_its_person_once_and_names_the_task(
    notifications: Notifications, elsewhere: Elsewhere
) -> None:
    task = factories.task_snapshot()
    person = new_id("user")
    alert = events.AlertMatched(
        user_id=person, task_id=task.id, poster_id=task.poster_id, saved_search_id=new_id("search"), is_near=True
    )
    await deliver(elsewhere, "notifications", events.TaskPublished(task=task))

    await deliver_twice(elsewhere, "notifications", alert)

    (told,) = await notifications.inbox(person)
    assert (told["category"], told["title"], told["body"], told["link"]) == (
        "ALERTS",
        "A new task near you",
        "A new task near you: “Paint the fence”.",
        f"/tasks/{task.id}",
    )
    assert await notifications.log(person) == ["created"]
    await deliver_twice(elsewhere, "notifications", events.UserErased(user_id=task.poster_id))
    (told,) = await notifications.inbox(person)
    assert "fence" not in str(told)


async def test_names_are_as_they_were_told_last(notifications: Notifications, elsewhere: Elsewhere) -> None:
    task = factories.task_snapshot()
    bid = factories.bid_snapshot(task_id=task.id, poster_id=task.poster_id)
    renamed = task.model_copy(update={"title": "Paint the long fence", "version": 2})

    async def body_of_next_bid() -> str:
        await deliver(elsewhere, "notifications", events.BidUpdated(bid=bid))
        return str((await notifications.inbox(task.poster_id))[0]["body"])

    assert await body_of_next_bid() == "Somebody now offers to do a task for 150.00 EUR."
    await deliver(elsewhere, "notifications", registered(bid.tasker_id, "Tom"), events.TaskPublished(task=task))
    assert await body_of_next_bid() == "Tom now offers to do “Paint the fence” for 150.00 EUR."
    profile = events.UserProfileUpdated(user_id=bid.tasker_id, display_name="Thomas")
    await deliver(elsewhere, "notifications", profile, events.TaskUpdated(task=renamed))
    assert await body_of_next_bid() == "Thomas now offers to do “Paint the long fence” for 150.00 EUR."


async def test_two_that_handle_one_event_at_once_tell_each_person_once(notifications: Notifications) -> None:
    bid = factories.bid_snapshot()
    failed = events.BidAcceptanceFailed(bid=bid, reason="Taken.")
    envelope = events.Envelope(failed, new_id("event"), 1, failed.stream, bid.created_at)

    async def handle() -> None:
        async with notifications.database.transaction() as session:
            await actions.notify(session, envelope)

    await asyncio.gather(*(handle() for _ in range(5)))

    for user_id in (bid.poster_id, bid.tasker_id):
        assert await notifications.log(user_id) == ["created"]
        assert [each["title"] for each in await notifications.inbox(user_id)] == ["Task not assigned"]
