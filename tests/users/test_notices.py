"""Mails that tell people what was done with their account: each is sent, none without what it tells of."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from sqlalchemy import text

from shared import clock
from subgraphs.users.mails import english, thai
from subgraphs.users.rules.mails import Template
from tests.conftest import ServeSubgraph
from tests.users.conftest import OTHER_PASSWORD, PASSWORD, Users, new_email
from tests.users.post import Post
from tests.users.second_factors import COMPLETE as COMPLETE_LOG_IN
from tests.users.second_factors import CONFIRM, DISABLE, ENABLE, REGENERATE, REMOVE, challenge, code_of, enable
from tests.users.test_administration import REASON, REINSTATE, SUSPEND, an_admin
from tests.users.test_change_password import CHANGE
from tests.users.test_erase_my_account import ERASE, ERASE_USER
from tests.users.web import COMPLETE, LINK, UNLINK, Web, serve_web

Answer: TypeAlias = dict[str, Any]
NAME = "Marked-name"


@dataclass
class Ready:
    """Everything is done but the change itself: who would be told, and of what nothing may be told by mail."""

    email: str
    change: Callable[[], Awaitable[Answer]]
    secrets: list[str] = field(default_factory=list)


async def password_changed(web: Web) -> Ready:
    session, email = await signed_up(web)
    given = {"currentPassword": PASSWORD, "newPassword": OTHER_PASSWORD}
    return Ready(email, lambda: act(web, CHANGE, session, given), [PASSWORD, OTHER_PASSWORD])


async def second_factor_enabled(web: Web) -> Ready:
    session, email = await signed_up(web)
    setup = await web.users.act(ENABLE, token=session["accessToken"], input={"password": PASSWORD})
    secret = setup["enableTotp"]["secret"]
    code = code_of(secret, clock.now())
    return Ready(email, lambda: act(web, CONFIRM, session, {"code": code}), [secret, code])


async def second_factor_disabled(web: Web) -> Ready:
    person = await enable(web.users, displayName=NAME)
    given = {"password": PASSWORD, "code": person.code()}
    secrets = [person.secret, *person.recovery_codes, *given.values()]
    return Ready(person.email, lambda: act(web, DISABLE, person.session, given), secrets)


async def second_factor_removed(web: Web) -> Ready:
    person = await enable(web.users, displayName=NAME)
    boss = await an_admin(web.users)
    given = {"userId": person.session["user"]["id"], "reason": REASON}
    secrets = [person.secret, *person.recovery_codes, REASON, boss["email"]]
    return Ready(person.email, lambda: act(web, REMOVE, boss, given), secrets)


async def recovery_codes_regenerated(web: Web) -> Ready:
    person = await enable(web.users, displayName=NAME)
    given = {"password": PASSWORD, "code": person.code()}
    secrets = [person.secret, *person.recovery_codes, *given.values()]
    return Ready(person.email, lambda: act(web, REGENERATE, person.session, given), secrets)


async def recovery_code_used(web: Web) -> Ready:
    person = await enable(web.users, displayName=NAME)
    given = {"challenge": await challenge(web.users, person.email), "code": person.recovery_codes[0]}
    secrets = [person.secret, *person.recovery_codes, given["challenge"]]
    return Ready(person.email, lambda: act(web, COMPLETE_LOG_IN, None, given), secrets)


async def identity_linked(web: Web) -> Ready:
    session, email = await signed_up(web)
    given = await web.answer(await web.start(session["accessToken"], link=True))
    given = {name: value for name, value in given.items() if name != "roles"} | {"password": PASSWORD}
    return Ready(email, lambda: act(web, LINK, session, given), [given["handle"], given["code"], given["state"]])


async def account_opened_elsewhere(web: Web) -> Ready:
    email = new_email()
    await web.told(claims={"email": email})
    given = await web.answer(await web.start())
    return Ready(email, lambda: act(web, COMPLETE, None, given), [given["handle"], given["code"], given["state"]])


async def identity_unlinked(web: Web) -> Ready:
    ready = await identity_linked(web)
    linked = (await ready.change())["data"]["linkOpenIdIdentity"]["identity"]
    session = await web.users.log_in(ready.email)
    given = {"identityId": linked["id"], "password": PASSWORD}
    return Ready(ready.email, lambda: act(web, UNLINK, session, given), [PASSWORD])


async def suspended(web: Web) -> Ready:
    session, email = await signed_up(web)
    boss = await an_admin(web.users)
    given = {"userId": session["user"]["id"], "reason": REASON}
    return Ready(email, lambda: act(web, SUSPEND, boss, given), [REASON, boss["email"]])


async def reinstated(web: Web) -> Ready:
    session, email = await signed_up(web)
    boss = await an_admin(web.users)
    user_id = session["user"]["id"]
    await act(web, SUSPEND, boss, {"userId": user_id, "reason": REASON})
    return Ready(email, lambda: act(web, REINSTATE, boss, {"userId": user_id}), [REASON, boss["email"]])


async def erased(web: Web) -> Ready:
    session, email = await signed_up(web)
    return Ready(email, lambda: act(web, ERASE, session, {"password": PASSWORD}), [PASSWORD])


async def erased_by_an_admin(web: Web) -> Ready:
    session, email = await signed_up(web)
    boss = await an_admin(web.users)
    given = {"userId": session["user"]["id"], "reason": REASON}
    return Ready(email, lambda: act(web, ERASE_USER, boss, given), [REASON, boss["email"]])


CHANGES: list[tuple[Callable[[Web], Awaitable[Ready]], Template, str]] = [
    (password_changed, Template.PASSWORD_CHANGED, "users.user.session_revoked"),
    (second_factor_enabled, Template.SECOND_FACTOR_ENABLED, "users.user.second_factor_enabled"),
    (second_factor_disabled, Template.SECOND_FACTOR_DISABLED, "users.user.second_factor_disabled"),
    (second_factor_removed, Template.SECOND_FACTOR_REMOVED, "users.user.second_factor_removed"),
    (recovery_codes_regenerated, Template.RECOVERY_CODES_REGENERATED, "users.user.recovery_codes_regenerated"),
    (recovery_code_used, Template.RECOVERY_CODE_USED, "users.user.recovery_code_used"),
    (identity_linked, Template.IDENTITY_LINKED, "users.user.identity_linked"),
    (account_opened_elsewhere, Template.IDENTITY_LINKED, "users.user.identity_linked"),
    (identity_unlinked, Template.IDENTITY_UNLINKED, "users.user.identity_unlinked"),
    (suspended, Template.ACCOUNT_SUSPENDED, "users.user.suspended"),
    (reinstated, Template.ACCOUNT_REINSTATED, "users.user.reinstated"),
    (erased, Template.ACCOUNT_ERASED, "users.user.erased"),
    (erased_by_an_admin, Template.ACCOUNT_ERASED, "users.user.erased"),
]
FACTS = {
    Template.RECOVERY_CODE_USED: "Recovery codes left: 9.",
    Template.IDENTITY_LINKED: "an account at Acme was connected",
    Template.IDENTITY_UNLINKED: "an account at Acme was disconnected",
}
every_change = pytest.mark.parametrize(
    ("prepare", "template", "event"), [pytest.param(*case, id=case[0].__name__) for case in CHANGES]
)


async def signed_up(web: Web) -> tuple[dict[str, Any], str]:
    """Somebody with two sessions, of which the second is a new one."""
    email = new_email()
    await web.users.sign_up(email=email, displayName=NAME)
    return await web.users.log_in(email), email


async def act(web: Web, document: str, session: dict[str, Any] | None, given: dict[str, Any]) -> Answer:
    return await web.users.execute(document, {"input": given}, token=session["accessToken"] if session else None)


@pytest.fixture
async def web(serve_subgraph: ServeSubgraph, post: Post, hostile: str, hostile_file: Path) -> AsyncIterator[Web]:
    async with serve_web(serve_subgraph, hostile, hostile_file, **post.settings) as web:
        yield web


def test_each_notice_is_told_of_here() -> None:
    elsewhere = {Template.VERIFY_EMAIL, Template.RESET_PASSWORD, Template.PASSWORD_RESET, Template.SET_UP_ENDED}
    assert {template for _, template, _ in CHANGES} == set(Template) - elsewhere


@every_change
async def test_the_owner_is_told(
    web: Web, post: Post, prepare: Callable[[Web], Awaitable[Ready]], template: Template, event: str
) -> None:
    ready = await prepare(web)
    before = clock.now()

    answer = await ready.change()

    assert "errors" not in answer
    assert [payload["userErrors"] for payload in answer["data"].values()] == [[]]
    subject = english.WORDINGS[template].subject
    await web.users.until_no_mail_waits()
    (mail,) = [each for each in post.mails(ready.email) if each.subject == subject]
    assert f"on {before:%Y-%m-%d %H:}" in mail.text or f"on {clock.now():%Y-%m-%d %H:}" in mail.text
    assert FACTS.get(template, "") in mail.text
    told = "".join(str(part.get_content()) for part in mail.message.walk() if not part.is_multipart())
    payload = str(answer["data"])
    for secret in (NAME, "#token", *ready.secrets):
        assert secret not in told + str(mail.message)
    for code in [each for each in payload.split("'") if each.count("-") == 3 and len(each) == 23]:
        assert code not in told


@every_change
@pytest.mark.parametrize("table", ["outbox", "mails"])
async def test_neither_is_done_without_the_other(
    web: Web, post: Post, prepare: Callable[[Web], Awaitable[Ready]], template: Template, event: str, table: str
) -> None:
    ready = await prepare(web)
    subject = english.WORDINGS[template].subject
    happened = await web.users.bodies(event)

    async with commits_fail_with(web.users, table):
        answer = await ready.change()

    assert "errors" in answer
    assert await web.users.bodies(event) == happened
    await web.users.until_no_mail_waits()
    assert [each for each in post.mails(ready.email) if each.subject == subject] == []


@asynccontextmanager
async def commits_fail_with(users: Users, table: str) -> AsyncIterator[None]:
    """Whatever writes a row into a table runs to its end and is rolled back."""
    await statement(users, "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$")
    await statement(
        users,
        f"CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    try:
        yield
    finally:
        await statement(users, "DROP FUNCTION fail() CASCADE")


async def statement(users: Users, sql: str) -> None:
    async with users.services.database.transaction() as session:
        await session.execute(text(sql))


async def test_each_use_of_a_recovery_code_is_told(web: Web, post: Post) -> None:
    person = await enable(web.users)
    for code in person.recovery_codes[:3]:
        given = {"challenge": await challenge(web.users, person.email), "code": code}
        assert "errors" not in await act(web, COMPLETE_LOG_IN, None, given)

    await web.users.until_no_mail_waits()
    subject = english.WORDINGS[Template.RECOVERY_CODE_USED].subject
    told = [each.text for each in post.mails(person.email) if each.subject == subject]
    assert sorted(next(left for left in "987" if f"left: {left}." in each) for each in told) == ["7", "8", "9"]


async def test_notices_wait_for_each_other_and_none_takes_anothers_place(users: Users) -> None:
    person = await enable(users)
    for code in person.recovery_codes[:3]:
        given = {"challenge": await challenge(users, person.email), "code": code}
        await users.act(COMPLETE_LOG_IN, input=given)
    assert await users.rows("SELECT count(*) FROM mails WHERE template = 'RECOVERY_CODE_USED'") == [(3,)]


async def test_a_code_that_does_not_hold_is_told_nobody(web: Web, post: Post) -> None:
    person = await enable(web.users)
    for code in (person.wrong_code(), "00000-00000-00000-00000"):
        given = {"challenge": await challenge(web.users, person.email), "code": code}
        await act(web, COMPLETE_LOG_IN, None, given)
        await act(web, DISABLE, person.session, {"password": PASSWORD, "code": code})

    await web.users.until_no_mail_waits()
    subjects = {each.subject for each in post.mails(person.email)}
    told = {Template.VERIFY_EMAIL, Template.SECOND_FACTOR_ENABLED}
    assert subjects == {english.WORDINGS[template].subject for template in told}


async def test_who_left_is_told_in_their_language_and_forgotten(web: Web, post: Post) -> None:
    session, email = await signed_up(web)
    change = "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }"
    await web.users.act(change, token=session["accessToken"], input={"locale": "TH"})

    await act(web, ERASE, session, {"password": PASSWORD})

    await web.users.until_no_mail_waits()
    assert post.mails(email)[-1].subject == thai.WORDINGS[Template.ACCOUNT_ERASED].subject


async def test_the_last_mail_waits_encrypted_and_outlives_the_erasure(users: Users) -> None:
    email = new_email()
    session = await users.sign_up(email=email)
    await users.act(ERASE, token=session["accessToken"], input={"password": PASSWORD})

    ((user_id, content),) = await users.rows("SELECT user_id, content FROM mails")
    assert user_id is None
    assert email.encode() not in content
