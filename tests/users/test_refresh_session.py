"""refreshSession."""

import asyncio
from datetime import timedelta

import pytest

from shared import clock
from subgraphs.users import actions
from tests.users.conftest import ME, REFRESH, Serve, Users

EXPIRED = {
    "session": None,
    "userErrors": [
        {"code": "SESSION_EXPIRED", "message": "The session has ended; log in again.", "field": None},
    ],
}


async def test_a_session_goes_on_with_its_next_tokens(users: Users) -> None:
    first = await users.sign_up()

    payload = await users.refresh(first["refreshToken"])

    second = payload["session"]
    assert payload["userErrors"] == []
    assert second["user"] == first["user"]
    assert second["refreshToken"] != first["refreshToken"]
    verify = users.services.verifier.verify
    assert verify(second["accessToken"]).session_id == verify(first["accessToken"]).session_id
    assert (await users.act(ME, token=second["accessToken"]))["me"]["id"] == first["user"]["id"]
    assert len(await users.rows("SELECT 1 FROM sessions")) == 1
    assert len(await users.log()) == 1


async def test_refreshing_works_with_an_expired_access_token_beside_it(users: Users) -> None:
    session = await users.sign_up()
    with clock.offset(timedelta(minutes=16)):
        answer = await users.execute(ME, token=session["accessToken"])
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
        given = {"input": {"refreshToken": session["refreshToken"]}}
        answer = await users.execute(REFRESH, given, token=session["accessToken"])
        token = answer["data"]["refreshSession"]["session"]["accessToken"]
        assert (await users.act(ME, token=token))["me"]["id"] == session["user"]["id"]


async def test_a_session_that_is_used_lives_on(users: Users) -> None:
    token = (await users.sign_up())["refreshToken"]
    for days in (29, 58, 87):
        with clock.offset(timedelta(days=days)):
            payload = await users.refresh(token)
        assert payload["userErrors"] == []
        token = payload["session"]["refreshToken"]


async def test_a_session_that_is_not_used_ends(users: Users) -> None:
    session = await users.sign_up()
    # It would be given up meanwhile.
    await users.rows("DELETE FROM mails RETURNING id")
    before = await users.state()
    with clock.offset(timedelta(days=30, seconds=1)):
        assert await users.refresh(session["refreshToken"]) == EXPIRED
    assert await users.state() == before


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 100_000, "ä😀"])
async def test_what_is_no_token_is_refused(users: Users, token: str) -> None:
    await users.sign_up()
    before = await users.state()
    assert await users.refresh(token) == EXPIRED
    assert await users.state() == before


async def test_of_50_at_once_one_rotates_and_all_go_on_with_the_same_token(users: Users) -> None:
    session = await users.sign_up()

    answers = await asyncio.gather(*(users.refresh(session["refreshToken"]) for _ in range(50)))

    assert [answer["userErrors"] for answer in answers] == [[]] * 50
    (successor,) = {answer["session"]["refreshToken"] for answer in answers}
    assert len(await users.rows("SELECT 1 FROM refresh_tokens")) == 2
    assert (await users.refresh(successor))["userErrors"] == []


async def test_a_refresh_waits_for_the_one_before_it(users: Users) -> None:
    token = (await users.sign_up())["refreshToken"]
    database = users.services.database

    async def refresh() -> str:
        async with database.transaction() as session:
            outcome = await actions.sessions.refresh_session(session, token, "")
        assert isinstance(outcome, actions.sessions.Grant)
        return outcome.refresh_token

    async with database.transaction() as session:
        first = await actions.sessions.refresh_session(session, token, "")
        second = asyncio.create_task(refresh())
        done, _ = await asyncio.wait([second], timeout=0.5)
        assert not done
    assert isinstance(first, actions.sessions.Grant)
    assert await second == first.refresh_token


async def test_a_double_click_loses_nothing_even_after_the_next_refresh(users: Users) -> None:
    first = (await users.sign_up())["refreshToken"]
    second = (await users.refresh(first))["session"]["refreshToken"]
    third = (await users.refresh(second))["session"]["refreshToken"]

    with clock.offset(timedelta(seconds=9)):
        assert (await users.refresh(first))["session"]["refreshToken"] == second
        assert (await users.refresh(second))["session"]["refreshToken"] == third
    assert len(await users.rows("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 1


async def test_a_token_used_again_later_ends_the_session(users: Users) -> None:
    session = await users.sign_up()
    user_id = session["user"]["id"]
    session_id = users.services.verifier.verify(session["accessToken"]).session_id
    latest = (await users.refresh(session["refreshToken"]))["session"]

    with clock.offset(timedelta(seconds=11)):
        assert await users.refresh(session["refreshToken"]) == EXPIRED

        assert await users.refresh(latest["refreshToken"]) == EXPIRED
        answer = await users.execute(ME, token=latest["accessToken"])
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert await users.log() == [
        (f"user:{user_id}", 1, "users.user.registered"),
        (f"user:{user_id}", 2, "users.user.session_revoked"),
    ]
    (body,) = await users.bodies("users.user.session_revoked")
    assert (body["user_id"], body["session_id"]) == (user_id, session_id)
    assert await users.rows("SELECT end_reason FROM sessions") == [("REFRESH_REUSED",)]


async def test_reuse_ends_no_other_session(users: Users) -> None:
    first = await users.sign_up(email="somchai@example.com")
    other = await users.log_in("somchai@example.com")
    await users.refresh(first["refreshToken"])
    with clock.offset(timedelta(seconds=11)):
        await users.refresh(first["refreshToken"])
        assert (await users.refresh(other["refreshToken"]))["userErrors"] == []


async def test_a_suspended_user_gets_no_tokens(users: Users) -> None:
    session = await users.sign_up()
    await users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    before = await users.state()

    payload = await users.refresh(session["refreshToken"])

    assert payload == {
        "session": None,
        "userErrors": [{"code": "ACCOUNT_SUSPENDED", "message": "This account is suspended.", "field": None}],
    }
    assert await users.state() == before


async def test_what_is_stored_makes_no_successor(users: Users) -> None:
    session = await users.sign_up()
    successor = (await users.refresh(session["refreshToken"]))["session"]["refreshToken"]
    stored = await users.rows("SELECT token_hash, successor_salt FROM refresh_tokens")
    for secret in (session["refreshToken"], successor):
        assert all(secret.encode() not in (bytes(row[0]), bytes(row[1] or b"")) for row in stored)
    # Both salts and hashes are of no use as tokens.
    for row in stored:
        for value in row:
            if value is not None:
                assert await users.refresh(bytes(value).hex()) == EXPIRED


async def test_replicas_agree(users: Users, serve_users: Serve) -> None:
    session = await users.sign_up()
    async with serve_users() as replica:
        here, there = await asyncio.gather(
            users.refresh(session["refreshToken"]), replica.refresh(session["refreshToken"])
        )
    assert here["session"]["refreshToken"] == there["session"]["refreshToken"]
