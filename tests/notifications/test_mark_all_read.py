"""markAllRead."""

from typing import Any

from shared import clock
from shared.graphql.scalars import format_datetime, parse_datetime
from shared.ids import new_id
from tests.notifications.conftest import MARK_ALL_READ, MARK_READ, Notifications


async def mark(notifications: Notifications, user_id: str, **given: Any) -> dict[str, Any]:
    data = await notifications.act(user_id, MARK_ALL_READ, input=given)
    payload: dict[str, Any] = data["markAllRead"]
    return payload


async def test_all_of_ones_own_are_marked(notifications: Notifications) -> None:
    me, other = new_id("user"), new_id("user")
    first, *_ = await notifications.told(me, 3)
    theirs = await notifications.told(other, 2)
    await notifications.act(me, MARK_READ, input={"notificationIds": [first["id"]]})
    (already,) = [each for each in await notifications.inbox(me) if each["readAt"]]

    assert await mark(notifications, me) == {"count": 2, "userErrors": []}

    inbox = await notifications.inbox(me)
    assert all(each["readAt"] for each in inbox)
    assert inbox[-1] == already
    assert await notifications.unread(me) == 0
    assert await notifications.inbox(other) == theirs[::-1]
    assert await notifications.log(me) == ["created"] * 3 + ["read", "all_read"]

    before = await notifications.state()
    assert await mark(notifications, me) == {"count": 0, "userErrors": []}
    assert await notifications.state() == before


async def test_until_takes_what_was_shown_and_leaves_what_came_later(notifications: Notifications) -> None:
    me = new_id("user")
    told = await notifications.told(me, 4)
    for number, each in enumerate(told):
        # The same place within a millisecond for all, which clients never see.
        at = parse_datetime(f"2026-01-01T00:00:00.00{number}Z").replace(microsecond=number * 1000 + 700)
        await notifications.sql("UPDATE notifications SET created_at = :at WHERE id = :id", at=at, id=each["id"])
    shown = (await notifications.inbox(me))[2]

    assert await mark(notifications, me, until=shown["createdAt"]) == {"count": 2, "userErrors": []}

    assert [bool(each["readAt"]) for each in await notifications.inbox(me)] == [False, False, True, True]
    ((body,),) = await notifications.sql("SELECT body FROM outbox WHERE type LIKE '%.all_read'")
    assert isinstance(body, dict)
    assert format_datetime(parse_datetime(body["read_at"])) == shown["createdAt"] == "2026-01-01T00:00:00.001Z"


async def test_until_in_the_future_is_now(notifications: Notifications) -> None:
    me = new_id("user")
    await notifications.told(me)

    assert await mark(notifications, me, until="2999-01-01T00:00:00Z") == {"count": 1, "userErrors": []}

    # So that a client does not take what comes later for read.
    ((body,),) = await notifications.sql("SELECT body FROM outbox WHERE type LIKE '%.all_read'")
    assert isinstance(body, dict)
    assert parse_datetime(body["read_at"]) <= clock.now()
    await notifications.told(me)
    assert await notifications.unread(me) == 1


async def test_until_that_is_no_time_and_nobody_are_errors(notifications: Notifications) -> None:
    me = new_id("user")
    await notifications.told(me)
    before = await notifications.state()

    for given, token, code in [
        ({"until": "yesterday"}, notifications.token(me), "BAD_REQUEST"),
        ({"until": "2026-01-01T00:00:00"}, notifications.token(me), "BAD_REQUEST"),
        ({}, None, "UNAUTHENTICATED"),
    ]:
        answer = await notifications.served.execute(MARK_ALL_READ, {"input": given}, token=token)
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert await notifications.state() == before
