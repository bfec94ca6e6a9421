"""notificationEvents over a real WebSocket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared import events
from shared.ids import new_id
from subgraphs.notifications.schema import NotificationEventType
from tests.notifications.conftest import FIELDS, MARK_ALL_READ, MARK_READ, Notifications
from tests.support.serving import Client

EVENTS = f"""
    subscription($after: Int) {{
      notificationEvents(after: $after) {{ seq previousSeq type occurredAt readUntil notification {{ {FIELDS} }} }}
    }}
"""


@asynccontextmanager
async def following(notifications: Notifications, user_id: str, after: int | None = None) -> AsyncIterator[Client]:
    async with notifications.served.connect(token=notifications.token(user_id)) as client:
        await client.subscribe(EVENTS, {"after": after})
        yield client


async def next_event(client: Client) -> dict[str, Any]:
    payload = await client.next(30)
    assert "errors" not in payload, payload
    event: dict[str, Any] = payload["data"]["notificationEvents"]
    return event


def test_every_event_of_notifications_has_a_name_in_the_graph() -> None:
    models = [model for model in events.REGISTRY.values() if model.topic == "notifications.notification"]
    assert {model.type.rpartition(".")[2] for model in models} == {each.value for each in NotificationEventType}


async def test_what_happens_in_the_inbox_comes_in_order(notifications: Notifications) -> None:
    me = new_id("user")
    async with following(notifications, me, 0) as client:
        first, second = await notifications.told(me, 2)
        created = [await next_event(client) for _ in range(2)]
        data = await notifications.act(me, MARK_READ, input={"notificationIds": [first["id"]]})
        read = await next_event(client)
        await notifications.act(me, MARK_ALL_READ, input={"until": second["createdAt"]})
        all_read = await next_event(client)

    (marked,) = data["markRead"]["notifications"]
    expected = [
        ("CREATED", first, None),
        ("CREATED", second, None),
        ("READ", marked, None),
        ("ALL_READ", None, second["createdAt"]),
    ]
    for number, (event, (type_, shown, until)) in enumerate(zip([*created, read, all_read], expected, strict=True), 1):
        assert event == {
            "seq": number,
            "previousSeq": number - 1,
            "type": type_,
            "occurredAt": event["occurredAt"],
            "readUntil": until,
            "notification": shown,
        }

    async with following(notifications, me, 2) as client:
        assert [await next_event(client) for _ in range(2)] == [read, all_read]


async def test_one_follows_ones_own_inbox_alone(notifications: Notifications) -> None:
    me, other = new_id("user"), new_id("user")
    async with following(notifications, me, 0) as client:
        await notifications.told(other, 2)
        (mine,) = await notifications.told(me)

        event = await next_event(client)

    # What others were told would have come before.
    assert (event["seq"], event["previousSeq"], event["notification"]) == (1, 0, mine)


async def test_who_comes_back_gets_every_event_exactly_once(notifications: Notifications) -> None:
    me, last = new_id("user"), 12
    telling = asyncio.gather(*(notifications.told(me, 3) for _ in range(4)))
    seen = [0]
    shown: list[str] = []

    while seen[-1] < last:
        # Cut off after every few events, with the socket closed under it.
        async with following(notifications, me, seen[-1]) as client:
            for _ in range(min(3, last - seen[-1])):
                event = await next_event(client)
                assert event["previousSeq"] == seen[-1]
                seen.append(event["seq"])
                shown.append(event["notification"]["id"])
    await telling

    assert seen == list(range(last + 1))
    assert sorted(shown) == sorted(each["id"] for each in await notifications.inbox(me))


async def test_places_that_do_not_exist_and_nobody_are_refused(notifications: Notifications) -> None:
    me = new_id("user")
    await notifications.told(me)
    for token, after, code in [
        (notifications.token(me), 2, "BAD_REQUEST"),
        (notifications.token(me), -1, "BAD_REQUEST"),
        (None, 0, "UNAUTHENTICATED"),
        ("forged", None, "UNAUTHENTICATED"),
    ]:
        async with notifications.served.connect(token=token) as client:
            await client.subscribe(EVENTS, {"after": after})
            message = await client.receive()
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert [error["extensions"]["code"] for error in errors] == [code]
