"""verifyEmail and requestEmailVerification."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from tests.users.conftest import ERRORS, LOG_IN, Serve, Users, new_email, sign_up_input
from tests.users.post import Post, token_of

VERIFY = (
    "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) "
    f"{{ user {{ id status emailVerifiedAt version }} {ERRORS} }} }}"
)
REQUEST = (
    "mutation($input: RequestEmailVerificationInput!) { requestEmailVerification(input: $input) "
    f"{{ user {{ id status emailVerifiedAt }} {ERRORS} }} }}"
)
ME = "{ me { status emailVerifiedAt version } }"
INVALID = {
    "verifyEmail": {
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


async def verify(users: Users, token: str, **more: Any) -> dict[str, Any]:
    return await users.act(VERIFY, input={"token": token, **more})


async def request(users: Users, session: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = await users.act(REQUEST, token=session["accessToken"], input=changes)
    payload: dict[str, Any] = answer["requestEmailVerification"]
    return payload


async def test_the_mail_of_a_sign_up_makes_the_account_active(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    session = await users.sign_up(email=email)
    before = clock.now()

    mail = await post.mail(email)
    answer = await verify(users, token_of(mail))

    # Nobody is signed in here, so the time is not shown.
    user = {"id": session["user"]["id"], "status": "ACTIVE", "emailVerifiedAt": None, "version": 2}
    assert answer == {"verifyEmail": {"user": user, "userErrors": []}}
    me = (await users.act(ME, token=session["accessToken"]))["me"]
    assert me["status"] == "ACTIVE"
    (body,) = await users.bodies("users.user.email_verified")
    assert body["user_id"] == session["user"]["id"]
    assert body["status"] == "ACTIVE"
    verified_at = await users.rows("SELECT email_verified_at FROM users")
    assert before - timedelta(seconds=1) < verified_at[0][0] <= clock.now()
    assert email not in str(await users.rows("SELECT body FROM outbox"))


async def test_the_mail_says_what_it_is_and_nothing_that_people_wrote(mailing_users: Users, post: Post) -> None:
    email = new_email()
    await mailing_users.sign_up(email=email, displayName="Visit evil.example.com")

    message = (await post.mail(email)).message

    assert message["To"] == email
    assert message["From"] == "Service Exchange <no-reply@service-exchange.invalid>"
    assert message["Subject"] == "Confirm your e-mail address"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@service-exchange.invalid>")
    for kind in ("plain", "html"):
        content = message.get_body((kind,)).get_content()
        assert "http://127.0.0.1:8000/verify-email#token=" in content
        assert "evil" not in content


async def test_a_token_counts_once(mailing_users: Users, post: Post) -> None:
    email = new_email()
    await mailing_users.sign_up(email=email)
    token = await post.token(email)
    assert (await verify(mailing_users, token))["verifyEmail"]["userErrors"] == []
    await mailing_users.until_no_mail_waits()
    before = await mailing_users.state()

    assert await verify(mailing_users, token) == INVALID
    assert await mailing_users.state() == before


async def test_sent_again_with_its_key_it_answers_the_account(mailing_users: Users, post: Post) -> None:
    email = new_email()
    await mailing_users.sign_up(email=email)
    token = await post.token(email)
    first = await verify(mailing_users, token, idempotencyKey="again")
    await mailing_users.until_no_mail_waits()
    before = await mailing_users.state()

    assert first["verifyEmail"]["user"]["status"] == "ACTIVE"
    assert await verify(mailing_users, token, idempotencyKey="again") == first
    assert await verify(mailing_users, token, idempotencyKey="another") == INVALID
    assert await verify(mailing_users, "x" * 43, idempotencyKey="again") == INVALID
    assert await mailing_users.state() == before


async def test_of_two_at_once_one_wins(mailing_users: Users, post: Post) -> None:
    email = new_email()
    await mailing_users.sign_up(email=email)
    token = await post.token(email)

    answers = await asyncio.gather(*(verify(mailing_users, token) for _ in range(8)))

    assert sorted(answer == INVALID for answer in answers) == [False] + [True] * 7
    assert len(await mailing_users.bodies("users.user.email_verified")) == 1


async def test_a_token_expires_after_a_day(mailing_users: Users, post: Post) -> None:
    email = new_email()
    await mailing_users.sign_up(email=email)
    token = await post.token(email)
    await mailing_users.until_no_mail_waits()
    before = await mailing_users.state()

    with clock.offset(timedelta(hours=24, seconds=1)):
        assert await verify(mailing_users, token) == INVALID
    assert await mailing_users.state() == before
    with clock.offset(timedelta(hours=23, minutes=59)):
        assert (await verify(mailing_users, token))["verifyEmail"]["user"]["status"] == "ACTIVE"


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 20_000, "ä\u200b"])
async def test_what_is_no_token_is_refused_like_an_old_one(users: Users, token: str) -> None:
    await users.sign_up()
    before = await users.state()
    assert await verify(users, token) == INVALID
    assert await users.state() == before


async def test_a_new_mail_replaces_the_token_of_the_one_before(mailing_users: Users, post: Post) -> None:
    users, email = mailing_users, new_email()
    session = await users.sign_up(email=email)
    first = await post.token(email)

    payload = await request(users, session)
    second = await post.token(email, count=2)

    assert payload == {
        "user": {"id": session["user"]["id"], "status": "PENDING_VERIFICATION", "emailVerifiedAt": None},
        "userErrors": [],
    }
    assert first != second
    assert await verify(users, first) == INVALID
    assert (await verify(users, second))["verifyEmail"]["user"]["status"] == "ACTIVE"


async def test_asked_again_with_its_key_it_sends_one_mail(mailing_users: Users, post: Post) -> None:
    email = new_email()
    session = await mailing_users.sign_up(email=email)
    await post.mail(email)
    first = await request(mailing_users, session, idempotencyKey="again")
    await post.mail(email, count=2)

    assert await request(mailing_users, session, idempotencyKey="again") == first
    assert await mailing_users.rows("SELECT id FROM mails") == []
    assert len(post.mails(email)) == 2


async def test_a_verified_address_needs_no_mail(mailing_users: Users, post: Post) -> None:
    email = new_email()
    session = await mailing_users.sign_up(email=email)
    await verify(mailing_users, await post.token(email))
    await mailing_users.until_no_mail_waits()
    before = await mailing_users.state()

    payload = await request(mailing_users, session)

    assert payload == {
        "user": None,
        "userErrors": [
            {
                "code": "EMAIL_ALREADY_VERIFIED",
                "message": "The e-mail address is verified already.",
                "field": None,
            }
        ],
    }
    assert await mailing_users.state() == before


async def test_only_oneself_sees_when_it_was_verified(mailing_users: Users, post: Post) -> None:
    email = new_email()
    session = await mailing_users.sign_up(email=email)
    other = await mailing_users.sign_up()
    await verify(mailing_users, await post.token(email))
    document = "query($id: ID!) { user(id: $id) { status emailVerifiedAt } }"

    for token, seen in ((None, False), (other["accessToken"], False), (session["accessToken"], True)):
        user = (await mailing_users.act(document, token=token, id=session["user"]["id"]))["user"]
        assert user["status"] == "ACTIVE"
        assert (user["emailVerifiedAt"] is not None) is seen


async def test_a_suspended_account_stays_suspended(mailing_users: Users, post: Post) -> None:
    email = new_email()
    await mailing_users.sign_up(email=email)
    token = await post.token(email)
    await mailing_users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    await mailing_users.until_no_mail_waits()
    before = await mailing_users.state()

    payload = (await verify(mailing_users, token))["verifyEmail"]

    assert payload["user"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID_TRANSITION"]
    assert await mailing_users.state() == before


async def test_asking_is_for_who_is_signed_in(users: Users) -> None:
    answer = await users.execute(REQUEST, {"input": {}})
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_the_mails_that_one_account_asks_for_are_counted(users: Users) -> None:
    session = await users.sign_up()
    fields = " ".join(f"a{n}: requestEmailVerification(input: {{}}) {{ userErrors {{ code }} }}" for n in range(30))

    answer = await users.execute(f"mutation {{ {fields} }}", token=session["accessToken"])

    assert answer["data"] is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}
    assert len(await users.rows("SELECT id FROM mails")) == 1


async def test_tokens_are_counted_by_address(serve_users: Serve) -> None:
    async with serve_users(mailed_codes_per_address="3/15 minutes") as users:
        await users.sign_up()

        async def codes(address: str) -> list[str]:
            answers = [await users.execute(VERIFY, {"input": {"token": "x"}}, address=address) for _ in range(4)]
            return [answer.get("errors", [{}])[0].get("extensions", {}).get("code", "") for answer in answers]

        assert await codes("203.0.113.1") == ["", "", "", "RATE_LIMITED"]
        # Others are not shut out, and the sign-in of those who are is another matter.
        assert await codes("203.0.113.2") == ["", "", "", "RATE_LIMITED"]
        answer = await users.execute(
            LOG_IN, {"input": {"email": sign_up_input()["email"], "password": "x"}}, address="203.0.113.1"
        )
        assert answer["data"]["logIn"]["userErrors"][0]["code"] == "INVALID_CREDENTIALS"


async def test_neither_address_nor_token_lies_readable_in_the_database(users: Users) -> None:
    email = new_email()
    await users.sign_up(email=email)

    ((content, hashed),) = await users.rows(
        "SELECT mails.content, mailed_codes.code_hash FROM mails JOIN mailed_codes USING (user_id)"
    )

    assert email.encode() not in content
    assert len(hashed) == 32
    assert b"token" not in content
