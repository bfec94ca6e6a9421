"""removeSecondFactor: an admin lets somebody in who has lost both the authenticator app and the recovery codes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from shared.identity.actor import Role
from subgraphs.users import admin
from subgraphs.users.mails import english, thai
from subgraphs.users.rules.mails import Template
from tests.users.conftest import PASSWORD, Serve, Users
from tests.users.post import Post
from tests.users.second_factors import (
    CHALLENGE,
    COMPLETE,
    CONFIRM,
    ENABLE,
    REMOVE,
    STATUS,
    Factor,
    challenge,
    code_of,
    complete,
    enable,
    is_refused,
    is_session,
)
from tests.users.test_administration import SUSPEND, an_admin, refused
from tests.users.test_erase_my_account import ERASE
from tests.users.test_notices import commits_fail_with
from tests.users.test_quotas import ALIASES, codes
from tests.users.test_totp import NONE_ACTIVE

REASON = "They lost their phone, and came with their passport."
NOBODY = "user_01jd0000000000000000000000"


async def everything(users: Users) -> list[list[tuple[Any, ...]]]:
    return [
        *await users.state(),
        await users.rows("SELECT * FROM second_factors ORDER BY user_id"),
        await users.rows("SELECT * FROM recovery_codes ORDER BY user_id, code_hash"),
        await users.rows("SELECT * FROM second_factor_challenges ORDER BY challenge_hash"),
    ]


async def remove(users: Users, boss: dict[str, Any], person: Factor, reason: str = REASON) -> dict[str, Any]:
    given = {"userId": person.session["user"]["id"], "reason": reason}
    payload: dict[str, Any] = (await users.act(REMOVE, token=boss["accessToken"], input=given))["removeSecondFactor"]
    return payload


async def live_sessions(users: Users, person: Factor) -> list[tuple[Any, ...]]:
    statement = "SELECT id FROM sessions WHERE user_id = :id AND ended_at IS NULL"
    return await users.rows(statement, id=person.session["user"]["id"])


async def test_who_has_lost_everything_signs_in_with_the_password_alone(users: Users) -> None:
    boss, person, neighbour = await an_admin(users), await enable(users), await enable(users)
    user_id = person.session["user"]["id"]
    other_device = await complete(users, await challenge(users, person.email), person.recovery_codes[0])
    assert isinstance(other_device, dict)
    waiting = await challenge(users, person.email)

    payload = await remove(users, boss, person, f"  {REASON}\n")

    assert payload == {"user": {"id": user_id}, "userErrors": []}
    assert await users.bodies("users.user.second_factor_removed") == [
        {"user_id": user_id, "reason": REASON, "by": boss["user"]["id"]}
    ]
    assert await users.bodies("users.user.second_factor_disabled") == []
    for session in (person.session, other_device["session"]):
        assert await refused(users, session["accessToken"])
        assert (await users.refresh(session["refreshToken"]))["userErrors"][0]["code"] == "SESSION_EXPIRED"
    for code in (person.code(), person.recovery_codes[1]):
        assert is_refused(await complete(users, waiting, code))
    mine = "user_id = :id"
    for table in ("second_factors", "recovery_codes", "second_factor_challenges"):
        assert await users.rows(f"SELECT 1 FROM {table} WHERE {mine}", id=user_id) == []
    assert await users.rows(f"SELECT DISTINCT end_reason FROM sessions WHERE {mine}", id=user_id) == [
        ("SECOND_FACTOR_CHANGED",)
    ]

    session = await users.log_in(person.email)
    assert (await users.act(STATUS, token=session["accessToken"]))["me"]["secondFactor"] is None
    # Nobody else lost anything.
    assert not await refused(users, neighbour.token)
    assert is_session(await complete(users, await challenge(users, neighbour.email), neighbour.code()))


async def test_they_set_up_a_new_one_whose_codes_alone_count(users: Users) -> None:
    boss, person = await an_admin(users), await enable(users)
    await remove(users, boss, person)
    token = (await users.log_in(person.email))["accessToken"]

    secret = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    given = {"code": code_of(secret, clock.now())}
    assert (await users.act(CONFIRM, token=token, input=given))["confirmTotp"]["userErrors"] == []

    fresh = await challenge(users, person.email)
    for code in (person.code(1), person.recovery_codes[0]):
        assert is_refused(await complete(users, fresh, code))
    assert is_session(await complete(users, fresh, code_of(secret, clock.now() + timedelta(seconds=30))))


@pytest.mark.timing
async def test_other_processes_shut_them_out_within_5_seconds(users: Users, serve_users: Serve) -> None:
    async with serve_users() as other:
        boss, person = await an_admin(users), await enable(users)
        assert not await refused(other, person.token)
        await remove(users, boss, person)
        async with asyncio.timeout(5):
            while not await refused(other, person.token):
                await asyncio.sleep(0.05)


async def test_a_suspended_account_loses_it_too_and_stays_suspended(users: Users) -> None:
    boss, person = await an_admin(users), await enable(users)
    given = {"userId": person.session["user"]["id"], "reason": REASON}
    await users.act(SUSPEND, token=boss["accessToken"], input=given)

    assert (await remove(users, boss, person))["userErrors"] == []

    log_in = {"input": {"email": person.email, "password": PASSWORD}}
    payload = (await users.act(CHALLENGE, **log_in))["logIn"]
    assert (payload["session"], payload["secondFactor"]) == (None, None)
    assert [each["code"] for each in payload["userErrors"]] == ["ACCOUNT_SUSPENDED"]


REFUSALS: dict[str, tuple[str, str, tuple[str, list[str] | None]]] = {
    "one's own": ("self", REASON, ("NOT_ALLOWED", ["userId"])),
    "of nobody": ("nobody", REASON, ("NOT_FOUND", ["userId"])),
    "of who left": ("gone", REASON, ("NOT_FOUND", ["userId"])),
    "of who has none": ("without", REASON, ("NOT_FOUND", None)),
    "of who has a secret that waits for its first code": ("beginner", REASON, ("NOT_FOUND", None)),
    "for no reason": ("guarded", "", ("INVALID_INPUT", ["reason"])),
    "for a reason that shows nothing": ("guarded", " \u200b ", ("INVALID_INPUT", ["reason"])),
    "for a reason with a control character": ("guarded", "a\u0007bc", ("INVALID_INPUT", ["reason"])),
    "for 501 letters": ("guarded", "a" * 501, ("INVALID_INPUT", ["reason"])),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_the_rules_forbid_is_refused_and_changes_nothing(users: Users, name: str) -> None:
    whose, reason, (code, field) = REFUSALS[name]
    own, guarded = await enable(users), await enable(users)
    await admin.grant(users.services.database, own.email, Role.ADMIN)
    boss = (await users.refresh(own.session["refreshToken"]))["session"]
    ids = {"self": own.session["user"]["id"], "guarded": guarded.session["user"]["id"], "nobody": NOBODY}
    for each in ("without", "beginner", "gone"):
        session = await users.sign_up()
        ids[each] = session["user"]["id"]
        if each == "beginner":
            await users.act(ENABLE, token=session["accessToken"], input={"password": PASSWORD})
        elif each == "gone":
            await users.act(ERASE, token=session["accessToken"], input={"password": PASSWORD})
    before = await everything(users)

    data = await users.act(REMOVE, token=boss["accessToken"], input={"userId": ids[whose], "reason": reason})

    payload = data["removeSecondFactor"]
    assert payload["user"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert await everything(users) == before


@pytest.mark.parametrize("reason", ["x", "a" * 500])
async def test_a_reason_has_1_to_500_characters(users: Users, reason: str) -> None:
    boss, person = await an_admin(users), await enable(users)
    assert (await remove(users, boss, person, reason))["userErrors"] == []
    (body,) = await users.bodies("users.user.second_factor_removed")
    assert body["reason"] == reason


async def test_only_who_is_an_admin_at_that_moment_may(users: Users) -> None:
    person, stranger, support, former = (
        await enable(users), await users.sign_up(), await users.sign_up(), await an_admin(users),
    )  # fmt: skip
    for session, roles in ((support, "POSTER,SUPPORT"), (former, "POSTER")):
        statement = "UPDATE users SET roles = string_to_array(:roles, ',') WHERE id = :id RETURNING id"
        await users.rows(statement, roles=roles, id=session["user"]["id"])
    support = (await users.refresh(support["refreshToken"]))["session"]
    assert "support" in users.services.verifier.verify(support["accessToken"]).scopes
    given = {"input": {"userId": person.session["user"]["id"], "reason": REASON}}
    before = await everything(users)

    for token, code in (
        (None, "UNAUTHENTICATED"),
        (person.token, "FORBIDDEN"),
        (stranger["accessToken"], "FORBIDDEN"),
        (support["accessToken"], "FORBIDDEN"),
        (former["accessToken"], "FORBIDDEN"),
    ):
        answer = await users.execute(REMOVE, given, token=token)
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
    assert await everything(users) == before


async def test_a_repetition_changes_nothing(users: Users) -> None:
    boss, person = await an_admin(users), await enable(users)
    await remove(users, boss, person)
    session = await users.log_in(person.email)
    before = await everything(users)

    assert await remove(users, boss, person) == {"user": None, "userErrors": [NONE_ACTIVE]}

    assert await everything(users) == before
    assert not await refused(users, session["accessToken"])


async def test_of_several_admins_at_once_one_does_it(users: Users) -> None:
    bosses, person = [await an_admin(users) for _ in range(3)], await enable(users)

    payloads = await asyncio.gather(*(remove(users, boss, person) for boss in bosses))

    assert sorted(len(payload["userErrors"]) for payload in payloads) == [0, 1, 1]
    assert [each for payload in payloads for each in payload["userErrors"]] == [NONE_ACTIVE] * 2
    assert len(await users.bodies("users.user.second_factor_removed")) == 1
    assert await users.rows("SELECT count(*) FROM mails WHERE template = 'SECOND_FACTOR_REMOVED'") == [(1,)]


async def test_all_of_it_happens_or_nothing(users: Users) -> None:
    boss, person = await an_admin(users), await enable(users)
    await challenge(users, person.email)
    given = {"input": {"userId": person.session["user"]["id"], "reason": REASON}}
    before = await everything(users)

    async with commits_fail_with(users, "mails"):
        answer = await users.execute(REMOVE, given, token=boss["accessToken"])

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INTERNAL"]
    assert await everything(users) == before
    assert not await refused(users, person.token)


async def test_logins_at_the_same_time_leave_no_session(users: Users) -> None:
    boss = await an_admin(users)
    for _ in range(4):
        person = await enable(users)
        challenges = [await challenge(users, person.email) for _ in range(3)]

        payload, *_ = await asyncio.gather(
            remove(users, boss, person),
            *(
                users.act(COMPLETE, input={"challenge": given, "code": code})
                for given, code in zip(challenges, person.recovery_codes, strict=False)
            ),
        )

        assert payload["userErrors"] == []
        assert await live_sessions(users, person) == []


async def test_the_owner_is_told_in_their_language(mailing_users: Users, post: Post) -> None:
    users = mailing_users
    boss, person = await an_admin(users), await enable(users)
    change = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }"
    await users.act(change, token=person.token, input={"locale": "TH"})

    await remove(users, boss, person)

    await users.until_no_mail_waits()
    subject = thai.WORDINGS[Template.SECOND_FACTOR_REMOVED].subject
    (mail,) = [each for each in post.mails(person.email) if each.subject == subject]
    assert REASON not in mail.text
    assert "/forgot-password" in mail.text
    in_english = english.WORDINGS[Template.SECOND_FACTOR_REMOVED].subject
    assert [each for each in post.mails(person.email) if each.subject == in_english] == []


async def test_each_alias_of_a_request_is_an_attempt_of_the_admin(serve_users: Serve) -> None:
    given = {"userId": NOBODY, "reason": REASON}
    async with serve_users(second_factor_removals_per_account="7/15 minutes") as users:
        one, other = (await an_admin(users))["accessToken"], (await an_admin(users))["accessToken"]
        assert await codes(users, "removeSecondFactor", given, aliases=7, token=one) == []
        # From wherever: with a stolen session they could come from many addresses.
        elsewhere = "203.0.113.2"
        assert await codes(users, "removeSecondFactor", given, 1, elsewhere, one) == ["RATE_LIMITED"]
        assert await codes(users, "removeSecondFactor", given, 7, elsewhere, other) == []
        person = await enable(users)
        given["userId"] = person.session["user"]["id"]
        before = await everything(users)
        assert set(await codes(users, "removeSecondFactor", given, ALIASES, token=one)) == {"RATE_LIMITED"}
        assert await everything(users) == before


async def test_of_thirty_in_one_request_the_quota_lets_its_number_through(users: Users) -> None:
    boss, people = await an_admin(users), [await enable(users) for _ in range(ALIASES)]
    given = {f"i{n}": {"userId": each.session["user"]["id"], "reason": REASON} for n, each in enumerate(people)}
    declared = ", ".join(f"${name}: RemoveSecondFactorInput!" for name in given)
    fields = " ".join(f"{name}: removeSecondFactor(input: ${name}) {{ userErrors {{ code }} }}" for name in given)

    answer = await users.execute(f"mutation({declared}) {{ {fields} }}", given, token=boss["accessToken"])

    assert {error["extensions"]["code"] for error in answer["errors"]} == {"RATE_LIMITED"}
    assert len(await users.bodies("users.user.second_factor_removed")) == 20
    assert len(await users.rows("SELECT 1 FROM second_factors")) == 10


async def test_the_reason_goes_with_the_person(users: Users) -> None:
    boss, person = await an_admin(users), await enable(users)
    await remove(users, boss, person)
    token = (await users.log_in(person.email))["accessToken"]

    await users.act(ERASE, token=token, input={"password": PASSWORD})

    assert await users.bodies("users.user.second_factor_removed") == [
        {"user_id": person.session["user"]["id"], "reason": "[deleted]", "by": boss["user"]["id"]}
    ]
