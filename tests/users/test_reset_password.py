"""requestPasswordReset and resetPassword."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from tests.users.conftest import ERRORS, LOG_IN, OTHER_PASSWORD, PASSWORD, REFRESH, Serve, Users, new_email
from tests.users.post import Post, token_of
from tests.users.test_verify_email import VERIFY

REQUEST = f"mutation($input: RequestPasswordResetInput!) {{ requestPasswordReset(input: $input) {{ {ERRORS} }} }}"
RESET = f"mutation($input: ResetPasswordInput!) {{ resetPassword(input: $input) {{ user {{ id }} {ERRORS} }} }}"
DONE = {"requestPasswordReset": {"userErrors": []}}
INVALID = {
    "resetPassword": {
        "user": None,
        "userErrors": [
            {
                "code": "INVALID_TOKEN",
                "message": "This link does not hold any more; ask for a new one.",
                "field": ["token"],
            }
        ],
    }
}
ME = "{ me { id } }"


async def request(users: Users, email: str) -> dict[str, Any]:
    return await users.act(REQUEST, input={"email": email})


async def reset(users: Users, token: str, password: str = OTHER_PASSWORD) -> dict[str, Any]:
    return await users.act(RESET, input={"token": token, "newPassword": password})


async def log_in(users: Users, email: str, password: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await users.act(LOG_IN, input={"email": email, "password": password}))["logIn"]
    return payload


async def reset_token(users: Users, post: Post, email: str) -> str:
    """The token of a mail that somebody asks for; the sign-up's mail came before."""
    await post.mail(email)
    count = len(post.mails(email))
    assert await request(users, email) == DONE
    return await post.token(email, count + 1)


