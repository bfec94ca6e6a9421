"""notifications and unreadCount."""

from typing import Any

from shared.ids import new_id
from tests.notifications.conftest import LIST, MARK_READ, Notifications
from tests.support.statements import statements


async def test_the_list_holds_ones_own_newest_first(notifications: Notifications) -> None:
    me, other = new_id("user"), new_id("user")
    first, second = await notifications.told(me, 2)
    (theirs,) = await notifications.told(other)
    third = await notifications.told_of_task(me)

    assert await notifications.inbox(me) == [third, second, first]
    assert await notifications.inbox(other) == [theirs]
    assert await notifications.inbox(new_id("user")) == []
    assert (await notifications.unread(me), await notifications.unread(other)) == (3, 1)


async def test_the_filter_narrows_the_list(notifications: Notifications) -> None:
    me = new_id("user")
    bid_1, bid_2 = await notifications.told(me, 2)
    task = await notifications.told_of_task(me)
    data = await notifications.act(me, MARK_READ, input={"notificationIds": [bid_1["id"]]})
    (bid_1,) = data["markRead"]["notifications"]
    everything = [task, bid_2, bid_1]

    assert await notifications.inbox(me) == everything
    assert await notifications.inbox(me, category=None, unread=False) == everything
    assert await notifications.inbox(me, category="BIDS") == [bid_2, bid_1]
    assert await notifications.inbox(me, category="TASKS") == [task]
    assert await notifications.inbox(me, category="CHAT") == []
    assert await notifications.inbox(me, unread=True) == [task, bid_2]
    assert await notifications.inbox(me, category="BIDS", unread=True) == [bid_2]
    # What is counted is the filtered list, and beside it all that is unread.
    data = await notifications.act(me, LIST, filter={"category": "BIDS"}, first=1)
    assert (data["notifications"]["totalCount"], data["unreadCount"]) == (2, 2)


async def test_the_list_is_paged_both_ways_with_two_statements(notifications: Notifications) -> None:
    me = new_id("user")
    newest = [each["id"] for each in await notifications.told(me, 7)][::-1]

    async def page(**arguments: Any) -> dict[str, Any]:
        with statements(notifications.database) as seen:
            data = await notifications.act(me, LIST, filter={"unread": True}, **arguments)
        # The page, its count, and unreadCount.
        assert len(seen) == 3
        found: dict[str, Any] = data["notifications"]
        assert found["totalCount"] == 7
        assert [edge["node"] for edge in found["edges"]] == found["nodes"]
        return found

    forwards = [await page(first=3)]
    while forwards[-1]["pageInfo"]["hasNextPage"]:
        forwards.append(await page(first=3, after=forwards[-1]["pageInfo"]["endCursor"]))
    backwards = [await page(last=3)]
    while backwards[-1]["pageInfo"]["hasPreviousPage"]:
        backwards.append(await page(last=3, before=backwards[-1]["pageInfo"]["startCursor"]))

    assert [[node["id"] for node in each["nodes"]] for each in forwards] == [newest[:3], newest[3:6], newest[6:]]
    assert [[node["id"] for node in each["nodes"]] for each in backwards] == [newest[4:], newest[1:4], newest[:1]]


async def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(notifications: Notifications) -> None:
    me, other = new_id("user"), new_id("user")
    (older,) = await notifications.told(me)
    await notifications.told(other, 2)
    theirs = (await notifications.act(other, LIST))["notifications"]["pageInfo"]["startCursor"]

    nodes = (await notifications.act(me, LIST, after=theirs))["notifications"]["nodes"]

    assert nodes == [older]


async def test_nobody_and_nonsense_are_refused(notifications: Notifications) -> None:
    anonymous = await notifications.served.execute(LIST)
    assert anonymous["data"] == {"notifications": None, "unreadCount": None}
    assert [error["extensions"]["code"] for error in anonymous["errors"]] == ["UNAUTHENTICATED"] * 2

    token = notifications.token(new_id("user"))
    for arguments in (
        {"filter": {"category": "GOSSIP"}},
        {"filter": {"unread": None}},
        {"first": 0},
        {"first": 101},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
    ):
        answer = await notifications.served.execute(LIST, arguments, token=token)
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes <= {"BAD_REQUEST", "TOO_COMPLEX"}, arguments
