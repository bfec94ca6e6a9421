"""eraseMyAccount and eraseUser: what is left of somebody who left."""

import asyncio
from typing import Any

import pytest

from shared import clock, erasure, events
from shared.ids import new_id
from tests import factories
from tests.conftest import Elsewhere
from tests.platform.messaging import eventually
from tests.redelivery import deliver_twice
from tests.users.conftest import LOG_IN, OTHER_PASSWORD, PASSWORD, Users, new_email
from tests.users.test_export_my_data import export
from tests.users.test_log_out import code, refused_within

ERASE = """
    mutation($input: EraseMyAccountInput!) { eraseMyAccount(input: $input) {
      user { id displayName bio avatarUrl status email } userErrors { code field }
    } }
"""
ERASE_USER = """
    mutation($input: EraseUserInput!) { eraseUser(input: $input) {
      user { id displayName status } userErrors { code }
    } }
"""
MARKS = ("Marked-name", "marked-bio", "marked.example.org")


async def erase(users: Users, session: dict[str, Any], password: str = PASSWORD) -> dict[str, Any]:
    payload: dict[str, Any] = (await users.act(ERASE, token=session["accessToken"], input={"password": password}))[
        "eraseMyAccount"
    ]
    return payload


async def dump(users: Users) -> str:
    """Everything that the database holds, as text."""
    tables = await users.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found = [await users.rows(f'SELECT CAST(t AS text) FROM "{table}" AS t') for (table,) in tables]
    return str(found)


async def marked(users: Users) -> tuple[dict[str, Any], str]:
    """Somebody who can be recognised wherever they left something, and their address."""
    email = f"marked-{new_email()}"
    session = await users.sign_up(email=email, displayName="Marked-name", idempotencyKey="marked-key")
    change = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }"
    profile = {"bio": "marked-bio", "avatarUrl": "https://marked.example.org/me.png"}
    await users.act(change, token=session["accessToken"], input=profile)
    return session, email


async def test_nothing_of_a_person_is_left_but_their_id(users: Users) -> None:
    session, email = await marked(users)
    other = await users.log_in(email)
    await export(users, session)
    before = await dump(users)
    assert all(mark in before for mark in (email, *MARKS[:3]))

    payload = await erase(users, session)

    user_id = session["user"]["id"]
    assert payload == {
        "user": {
            "id": user_id,
            "displayName": "Deleted user",
            "bio": None,
            "avatarUrl": None,
            "status": "ERASED",
            "email": None,
        },
        "userErrors": [],
    }
    left = await dump(users)
    assert [mark for mark in (email, "marked", "Marked", "argon2") if mark in left] == []
    assert await users.rows("SELECT * FROM refresh_tokens") == []
    assert await users.rows("SELECT * FROM data_exports") == []
    # The log keeps its numbers.
    log = await users.rows("SELECT seq, type FROM outbox WHERE stream = :stream ORDER BY seq", stream=f"user:{user_id}")
    assert [seq for seq, _ in log] == list(range(1, len(log) + 1))
    assert log[-1][1] == "users.user.erased"
    assert await users.bodies("users.user.erased") == [{"user_id": user_id, "by": None, "reason": None}]
    for each in (session, other):
        assert await refused_within(users, each, 5)
        assert (await users.refresh(each["refreshToken"]))["userErrors"][0]["code"] == "SESSION_EXPIRED"
    refused = (await users.act(LOG_IN, input={"email": email, "password": PASSWORD}))["logIn"]
    assert [error["code"] for error in refused["userErrors"]] == ["INVALID_CREDENTIALS"]
    # The address is free again, and its next owner is somebody else.
    assert (await users.sign_up(email=email, idempotencyKey="marked-key"))["user"]["id"] != user_id


async def test_the_password_is_asked_for_again(users: Users) -> None:
    session, _ = await marked(users)
    before = await users.state()

    payload = await erase(users, session, OTHER_PASSWORD)

    assert payload == {"user": None, "userErrors": [{"code": "INVALID_CREDENTIALS", "field": ["password"]}]}
    assert await users.state() == before


@pytest.mark.parametrize("side", ["poster_id", "tasker_id"])
async def test_nobody_leaves_whom_somebody_counts_on(users: Users, elsewhere: Elsewhere, side: str) -> None:
    session, _ = await marked(users)
    people = {"poster_id": new_id("user"), "tasker_id": new_id("user")} | {side: session["user"]["id"]}
    assigned = factories.task_snapshot(status="ASSIGNED", version=3, **people)
    cancelled = assigned.model_copy(update={"status": "CANCELLED", "version": 4})
    others = factories.task_snapshot(status="ASSIGNED", tasker_id=new_id("user"))
    await deliver_twice(
        elsewhere,
        "users",
        events.TaskAssigned(task=assigned, bid_id=new_id("bid")),
        events.TaskAssigned(task=others, bid_id=new_id("bid")),
    )
    before = await users.state()

    payload = await erase(users, session)

    assert payload == {"user": None, "userErrors": [{"code": "ACCOUNT_HAS_OPEN_ENGAGEMENTS", "field": None}]}
    assert await users.state() == before

    await deliver_twice(elsewhere, "users", events.TaskCancelled(task=cancelled, reason="Rain", by="POSTER"))
    # A dead letter that is replayed tells nothing new.
    await deliver_twice(elsewhere, "users", events.TaskAssigned(task=assigned, bid_id=new_id("bid")))
    assert (await erase(users, session))["userErrors"] == []


async def test_of_two_erasures_at_once_one_counts(users: Users) -> None:
    session, _ = await marked(users)

    answers = await asyncio.gather(
        *(users.execute(ERASE, {"input": {"password": PASSWORD}}, token=session["accessToken"]) for _ in range(4))
    )

    done = [each for each in answers if each["data"] and each["data"]["eraseMyAccount"]["user"]]
    assert len(done) == 1
    assert len(await users.bodies("users.user.erased")) == 1


async def test_an_admin_erases_somebody_and_says_why(users: Users) -> None:
    session, _ = await marked(users)
    email = new_email()
    await users.sign_up(email=email)
    await users.rows("UPDATE users SET roles = '{POSTER,ADMIN}' WHERE email = :email RETURNING 1", email=email)
    admin = await users.log_in(email)
    given = {"userId": session["user"]["id"], "reason": "They asked for it by post."}

    answer = await users.execute(ERASE_USER, {"input": given}, token=session["accessToken"])
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await code(users, session) == "OK"

    payload = (await users.act(ERASE_USER, token=admin["accessToken"], input=given))["eraseUser"]

    assert payload == {
        "user": {"id": session["user"]["id"], "displayName": "Deleted user", "status": "ERASED"},
        "userErrors": [],
    }
    (body,) = await users.bodies("users.user.erased")
    assert body["by"] == admin["user"]["id"]
    assert await refused_within(users, session, 5)


async def test_what_comes_later_is_erased_as_well(users: Users) -> None:
    session, _ = await marked(users)
    await erase(users, session)
    # As by a request that had begun before.
    await users.rows("UPDATE users SET bio = 'marked-bio' RETURNING 1")

    for kind, after in erasure.PASSES.items():
        with clock.offset(after + after / 100):

            async def done(kind: str = kind) -> bool:
                return not await users.rows("SELECT 1 FROM deadlines WHERE kind = :kind", kind=kind)

            await eventually(done)

    assert "marked" not in await dump(users)
    # Nor is there a session any more.
    assert await users.rows("SELECT * FROM sessions") == []