async def test_who_forgot_the_password_sets_a_new_one(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    session = await users.sign_up(email=email)
    token = await reset_token(users, post, email)

    answer = await reset(users, token)

    assert answer == {"resetPassword": {"user": {"id": session["user"]["id"]}, "userErrors": []}}
    assert (await log_in(users, email, PASSWORD))["session"] is None
    assert (await log_in(users, email, OTHER_PASSWORD))["session"]["user"]["id"] == session["user"]["id"]
    notice = await post.mail(email, count=3)
    assert notice.subject == "Your password was reset"
    assert "#token=" not in notice.text


async def test_all_sessions_end_at_once(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    sessions = [await users.sign_up(email=email), await users.log_in(email)]
    token = await reset_token(users, post, email)

    await reset(users, token)

    for session in sessions:
        answer = await users.execute(ME, token=session["accessToken"])
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        payload = (await users.act(REFRESH, input={"refreshToken": session["refreshToken"]}))["refreshSession"]
        assert [error["code"] for error in payload["userErrors"]] == ["SESSION_EXPIRED"]
    assert await users.rows("SELECT DISTINCT end_reason FROM sessions") == [("PASSWORD_RESET",)]
    assert len(await users.bodies("users.user.session_revoked")) == 2


async def test_nobody_learns_whether_there_is_an_account(mailing_users: Users, post: Post) -> None:
    users, known, unknown = mailing_users, new_email(), new_email()
    await users.sign_up(email=known)
    await post.mail(known)

    assert await request(users, known) == await request(users, unknown) == DONE
    assert await request(users, f" {known.upper()} ") == DONE

    await post.mail(known, count=3)
    assert await users.until_no_mail_waits()
    assert post.mails(unknown) == []
    assert await users.rows("SELECT purpose FROM mailed_codes ORDER BY purpose") == [
        ("RESET_PASSWORD",),
        ("VERIFY_EMAIL",),
    ]


async def test_what_is_no_address_is_refused(users: Users) -> None:
    before = await users.state()
    payload = (await request(users, "somchai"))["requestPasswordReset"]
    assert payload == {
        "userErrors": [{"code": "INVALID_EMAIL", "message": "Enter a valid e-mail address.", "field": ["email"]}]
    }
    assert await users.state() == before


async def test_a_token_counts_once_and_only_the_newest(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    first = await reset_token(users, post, email)
    second = await reset_token(users, post, email)

    assert await reset(users, first) == INVALID
    assert (await reset(users, second))["resetPassword"]["userErrors"] == []
    await users.until_no_mail_waits()
    before = await users.state()
    assert await reset(users, second, "cold planets whistle under water") == INVALID
    assert await users.state() == before


async def test_sent_again_with_its_key_it_answers_the_same(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    session = await users.sign_up(email=email)
    given = {"token": await reset_token(users, post, email), "newPassword": OTHER_PASSWORD, "idempotencyKey": "again"}
    first = await users.act(RESET, input=given)
    await users.until_no_mail_waits()
    before = await users.state()

    assert first["resetPassword"]["user"] == {"id": session["user"]["id"]}
    assert await users.act(RESET, input=given) == first
    for other in ({"newPassword": PASSWORD}, {"idempotencyKey": "another"}):
        assert await users.act(RESET, input=given | other) == INVALID
    assert await users.state() == before


async def test_of_two_at_once_one_wins(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    token = await reset_token(users, post, email)
    passwords = [f"seven purple lanterns juggle soup {n}" for n in range(6)]

    answers = await asyncio.gather(*(reset(users, token, password) for password in passwords))

    assert sorted(answer == INVALID for answer in answers) == [False] + [True] * 5
    won = passwords[[answer == INVALID for answer in answers].index(False)]
    works = [password for password in passwords if (await log_in(users, email, password))["session"]]
    assert works == [won]


async def test_a_token_expires_after_half_an_hour(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    token = await reset_token(users, post, email)

    with clock.offset(timedelta(minutes=30, seconds=1)):
        assert await reset(users, token) == INVALID
    assert (await reset(users, token))["resetPassword"]["userErrors"] == []


async def test_a_token_is_good_for_its_purpose_only(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    verification = await post.token(email)
    resetting = await reset_token(users, post, email)

    assert await reset(users, verification) == INVALID
    refused = (await users.act(VERIFY, input={"token": resetting}))["verifyEmail"]
    assert [error["code"] for error in refused["userErrors"]] == ["INVALID_TOKEN"]
    assert (await reset(users, resetting))["resetPassword"]["userErrors"] == []


@pytest.mark.parametrize("password", ["", "kX9!qz", "password1234", "x" * 129, "{email}"])
async def test_a_weak_password_is_refused_and_leaves_the_token(mailing_users: Users, post: Post, password: str) -> None:
    users, email = mailing_users, new_email()
    password = password.format(email=email)
    await users.sign_up(email=email)
    token = await reset_token(users, post, email)
    await users.until_no_mail_waits()
    before = await users.state()

    payload = (await reset(users, token, password))["resetPassword"]

    assert payload["user"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [("WEAK_PASSWORD", ["newPassword"])]
    assert await users.state() == before
    assert (await reset(users, token))["resetPassword"]["userErrors"] == []


async def test_a_suspended_account_gets_a_password_and_no_session(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    await users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    token = await reset_token(users, post, email)

    assert (await reset(users, token))["resetPassword"]["userErrors"] == []
    payload = await log_in(users, email, OTHER_PASSWORD)
    assert payload["session"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["ACCOUNT_SUSPENDED"]


async def test_an_erased_account_gets_nothing(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    token = await reset_token(users, post, email)
    await users.rows("UPDATE users SET status = 'ERASED' RETURNING id")

    assert await reset(users, token) == INVALID
    assert await request(users, email) == DONE
    assert await users.until_no_mail_waits()
    assert len(post.mails(email)) == 2


async def test_an_owner_who_failed_too_often_can_log_in_with_the_new_password(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    for _ in range(10):
        assert (await log_in(users, email, "wrong"))["session"] is None
    answer = await users.execute(LOG_IN, {"input": {"email": email, "password": "wrong"}})
    assert answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"

    await reset(users, await reset_token(users, post, email))

    assert (await log_in(users, email, OTHER_PASSWORD))["session"] is not None


async def test_all_requests_of_one_operation_count_for_the_address(users: Users) -> None:
    fields = " ".join(f"a{n}: requestPasswordReset(input: $input) {{ userErrors {{ code }} }}" for n in range(30))
    document = f"mutation($input: RequestPasswordResetInput!) {{ {fields} }}"

    answer = await users.execute(document, {"input": {"email": new_email()}}, address="203.0.113.1")

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}
    assert await users.execute(REQUEST, {"input": {"email": new_email()}}, address="203.0.113.2") == {"data": DONE}


async def test_an_account_gets_few_mails_and_everybody_the_same_answer(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    await users.sign_up(email=email)
    await post.mail(email)

    for n in range(9):
        answer = await users.execute(REQUEST, {"input": {"email": email}}, address=f"203.0.113.{n}")
        assert answer == {"data": DONE}

    newest = await post.mail(email, count=6)
    assert await users.until_no_mail_waits()
    assert len(post.mails(email)) == 6
    # The one who floods the mailbox does not shut the owner out: the newest link holds.
    assert (await reset(users, token_of(newest)))["resetPassword"]["userErrors"] == []


async def test_tokens_are_counted_by_address(serve_users: Serve) -> None:
    async with serve_users(mailed_codes_per_address="3/15 minutes") as users:
        attempt = {"input": {"token": "x", "newPassword": OTHER_PASSWORD}}
        for expected in (None, None, None, "RATE_LIMITED"):
            answer = await users.execute(RESET, attempt, address="203.0.113.1")
            code = answer["errors"][0]["extensions"]["code"] if "errors" in answer else None
            assert code == expected
        assert (await users.execute(RESET, attempt, address="203.0.113.2"))["data"] == INVALID
