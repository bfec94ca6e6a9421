"""blockUser, unblockUser, myBlockedUsers."""

import asyncio
from typing import Any

import pytest

from shared.ids import new_id
from tests.users.conftest import Serve, Users

BLOCK = """mutation($input: BlockUserInput!) { blockUser(input: $input) {
    user { id displayName } userErrors { code field } } }"""
UNBLOCK = "mutation($input: UnblockUserInput!) { unblockUser(input: $input) { user { id } userErrors { code field } } }"
MINE = """query($first: Int, $after: String) { myBlockedUsers(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { blockedAt user { id displayName } } } }"""


async def block(users: Users, token: str, user_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await users.act(BLOCK, token=token, input={"userId": user_id}))["blockUser"]
    return payload


async def unblock(users: Users, token: str, user_id: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await users.act(UNBLOCK, token=token, input={"userId": user_id}))["unblockUser"]
    return payload


async def blocked(users: Users, token: str) -> list[str]:
    """The ids that `myBlockedUsers` shows."""
    return [node["user"]["id"] for node in (await users.act(MINE, token=token))["myBlockedUsers"]["nodes"]]


async def test_blocking_twice_is_the_same_as_once_and_so_is_taking_it_back(users: Users) -> None:
    me, other = await users.sign_up(), await users.sign_up(displayName="Mallory")
    token, my_id, other_id = me["accessToken"], me["user"]["id"], other["user"]["id"]
    answer = {"user": {"id": other_id, "displayName": "Mallory"}, "userErrors": []}

    assert [await block(users, token, other_id) for _ in range(2)] == [answer] * 2
    assert await blocked(users, token) == [other_id]
    assert await blocked(users, other["accessToken"]) == []

    answer = {"user": {"id": other_id}, "userErrors": []}
    assert [await unblock(users, token, other_id) for _ in range(2)] == [answer] * 2
    assert await blocked(users, token) == []
    stream = f"user:{my_id}"
    assert (await users.log())[2:] == [(stream, 2, "users.user.blocked"), (stream, 3, "users.user.unblocked")]
    for event_type in ("users.user.blocked", "users.user.unblocked"):
        assert await users.bodies(event_type) == [{"user_id": my_id, "blocked_id": other_id}]


async def test_ten_blocks_at_once_are_one(users: Users) -> None:
    me, other = await users.sign_up(), await users.sign_up()
    await asyncio.gather(*(block(users, me["accessToken"], other["user"]["id"]) for _ in range(10)))
    assert len(await users.bodies("users.user.blocked")) == 1


@pytest.mark.parametrize("document", [BLOCK, UNBLOCK])
async def test_neither_oneself_nor_who_is_not_there(users: Users, document: str) -> None:
    me = await users.sign_up()
    before = await users.state(), await users.rows("SELECT * FROM blocks")
    for user_id, code in ((me["user"]["id"], "NOT_ALLOWED"), (new_id("user"), "NOT_FOUND")):
        data = await users.act(document, token=me["accessToken"], input={"userId": user_id})
        assert list(data.values()) == [{"user": None, "userErrors": [{"code": code, "field": ["userId"]}]}]
    answer = await users.execute(document, {"input": {"userId": "task_1"}}, token=me["accessToken"])
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ID"]
    answer = await users.execute(document, {"input": {"userId": new_id("user")}})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert (await users.state(), await users.rows("SELECT * FROM blocks")) == before


async def test_who_left_is_blocked_no_more_but_can_be_unblocked(users: Users) -> None:
    me, gone = await users.sign_up(), await users.sign_up()
    token, gone_id = me["accessToken"], gone["user"]["id"]
    await block(users, token, gone_id)
    await users.rows("UPDATE users SET status = 'ERASED' WHERE id = :id RETURNING id", id=gone_id)

    assert (await block(users, token, gone_id))["userErrors"] == [{"code": "NOT_FOUND", "field": ["userId"]}]
    nodes = (await users.act(MINE, token=token))["myBlockedUsers"]["nodes"]
    assert [node["user"] for node in nodes] == [{"id": gone_id, "displayName": "Deleted user"}]
    assert (await unblock(users, token, gone_id))["userErrors"] == []
    assert await blocked(users, token) == []


async def test_the_list_is_newest_first_and_one_statement_for_the_people_on_a_page(users: Users) -> None:
    me = await users.sign_up()
    ids = [(await users.sign_up())["user"]["id"] for _ in range(3)]
    for user_id in ids:
        await block(users, me["accessToken"], user_id)

    page = (await users.act(MINE, token=me["accessToken"], first=2))["myBlockedUsers"]
    assert (page["totalCount"], [node["user"]["id"] for node in page["nodes"]]) == (3, [ids[2], ids[1]])
    after = page["pageInfo"]["endCursor"]
    page = (await users.act(MINE, token=me["accessToken"], first=2, after=after))["myBlockedUsers"]
    assert [node["user"]["id"] for node in page["nodes"]] == [ids[0]]
    assert page["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("limit", ["blocks_per_account", "blocks_per_address"])
async def test_blocks_are_counted(serve_users: Serve, limit: str) -> None:
    async with serve_users(**{limit: "2/1 hour"}) as users:
        me, other = await users.sign_up(), await users.sign_up()
        for _ in range(2):
            await block(users, me["accessToken"], other["user"]["id"])
        variables = {"input": {"userId": other["user"]["id"]}}
        answer = await users.execute(UNBLOCK, variables, token=me["accessToken"])
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["RATE_LIMITED"]
        assert answer["errors"][0]["extensions"]["retryAfterSeconds"] > 0
        assert await blocked(users, me["accessToken"]) == [other["user"]["id"]]
