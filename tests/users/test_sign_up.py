"""signUp."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.identity.actor import Role
from tests.users.conftest import ME, OTHER_PASSWORD, PASSWORD, SIGN_UP, Serve, Users, sign_up_input


async def test_a_person_signs_up_and_is_signed_in(users: Users) -> None:
    before = clock.now()
    payload = (await users.act(SIGN_UP, input=sign_up_input(email=" Somchai@Example.com", displayName=" Somchai ")))[
        "signUp"
    ]

    session = payload["session"]
    user = session["user"]
    assert payload == {
        "session": {
            "accessToken": session["accessToken"],
            "refreshToken": session["refreshToken"],
            "expiresAt": session["expiresAt"],
            "user": {
                "id": user["id"],
                "displayName": "Somchai",
                "bio": None,
                "avatarUrl": None,
                "status": "PENDING_VERIFICATION",
                "memberSince": user["memberSince"],
                "version": 1,
                "email": "somchai@example.com",
                "roles": ["POSTER", "TASKER"],
            },
        },
        "userErrors": [],
    }
    actor = users.services.verifier.verify(session["accessToken"])
    assert actor.id == user["id"]
    assert set(actor.roles) == {Role.POSTER, Role.TASKER}
    assert set(actor.scopes) == {"marketplace"}
    assert before + timedelta(minutes=14) < actor.expires_at < before + timedelta(minutes=16)
    assert await users.act(ME, token=session["accessToken"]) == {
        "me": {
            "id": user["id"],
            "displayName": "Somchai",
            "email": "somchai@example.com",
            "roles": ["POSTER", "TASKER"],
        }
    }
    assert await users.log() == [(f"user:{user['id']}", 1, "users.user.registered")]
    assert await users.bodies("users.user.registered") == [
        {
            "user_id": user["id"],
            "display_name": "Somchai",
            "roles": ["POSTER", "TASKER"],
            "status": "PENDING_VERIFICATION",
        }
    ]


async def test_nothing_stored_signs_anybody_in(users: Users) -> None:
    session = await users.sign_up()
    stored = str(await users.state())

    assert PASSWORD not in stored
    assert session["refreshToken"] not in stored
    assert "$argon2id$" in stored


REFUSALS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "no address": ({"email": "somchai"}, "INVALID_EMAIL", ["email"]),
    "weak password": ({"password": "password1234"}, "WEAK_PASSWORD", ["password"]),
    "short password": ({"password": "kX9!qz"}, "WEAK_PASSWORD", ["password"]),
    "no name": ({"displayName": " \u200b"}, "INVALID_INPUT", ["displayName"]),
    "long name": ({"displayName": "x" * 61}, "INVALID_INPUT", ["displayName"]),
    "no role": ({"roles": []}, "INVALID_INPUT", ["roles"]),
    "admin": ({"roles": ["POSTER", "ADMIN"]}, "INVALID_INPUT", ["roles"]),
    "support": ({"roles": ["SUPPORT"]}, "INVALID_INPUT", ["roles"]),
    "malformed key": ({"idempotencyKey": "ä"}, "INVALID_INPUT", ["idempotencyKey"]),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_the_rules_forbid_is_refused_and_changes_nothing(users: Users, name: str) -> None:
    changes, code, field = REFUSALS[name]
    before = await users.state()

    payload = (await users.act(SIGN_UP, input=sign_up_input(**changes)))["signUp"]

    error = payload["userErrors"][0]
    assert payload == {
        "session": None,
        "userErrors": [{"code": code, "message": error["message"], "field": field}],
    }
    assert await users.state() == before


async def test_an_address_has_one_account_however_it_is_written(users: Users) -> None:
    await users.sign_up(email="somchai@example.com")
    before = await users.state()

    payload = (await users.act(SIGN_UP, input=sign_up_input(email="SOMCHAI@example.com ")))["signUp"]

    assert payload == {
        "session": None,
        "userErrors": [
            {
                "code": "EMAIL_TAKEN",
                "message": "There is an account with this address; log in instead.",
                "field": ["email"],
            }
        ],
    }
    assert await users.state() == before


async def test_of_many_at_once_one_gets_the_address(users: Users) -> None:
    given = sign_up_input()
    answers = await asyncio.gather(*(users.act(SIGN_UP, input=given) for _ in range(12)))

    codes = [[error["code"] for error in answer["signUp"]["userErrors"]] for answer in answers]
    assert sorted(codes) == [[], *[["EMAIL_TAKEN"]] * 11]
    assert len(await users.log()) == 1


async def test_sent_again_with_its_key_it_is_the_same_account_and_session(users: Users) -> None:
    given = sign_up_input(idempotencyKey="k1")
    first = (await users.act(SIGN_UP, input=given))["signUp"]["session"]
    again = (await users.act(SIGN_UP, input=given))["signUp"]["session"]

    verify = users.services.verifier.verify
    assert again["user"] == first["user"]
    assert verify(again["accessToken"]).session_id == verify(first["accessToken"]).session_id
    assert len(await users.log()) == 1
    # Whichever of the two answers the client kept, it goes on.
    for session in (again, first):
        assert (await users.refresh(session["refreshToken"]))["userErrors"] == []


async def test_a_key_with_another_password_or_name_gives_nothing_away(users: Users) -> None:
    given = sign_up_input(idempotencyKey="k1")
    await users.act(SIGN_UP, input=given)
    before = await users.state()

    password = (await users.act(SIGN_UP, input=given | {"password": OTHER_PASSWORD}))["signUp"]
    name = (await users.act(SIGN_UP, input=given | {"displayName": "Somebody"}))["signUp"]

    assert (password["session"], name["session"]) == (None, None)
    assert [error["code"] for error in password["userErrors"]] == ["INVALID_CREDENTIALS"]
    assert [error["code"] for error in name["userErrors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert await users.state() == before


async def test_a_key_stores_nothing_that_the_password_could_be_guessed_from(users: Users) -> None:
    first, second = sign_up_input(idempotencyKey="k"), sign_up_input(idempotencyKey="k", password=OTHER_PASSWORD)
    await users.act(SIGN_UP, input=first)
    await users.act(SIGN_UP, input=second)

    hashes = await users.rows("SELECT DISTINCT input_hash FROM idempotency_keys")
    assert len(hashes) == 1


async def test_the_accounts_from_one_address_are_limited(serve_users: Serve) -> None:
    async with serve_users(sign_ups_per_address="2/1 hour") as users:
        for address in ("203.0.113.1", "203.0.113.1", "203.0.113.2"):
            answer = await users.execute(SIGN_UP, {"input": sign_up_input()}, address=address)
            assert answer["data"]["signUp"]["userErrors"] == []
        before = await users.state()

        answer = await users.execute(SIGN_UP, {"input": sign_up_input()}, address="203.0.113.1")

        assert answer["data"] is None
        assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert 3000 < answer["errors"][0]["extensions"]["retryAfterSeconds"] <= 3600
        assert await users.state() == before
