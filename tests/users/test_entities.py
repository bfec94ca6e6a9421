"""Who may see what of a user: by `me`, `user`, `mySessions`, and by `_entities` straight at the subgraph."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from shared.ids import new_id
from tests.conftest import AccessToken, ServeSubgraph
from tests.users.conftest import ERRORS, ME, PASSWORD, USER_FIELDS, Users, new_email, sign_up_input
from tests.users.second_factors import challenge, enable
from tests.users.web import Web, serve_web

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
    private = owner["user"]
    assert (private["email"], private["roles"]) == ("somchai@example.com", ["POSTER", "TASKER"])
    public = private | {"email": None, "roles": None}
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
    user = (await users.sign_up())["user"] | {"email": None, "roles": None}
    user_id = user["id"]

    await users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    assert await seen(users, user_id, None) == [user | {"status": "SUSPENDED"}] * 2

    await users.rows("UPDATE users SET status = 'ERASED' RETURNING id")
    shown = user | {"status": "ERASED", "displayName": "Deleted user"}
    assert await seen(users, user_id, None) == [shown] * 2


@pytest.mark.parametrize("document", [ME, SESSIONS])
async def test_anonymous_people_have_neither_account_nor_sessions(users: Users, document: str) -> None:
    answer = await users.execute(document)
    assert list(answer["data"].values()) == [None]
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


@pytest.fixture
async def web(serve_subgraph: ServeSubgraph, hostile: str, hostile_file: Path) -> AsyncIterator[Web]:
    async with serve_web(serve_subgraph, hostile, hostile_file) as web:
        yield web


OWN_FIELDS = f"{USER_FIELDS} phone preferences {{ locale timeZone }} emailVerifiedAt suspension {{ reason }}"
SIGNING_IN = {
    "signUp": "SignUpInput",
    "logIn": "LogInInput",
    "refreshSession": "RefreshSessionInput",
    "completeLogIn": "CompleteLogInInput",
    "completeOpenIdSignIn": "CompleteOpenIdSignInInput",
}


def signing_in(name: str) -> str:
    """A way to sign in with all that one sees of oneself."""
    below = f"session {{ accessToken refreshToken user {{ {OWN_FIELDS} {FACTOR} }} }} {ERRORS}"
    return f"mutation($input: {SIGNING_IN[name]}!) {{ {name}(input: $input) {{ {below} }} }}"


FACTOR = "secondFactor { enabledAt recoveryCodesLeft }"
MYSELF = f"{{ me {{ {OWN_FIELDS} {FACTOR} }} }}"


@pytest.mark.parametrize("beside", [None, "expired", "of somebody else"])
async def test_who_signs_in_sees_themselves(web: Web, access_token: AccessToken, beside: str | None) -> None:
    users, email = web.users, new_email()
    token = {
        None: None,
        "expired": access_token(new_id("user"), expires_in=-3),
        "of somebody else": access_token(new_id("user")),
    }[beside]

    async def signs_in(name: str, **input: object) -> dict[str, Any]:
        payload = (await users.act(signing_in(name), token=token, input=input))[name]
        session: dict[str, Any] = payload["session"]
        assert payload["userErrors"] == []
        assert {"me": session["user"]} == await users.act(MYSELF, token=session["accessToken"])
        assert session["user"]["email"] is not None
        return session

    signed_up = await signs_in("signUp", **sign_up_input(email=email))
    await signs_in("refreshSession", refreshToken=signed_up["refreshToken"])
    await signs_in("logIn", email=email, password=PASSWORD)
    person = await enable(users)
    given = {"challenge": await challenge(users, person.email), "code": person.code()}
    session = await signs_in("completeLogIn", **given)
    assert session["user"]["secondFactor"]["recoveryCodesLeft"] == 10
    await signs_in("completeOpenIdSignIn", **await web.answer(await web.start()))


async def test_what_else_is_told_beside_a_token_that_does_not_hold_is_told_to_no_stranger(
    users: Users, access_token: AccessToken
) -> None:
    session = await users.sign_up()
    document = "mutation($input: StartOpenIdSignInInput!) { startOpenIdSignIn(input: $input) { handle } }"
    answer = await users.execute(
        document,
        {"input": {"provider": "acme", "link": True}},
        token=access_token(session["user"]["id"], expires_in=-3),
    )
    assert [error["message"] for error in answer["errors"]] == ["The access token has expired."]


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
