"""changePassword."""

from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from subgraphs.users import actions
from subgraphs.users.rules.sessions import SessionExpired
from subgraphs.users.secrets_at_rest import cipher
from tests.users.conftest import ERRORS, LOG_IN, OTHER_PASSWORD, PASSWORD, Serve, Users, new_email
from tests.users.post import Post
from tests.users.test_reset_password import reset, reset_token

CHANGE = (
    "mutation($input: ChangePasswordInput!) { changePassword(input: $input) "
    f"{{ user {{ id }} endedSessions {{ id current endedAt }} {ERRORS} }} }}"
)
ME = "{ me { id } }"
WRONG = {
    "changePassword": {
        "user": None,
        "endedSessions": [],
        "userErrors": [
            {
                "code": "INVALID_CREDENTIALS",
                "message": "This is not your password.",
                "field": ["currentPassword"],
            }
        ],
    }
}


async def change(
    users: Users, session: dict[str, Any], current: str = PASSWORD, new: str = OTHER_PASSWORD, address: str = ""
) -> dict[str, Any] | str:
    """The data, or the code of the top-level error."""
    answer = await users.execute(
        CHANGE,
        {"input": {"currentPassword": current, "newPassword": new}},
        token=session["accessToken"],
        address=address or None,
    )
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    data: dict[str, Any] = answer["data"]
    return data


async def test_a_new_password_ends_all_other_sessions(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    session = await users.sign_up(email=email)
    other = await users.log_in(email)
    await post.mail(email)

    data = await change(users, session)

    assert isinstance(data, dict)
    payload = data["changePassword"]
    (ended,) = payload["endedSessions"]
    assert payload == {
        "user": {"id": session["user"]["id"]},
        "endedSessions": [{"id": ended["id"], "current": False, "endedAt": ended["endedAt"]}],
        "userErrors": [],
    }
    assert ended["endedAt"] is not None
    assert "errors" not in await users.execute(ME, token=session["accessToken"])
    answer = await users.execute(ME, token=other["accessToken"])
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await users.rows("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL") == [("PASSWORD_CHANGED",)]
    refused = await users.act(LOG_IN, input={"email": email, "password": PASSWORD})
    assert refused["logIn"]["session"] is None
    accepted = await users.act(LOG_IN, input={"email": email, "password": OTHER_PASSWORD})
    assert accepted["logIn"]["session"] is not None
    notice = await post.mail(email, count=2)
    assert notice.subject == "Your password was changed"


async def test_a_link_that_was_mailed_before_holds_no_more(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    session = await users.sign_up(email=email)
    token = await reset_token(users, post, email)

    await change(users, session)

    payload = (await reset(users, token, "cold planets whistle under water"))["resetPassword"]
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID_TOKEN"]


@pytest.mark.parametrize("current", ["", "wrong", PASSWORD + " ", "x" * 100_000])
async def test_a_wrong_password_changes_nothing(users: Users, current: str) -> None:
    session = await users.sign_up()
    before = await users.state()
    assert await change(users, session, current) == WRONG
    assert await users.state() == before


@pytest.mark.parametrize("new", ["kX9!qz", "password1234", "x" * 129])
async def test_a_weak_password_changes_nothing(users: Users, new: str) -> None:
    session = await users.sign_up()
    before = await users.state()

    data = await change(users, session, new=new)

    assert isinstance(data, dict)
    errors = data["changePassword"]["userErrors"]
    assert [(error["code"], error["field"]) for error in errors] == [("WEAK_PASSWORD", ["newPassword"])]
    assert await users.state() == before


async def test_an_account_without_a_password_gets_its_first_in_a_new_session(users: Users) -> None:
    email = new_email()
    session = await users.sign_up(email=email)
    await users.rows("UPDATE users SET password_hash = NULL RETURNING id")
    given = {"input": {"newPassword": OTHER_PASSWORD}}

    with clock.offset(timedelta(minutes=11)):
        later = (await users.refresh(session["refreshToken"]))["session"]
        payload = (await users.act(CHANGE, token=later["accessToken"], **given))["changePassword"]
        assert [error["code"] for error in payload["userErrors"]] == ["CONFIRMATION_REQUIRED"]
    payload = (await users.act(CHANGE, token=session["accessToken"], **given))["changePassword"]
    assert payload["userErrors"] == []
    assert (await users.log_in(email, OTHER_PASSWORD))["user"]["id"] == session["user"]["id"]
    # From then on it is asked for.
    assert (await users.act(CHANGE, token=session["accessToken"], **given)) == WRONG


async def test_it_is_nothing_for_a_session_that_has_ended_meanwhile(users: Users) -> None:
    session = await users.sign_up()
    await users.rows("UPDATE users SET password_hash = NULL RETURNING id")
    await users.rows("UPDATE sessions SET ended_at = now() RETURNING id")
    actor = users.services.verifier.verify(session["accessToken"])
    keys = cipher(users.services.settings)
    with pytest.raises(SessionExpired):
        async with users.services.database.transaction() as transaction:
            await actions.passwords.change_password(transaction, actor, keys, None, "a hash")


async def test_failures_count_like_those_of_logging_in(serve_users: Serve) -> None:
    async with serve_users(password_changes_per_account="100/1 hour") as users:
        email = new_email()
        session = await users.sign_up(email=email)
        for _ in range(5):
            assert await change(users, session, "wrong", address="203.0.113.1") == WRONG
            attempt = {"input": {"email": email, "password": "wrong"}}
            assert "errors" not in await users.execute(LOG_IN, attempt, address="203.0.113.1")

        assert await change(users, session, address="203.0.113.1") == "RATE_LIMITED"
        # The owner elsewhere is not locked out.
        assert await change(users, session, address="203.0.113.2") not in (WRONG, "RATE_LIMITED")


async def test_a_stolen_session_does_not_guess_from_many_addresses(users: Users) -> None:
    session = await users.sign_up()
    answers = [await change(users, session, "wrong", address=f"203.0.113.{n}") for n in range(11)]
    assert answers == [*[WRONG] * 10, "RATE_LIMITED"]


async def test_all_attempts_of_one_request_count(users: Users) -> None:
    session = await users.sign_up()
    fields = " ".join(f"a{n}: changePassword(input: $input) {{ userErrors {{ code }} }}" for n in range(30))

    answer = await users.execute(
        f"mutation($input: ChangePasswordInput!) {{ {fields} }}",
        {"input": {"currentPassword": "wrong", "newPassword": OTHER_PASSWORD}},
        token=session["accessToken"],
    )

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}


async def test_it_is_for_who_is_signed_in(users: Users) -> None:
    answer = await users.execute(CHANGE, {"input": {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
