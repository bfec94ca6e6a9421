"""Who may see what of a user: by `me`, `user`, `mySessions`, and by `_entities` straight at the subgraph."""

from typing import Any

import pytest
from sqlalchemy import event

from shared.ids import new_id
from tests.conftest import AccessToken
from tests.users.conftest import ME, USER_FIELDS, Users

USER = f"query($id: ID!) {{ user(id: $id) {{ {USER_FIELDS} }} }}"
ENTITIES = (
    "query($representations: [_Any!]!) { _entities(representations: $representations) {"
    f" ... on User {{ {USER_FIELDS} }} }} }}"
)
SESSIONS = """query($first: Int, $after: String) { mySessions(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { id userAgent current endedAt } } }"""


def reference(user_id: str) -> dict[str, str]:
    return {"__typename": "User", "id": user_id}


async def seen(users: Users, user_id: str, token: str | None) -> list[Any]:
    """The user by `user` and by `_entities`."""
    by_query = (await users.act(USER, token=token, id=user_id))["user"]
    by_reference = (await users.act(ENTITIES, token=token, representations=[reference(user_id)]))["_entities"][0]
    return [by_query, by_reference]


async def test_everybody_sees_the_profile_and_few_the_rest(users: Users, access_token: AccessToken) -> None:
    owner, other = await users.sign_up(email="somchai@example.com"), await users.sign_up()
    user_id = owner["user"]["id"]
    public = owner["user"]
    assert (public["email"], public["roles"]) == (None, None)
    private = public | {"email": "somchai@example.com", "roles": ["POSTER", "TASKER"]}
    admin = access_token(new_id("user"), roles=("ADMIN",), scope="marketplace admin")
    support = access_token(new_id("user"), roles=("SUPPORT",), scope="marketplace support")

    assert await seen(users, user_id, None) == [public] * 2
    assert await seen(users, user_id, other["accessToken"]) == [public] * 2
    assert await seen(users, user_id, support) == [public] * 2
    assert await seen(users, user_id, owner["accessToken"]) == [private] * 2
    assert await seen(users, user_id, admin) == [private] * 2


async def test_who_is_not_there_is_null(users: Users) -> None:
    session = await users.sign_up()
    missing = new_id("user")
    assert await seen(users, missing, None) == [None] * 2
    data = await users.act(ENTITIES, representations=[reference(missing), reference(session["user"]["id"])])
    assert [entity and entity["id"] for entity in data["_entities"]] == [None, session["user"]["id"]]


@pytest.mark.parametrize("user_id", ["", "1", "task_01h455vb4pex5vsknk084sn02q", "user_01H455VB4PEX5VSKNK084SN02Q"])
async def test_what_is_no_users_id_is_told_so(users: Users, user_id: str) -> None:
    for document, variables in ((USER, {"id": user_id}), (ENTITIES, {"representations": [reference(user_id)]})):
        answer = await users.execute(document, variables)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_ID"]


async def test_a_batch_of_references_is_one_statement(users: Users) -> None:
    ids = [(await users.sign_up())["user"]["id"] for _ in range(5)]
    statements: list[str] = []
    engine = users.services.database.pools()["read"].sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    data = await users.act(ENTITIES, representations=[reference(user_id) for user_id in [*ids, ids[0]]])

    assert [entity["id"] for entity in data["_entities"]] == [*ids, ids[0]]
    (statement,) = [each for each in statements if "FROM users" in each]
    assert "password_hash" not in statement


async def test_a_suspended_user_is_shown_and_an_erased_one_is_a_deleted_user(users: Users) -> None:
    session = await users.sign_up()
    user_id = session["user"]["id"]

    await users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    assert await seen(users, user_id, None) == [session["user"] | {"status": "SUSPENDED"}] * 2

    await users.rows("UPDATE users SET status = 'ERASED' RETURNING id")
    shown = session["user"] | {"status": "ERASED", "displayName": "Deleted user"}
    assert await seen(users, user_id, None) == [shown] * 2


@pytest.mark.parametrize("document", [ME, SESSIONS])
async def test_anonymous_people_have_neither_account_nor_sessions(users: Users, document: str) -> None:
    for token in (None, "not a token"):
        answer = await users.execute(document, token=token)
        assert list(answer["data"].values()) == [None]
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_one_sees_ones_own_sessions_newest_first(users: Users) -> None:
    first = await users.sign_up(email="somchai@example.com")
    second = await users.log_in("somchai@example.com")
    ended = await users.log_in("somchai@example.com")
    await users.act("mutation { logOut(input: {}) { userErrors { code } } }", token=ended["accessToken"])
    await users.sign_up()
    ids = [users.services.verifier.verify(session["accessToken"]).session_id for session in (first, second)]

    page = (await users.act(SESSIONS, token=first["accessToken"], first=1))["mySessions"]
    assert page == {
        "totalCount": 2,
        "pageInfo": {"hasNextPage": True, "endCursor": page["pageInfo"]["endCursor"]},
        "nodes": [{"id": ids[1], "userAgent": "tests", "current": False, "endedAt": None}],
    }
    after = page["pageInfo"]["endCursor"]
    page = (await users.act(SESSIONS, token=first["accessToken"], first=1, after=after))["mySessions"]
    assert page["nodes"] == [{"id": ids[0], "userAgent": "tests", "current": True, "endedAt": None}]
    assert page["pageInfo"]["hasNextPage"] is False
