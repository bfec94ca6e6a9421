"""What notifications hands out of a person."""

from shared import events
from shared.ids import new_id
from subgraphs.notifications import rules
from tests.conftest import Elsewhere
from tests.notifications.conftest import Notifications
from tests.support import factories
from tests.support.passes import erased_at_each_pass
from tests.support.redelivery import deliver, deliver_twice
from tests.support.sealed import Export


async def test_an_export_holds_what_one_was_told(notifications: Notifications, elsewhere: Elsewhere) -> None:
    user = new_id("user")
    welcome = events.UserRegistered(user_id=user, display_name="Somchai", roles=("POSTER",), status="ACTIVE")
    await deliver(elsewhere, "notifications", welcome)
    await notifications.told(new_id("user"))
    export = Export(user)

    await deliver_twice(elsewhere, "notifications", export.request)

    bodies = [body for (body,) in await notifications.sql(
        "SELECT body FROM outbox WHERE type = 'notifications.export.sealed' ORDER BY position"
    )]  # fmt: skip
    documents = export.open([body for body in bodies if isinstance(body, dict)])
    by_part = {(each["table"], each["person"]): each["rows"] for each in documents[:-1]}
    (told,) = by_part["notifications", "user_id"]
    assert told["body"].startswith("Good to have you here, Somchai.")
    assert by_part["users", "id"] == [{"id": user, "display_name": "Somchai", "erased": False}]
    assert documents[-1]["rows"] == {"notifications.user_id": 1, "users.id": 1}


async def test_one_is_told_when_ones_data_is_ready(notifications: Notifications) -> None:
    user = new_id("user")

    await notifications.tell(events.UserExportReady(user_id=user, export_id=new_id("export")))

    (told,) = await notifications.inbox(user)
    assert (told["category"], told["title"], told["link"]) == ("ACCOUNT", "Your data is ready", "/account/data")


async def test_nobody_was_told_anything_of_somebody_who_left(
    notifications: Notifications, elsewhere: Elsewhere
) -> None:
    person, other, third = new_id("user"), new_id("user"), new_id("user")
    registered = events.UserRegistered(user_id=person, display_name="Marked-name", roles=("POSTER",), status="ACTIVE")
    task = factories.task_snapshot(poster_id=person, title="A marked title")
    placed = factories.bid_snapshot(poster_id=other, tasker_id=person)
    on_theirs = factories.bid_snapshot(task_id=task.id, poster_id=person, tasker_id=other)
    await deliver(
        elsewhere,
        "notifications",
        registered,
        events.TaskPublished(task=task),
        events.BidPlaced(bid=placed),
        events.BidDeclined(bid=on_theirs, reason="A marked reason"),
    )
    await notifications.told(third)
    assert "marked" in str(await notifications.inbox(other))

    await deliver_twice(elsewhere, "notifications", events.UserErased(user_id=person))

    left = [
        *await notifications.sql("SELECT CAST(body AS text) FROM outbox"),
        *await notifications.sql("SELECT CAST(t AS text) FROM tasks AS t"),
        *await notifications.sql("SELECT CAST(u AS text) FROM users AS u"),
        *await notifications.sql("SELECT CAST(n AS text) FROM notifications AS n"),
    ]
    assert [row for row in left if "arked" in str(row)] == []
    assert [told["body"] for told in await notifications.inbox(other)] == [rules.ABOUT_ERASED] * 2
    assert rules.ABOUT_ERASED not in str(await notifications.inbox(third))
    assert await notifications.sql("SELECT 1 FROM notifications WHERE user_id = :person", person=person) == []

    # What is late, or replayed from the dead letters, brings nothing back.
    late = placed.model_copy(update={"id": new_id("bid")})
    await deliver(elsewhere, "notifications", registered, events.BidPlaced(bid=late))
    assert "Marked-name" not in str(await notifications.sql("SELECT CAST(u AS text) FROM users AS u"))
    assert "Marked-name" not in str(await notifications.inbox(other))
    assert await notifications.sql("SELECT 1 FROM notifications WHERE user_id = :person", person=person) == []


async def test_what_comes_later_is_erased_as_well(notifications: Notifications, elsewhere: Elsewhere) -> None:
    person = new_id("user")
    await deliver_twice(elsewhere, "notifications", events.UserErased(user_id=person))

    async def comes_back() -> None:
        await notifications.sql("UPDATE users SET display_name = 'Marked-name' RETURNING 1")

    async def is_gone() -> bool:
        return await notifications.sql("SELECT display_name FROM users") == [(events.DELETED_NAME,)]

    await erased_at_each_pass(comes_back, is_gone)
