"""logOut and logOutEverywhere, and how soon nobody takes the tokens any more."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.ids import new_id
from subgraphs.users.revocations import RevocationKeeper
from tests.users.conftest import ME, Serve, Users

SESSION = "id endedAt current userAgent"
LOG_OUT = (
    "mutation($input: LogOutInput!)"
    f" {{ logOut(input: $input) {{ session {{ {SESSION} }} userErrors {{ code field }} }} }}"
)
LOG_OUT_EVERYWHERE = (
    "mutation($input: LogOutEverywhereInput!)"
    f" {{ logOutEverywhere(input: $input) {{ sessions {{ {SESSION} }} userErrors {{ code }} }} }}"
)


def session_id(users: Users, session: dict[str, Any]) -> str:
    return users.services.verifier.verify(session["accessToken"]).session_id


async def code(users: Users, session: dict[str, Any]) -> str:
    """What a request with the session's access token comes to."""
    answer = await users.execute(ME, token=session["accessToken"])
    return "OK" if "errors" not in answer else str(answer["errors"][0]["extensions"]["code"])


async def refused_within(users: Users, session: dict[str, Any], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await code(users, session) == "UNAUTHENTICATED":
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_session_ends(users: Users) -> None:
    session = await users.sign_up()
    other = await users.log_in((await users.act(ME, token=session["accessToken"]))["me"]["email"])

    data = await users.act(LOG_OUT, token=session["accessToken"], input={})

    ended = data["logOut"]["session"]
    assert data == {
        "logOut": {
            "session": {
                "id": session_id(users, session),
                "endedAt": ended["endedAt"],
                "current": True,
                "userAgent": "tests",
            },
            "userErrors": [],
        }
    }
    assert ended["endedAt"] is not None
    assert await code(users, session) == "UNAUTHENTICATED"
    assert [error["code"] for error in (await users.refresh(session["refreshToken"]))["userErrors"]] == [
        "SESSION_EXPIRED"
    ]
    assert await code(users, other) == "OK"
    stream = f"user:{session['user']['id']}"
    assert await users.log() == [(stream, 1, "users.user.registered"), (stream, 2, "users.user.session_revoked")]


async def test_another_session_of_ones_own_ends(users: Users) -> None:
    first = await users.sign_up(email="somchai@example.com")
    second = await users.log_in("somchai@example.com")
    given = {"sessionId": session_id(users, second)}

    for _ in range(2):
        data = await users.act(LOG_OUT, token=first["accessToken"], input=given)
        assert data["logOut"]["session"]["id"] == given["sessionId"]
        assert data["logOut"]["session"]["current"] is False

    assert (await code(users, first), await code(users, second)) == ("OK", "UNAUTHENTICATED")
    assert len(await users.bodies("users.user.session_revoked")) == 1


async def test_nobody_ends_somebody_elses_session(users: Users) -> None:
    mine, theirs = await users.sign_up(), await users.sign_up()
    before = await users.state()

    for target in (session_id(users, theirs), new_id("session")):
        data = await users.act(LOG_OUT, token=mine["accessToken"], input={"sessionId": target})
        assert data == {"logOut": {"session": None, "userErrors": [{"code": "NOT_FOUND", "field": ["sessionId"]}]}}
    answer = await users.execute(LOG_OUT, {"input": {"sessionId": "task_1"}}, token=mine["accessToken"])
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_ID"
    answer = await users.execute(LOG_OUT, {"input": {}})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await users.state() == before
    assert await code(users, theirs) == "OK"


async def test_all_sessions_end_and_those_of_others_go_on(users: Users) -> None:
    mine = [await users.sign_up(email="somchai@example.com")]
    mine += [await users.log_in("somchai@example.com") for _ in range(3)]
    theirs = await users.sign_up()

    data = await users.act(LOG_OUT_EVERYWHERE, token=mine[1]["accessToken"], input={})

    ended = [session["id"] for session in data["logOutEverywhere"]["sessions"]]
    assert ended == sorted(session_id(users, session) for session in mine)
    assert data["logOutEverywhere"]["userErrors"] == []
    assert [await code(users, session) for session in mine] == ["UNAUTHENTICATED"] * 4
    assert await code(users, theirs) == "OK"
    assert len(await users.bodies("users.user.session_revoked")) == 4


async def test_the_others_end_and_the_current_one_goes_on(users: Users) -> None:
    first = await users.sign_up(email="somchai@example.com")
    second = await users.log_in("somchai@example.com")

    data = await users.act(LOG_OUT_EVERYWHERE, token=second["accessToken"], input={"keepCurrent": True})

    assert [session["id"] for session in data["logOutEverywhere"]["sessions"]] == [session_id(users, first)]
    assert (await code(users, first), await code(users, second)) == ("UNAUTHENTICATED", "OK")


@pytest.mark.timing
async def test_other_processes_refuse_the_tokens_within_5_seconds(users: Users, serve_users: Serve) -> None:
    async with serve_users() as other:
        session = await users.sign_up()
        assert await code(other, session) == "OK"
        await users.act(LOG_OUT, token=session["accessToken"], input={})
        assert await refused_within(other, session, 5)


async def test_they_do_although_redis_was_away_when_the_session_ended(users: Users, serve_users: Serve) -> None:
    async with serve_users(redis_url="redis://127.0.0.1:9/0") as cut_off, serve_users() as other:
        session = await users.sign_up()
        # Only PostgreSQL hears of it; the keeper of another replica tells Redis.
        await cut_off.act(LOG_OUT, token=session["accessToken"], input={})
        assert await code(cut_off, session) == "UNAUTHENTICATED"
        assert await refused_within(other, session, 30)


async def test_they_do_although_redis_lost_everything(users: Users, serve_users: Serve) -> None:
    session = await users.sign_up()
    await users.act(LOG_OUT, token=session["accessToken"], input={})
    client = users.services.cache.client
    await client.flushdb()
    async with serve_users() as new_process:
        assert await refused_within(new_process, session, 30)
    assert await client.zscore("revoked:sessions", session_id(users, session)) is not None


async def test_what_no_token_can_outlive_is_told_no_more(users: Users) -> None:
    session = await users.sign_up()
    await users.act(LOG_OUT, token=session["accessToken"], input={})
    client = users.services.cache.client
    await client.flushdb()
    with clock.offset(timedelta(minutes=17)):
        await RevocationKeeper(users.services).assert_revoked()
    assert await client.zcard("revoked:sessions") == 0


async def test_what_expired_is_forgotten_and_nothing_else(users: Users) -> None:
    old = await users.sign_up()
    await users.refresh(old["refreshToken"])
    keeper = RevocationKeeper(users.services)
    with clock.offset(timedelta(days=29)):
        new = await users.sign_up()
        await keeper._tidy()
    assert len(await users.rows("SELECT 1 FROM refresh_tokens")) == 3

    with clock.offset(timedelta(days=31)):
        await keeper._tidy()
        assert len(await users.rows("SELECT 1 FROM refresh_tokens")) == 1
        assert len(await users.rows("SELECT 1 FROM sessions")) == 2
        assert (await users.refresh(new["refreshToken"]))["userErrors"] == []
    with clock.offset(timedelta(days=61)):
        await keeper._tidy()
    assert await users.rows("SELECT id FROM sessions") == [(session_id(users, new),)]
