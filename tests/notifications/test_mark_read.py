"""markRead."""

import asyncio
from typing import Any

import pytest

from shared import clock
from shared.graphql.scalars import format_datetime
from shared.ids import new_id
from subgraphs.notifications import store
from tests.notifications.conftest import MARK_ALL_READ, MARK_READ, Notifications
from tests.support.messaging import eventually

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_chosen_ones_are_marked_and_the_rest_stays(notifications: Notifications) -> None:
    me = new_id("user")
    first, second, third = await notifications.told(me, 3)
    before = format_datetime(clock.now())

    data = await notifications.act(me, MARK_READ, input={"notificationIds": [third["id"], first["id"]]})

    marked = data["markRead"]["notifications"]
    read_at = marked[0]["readAt"]
    assert before <= read_at <= format_datetime(clock.now())
    assert data == {
        "markRead": {
            "notifications": [{**first, "readAt": read_at}, {**third, "readAt": read_at}],
            "userErrors": [],
        }
    }
    assert await notifications.inbox(me) == [marked[1], second, marked[0]]
    assert await notifications.unread(me) == 1
    assert await notifications.log(me) == ["created"] * 3 + ["read"] * 2


async def test_what_is_read_already_is_passed_over(notifications: Notifications) -> None:
    me = new_id("user")
    (only,) = await notifications.told(me)
    given = {"notificationIds": [only["id"], only["id"]]}
    first = await notifications.act(me, MARK_READ, input=given)
    assert [each["id"] for each in first["markRead"]["notifications"]] == [only["id"]]
    before = await notifications.state()

    again = await notifications.act(me, MARK_READ, input=given)

    assert again == {"markRead": {"notifications": [], "userErrors": []}}
    assert await notifications.state() == before


async def test_nobody_marks_what_is_not_theirs(notifications: Notifications) -> None:
    me, other = new_id("user"), new_id("user")
    (mine,) = await notifications.told(me)
    (theirs,) = await notifications.told(other)
    given = {"notificationIds": [theirs["id"], new_id("notification"), mine["id"]]}

    data = await notifications.act(me, MARK_READ, input=given)

    assert [each["id"] for each in data["markRead"]["notifications"]] == [mine["id"]]
    assert await notifications.inbox(other) == [theirs]
    assert await notifications.log(other) == ["created"]


@pytest.mark.parametrize("count", [0, 101])
async def test_1_to_100_are_marked_at_once(notifications: Notifications, count: int) -> None:
    me = new_id("user")
    (mine,) = await notifications.told(me)
    before = await notifications.state()

    data = await notifications.act(me, MARK_READ, input={"notificationIds": [mine["id"]] * count})

    error = {"code": "INVALID_INPUT", "field": ["notificationIds"]}
    assert data == {"markRead": {"notifications": [], "userErrors": [error]}}
    assert await notifications.state() == before


async def test_malformed_ids_and_nobody_are_errors(notifications: Notifications) -> None:
    me = new_id("user")
    (mine,) = await notifications.told(me)
    before = await notifications.state()

    for bad in ("", "1", "task_01h455vb4pex5vsknk084sn02q", "x" * 10_000):
        given = {"input": {"notificationIds": [mine["id"], bad]}}
        answer = await notifications.served.execute(MARK_READ, given, token=notifications.token(me))
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ID"]
    anonymous = await notifications.served.execute(MARK_READ, {"input": {"notificationIds": [mine["id"]]}})
    assert anonymous["data"] is None
    assert [error["extensions"]["code"] for error in anonymous["errors"]] == ["UNAUTHENTICATED"]
    assert await notifications.state() == before


async def test_whatever_marks_at_once_marks_each_once_and_does_not_deadlock(notifications: Notifications) -> None:
    me = new_id("user")
    ids = [each["id"] for each in await notifications.told(me, 30)]
    orders: list[list[str]] = [ids, ids[::-1], ids[::2], ids[1::2] + ids[::2], ids[10:]]

    async def mark(order: list[str]) -> list[str]:
        payload: dict[str, Any] = (await notifications.act(me, MARK_READ, input={"notificationIds": order}))["markRead"]
        assert payload["userErrors"] == []
        return [each["id"] for each in payload["notifications"]]

    async def mark_all() -> int:
        return int((await notifications.act(me, MARK_ALL_READ, input={}))["markAllRead"]["count"])

    *marked, count = await asyncio.gather(*(mark(order) for order in orders), mark_all())

    one_by_one = [notification_id for each in marked if isinstance(each, list) for notification_id in each]
    assert isinstance(count, int)
    assert len(one_by_one) == len(set(one_by_one)) == 30 - count
    log = await notifications.log(me)
    assert log.count("read") == len(one_by_one)
    assert log.count("all_read") == (1 if count else 0)
    assert await notifications.unread(me) == 0


@pytest.mark.parametrize("document", [MARK_READ, MARK_ALL_READ], ids=["markRead", "markAllRead"])
async def test_who_waits_for_the_first_holds_no_other(notifications: Notifications, document: str) -> None:
    me = new_id("user")
    ids = [each["id"] for each in await notifications.told(me, 3)]
    # The changed row moves behind the others, where PostgreSQL would come to it last.
    await notifications.sql("UPDATE notifications SET title = title WHERE id = :id", id=ids[0])
    # Knowing how small the table is, it reads it row by row instead of by an index.
    await notifications.sql("ANALYZE notifications")
    given = {"notificationIds": ids} if document == MARK_READ else {}

    async with notifications.database.transaction() as holder:
        await store.mark_read(holder, me, ids[:1], clock.now())
        marking = asyncio.create_task(notifications.act(me, document, input=given))
        await eventually(lambda: notifications.sql(WAITING))
        free = await notifications.sql("SELECT id FROM notifications ORDER BY id FOR UPDATE SKIP LOCKED")
    answer = await marking

    assert free == [(each,) for each in ids[1:]]
    (payload,) = answer.values()
    assert payload.get("count", len(payload.get("notifications", []))) == 2
