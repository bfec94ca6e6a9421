"""What notifications hands out of a person."""

from shared import events
from shared.ids import new_id
from tests.conftest import Elsewhere
from tests.notifications.conftest import Notifications
from tests.redelivery import deliver, deliver_twice
from tests.sealed import Export


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
    assert by_part["users", "id"] == [{"id": user, "display_name": "Somchai"}]
    assert documents[-1]["rows"] == {"notifications.user_id": 1, "users.id": 1}


async def test_one_is_told_when_ones_data_is_ready(notifications: Notifications) -> None:
    user = new_id("user")

    await notifications.tell(events.UserExportReady(user_id=user, export_id=new_id("export")))

    (told,) = await notifications.inbox(user)
    assert (told["category"], told["title"], told["link"]) == ("ACCOUNT", "Your data is ready", "/account/data")
