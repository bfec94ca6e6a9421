"""Accounts that somebody opens with another's e-mail address, to be in them when the owner comes.

The five kinds of Sudhodanan and Paverd, "Pre-hijacked accounts" (USENIX Security 2022), and what is like them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type

from shared import clock
from subgraphs.users import models, store
from subgraphs.users.mails import english
from subgraphs.users.rules.mails import Template
from subgraphs.users.schema import schema
from tests.conftest import ServeSubgraph
from tests.users.conftest import ERRORS, LOG_IN, ME, OTHER_PASSWORD, PASSWORD, SIGN_UP, Users, new_email, sign_up_input
from tests.users.post import Post, token_of
from tests.users.second_factors import CHALLENGE, CONFIRM, ENABLE, STATUS, challenge, code_of, complete, is_refused
from tests.users.test_export_my_data import EXPORT
from tests.users.test_reset_password import REQUEST
from tests.users.test_verification import submit
from tests.users.test_verify_email import VERIFY
from tests.users.web import IDENTITIES, LINK, Web, serve_web

RESET = (
    "mutation($input: ResetPasswordInput!) "
    f"{{ resetPassword(input: $input) {{ user {{ id status }} setUpEnded {ERRORS} }} }}"
)
UPDATE = f"mutation($input: UpdateProfileInput!) {{ updateProfile(input: $input) {{ user {{ phone }} {ERRORS} }} }}"
PHONE = "+66812345678"
THIEFS = {"sub": "the-thief", "email": "thief@example.com"}


@pytest.fixture
async def web(serve_subgraph: ServeSubgraph, post: Post, hostile: str, hostile_file: Path) -> AsyncIterator[Web]:
    async with serve_web(serve_subgraph, hostile, hostile_file, **post.settings) as web:
        yield web


@dataclass
class Prepared:
    """What a thief has of an account with the address of somebody else."""

    email: str
    session: dict[str, Any]
    secret: str = ""

    @property
    def user_id(self) -> str:
        return str(self.session["user"]["id"])

    @property
    def token(self) -> str:
        return str(self.session["accessToken"])


async def prepare(web: Web) -> Prepared:
    """A thief opens an account with another's address and sets up all that there is."""
    users, email = web.users, new_email()
    thief = Prepared(email, await users.sign_up(email=email))
    await web.told(claims=THIEFS)
    linking = await web.answer(await web.start(thief.token, link=True))
    given = {name: value for name, value in linking.items() if name != "roles"}
    linked = await users.act(LINK, token=thief.token, input={**given, "password": PASSWORD})
    assert linked["linkOpenIdIdentity"]["userErrors"] == []
    thief.secret = (await users.act(ENABLE, token=thief.token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    with clock.offset(timedelta(minutes=-5)):
        code = code_of(thief.secret, clock.now())
        confirmed = await users.act(CONFIRM, token=thief.token, input={"code": code})
    assert confirmed["confirmTotp"]["userErrors"] == []
    await users.act(UPDATE, token=thief.token, input={"phone": PHONE})
    await submit(users, thief.token)
    exporting = {"password": PASSWORD, "code": code_of(thief.secret, clock.now())}
    exported = await users.act(EXPORT, token=thief.token, input=exporting)
    assert exported["exportMyData"]["userErrors"] == []
    await web.told()
    return thief


async def reset(web: Web, post: Post, email: str, password: str = OTHER_PASSWORD) -> dict[str, Any]:
    """What the owner of the address does: asks for a mail, and sets a password by its link."""
    await web.users.until_no_mail_waits()
    known = len(post.mails(email))
    await web.users.act(REQUEST, input={"email": email})
    token = await post.token(email, known + 1)
    given = {"token": token, "newPassword": password, "idempotencyKey": "once"}
    payload: dict[str, Any] = (await web.users.act(RESET, input=given))["resetPassword"]
    assert payload["userErrors"] == []
    # As after a lost answer.
    assert await web.users.act(RESET, input=given) == {"resetPassword": payload}
    return payload


async def set_up(users: Users, user_id: str) -> dict[str, int]:
    """How many rows there are of each table of what is set up for an account."""
    return {
        table.__tablename__: len(
            await users.rows(f"SELECT 1 FROM {table.__tablename__} WHERE user_id = :id", id=user_id)
        )
        for table in store.ownership.SET_UP
    }


async def refusals(users: Users, token: str) -> list[str]:
    answer = await users.execute(ME, token=token)
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


# --- 1: classic-federated merge ---


async def test_an_account_is_never_merged_with_who_comes_from_a_provider(web: Web, post: Post) -> None:
    thief = await prepare(web)
    await web.told(claims={"sub": "the-owner", "email": thief.email})

    payload = await web.sign_in()
    assert [error["code"] for error in payload["userErrors"]] == ["IDENTITY_NOT_LINKED"]
    assert await web.users.rows("SELECT user_id, subject FROM identities") == [(thief.user_id, "the-thief")]

    # The way on: the mail, and then the identity.
    await reset(web, post, thief.email)
    owner = await web.users.log_in(thief.email, OTHER_PASSWORD)
    linking = await web.answer(await web.start(owner["accessToken"], link=True))
    given = {name: value for name, value in linking.items() if name != "roles"} | {"password": OTHER_PASSWORD}
    await web.users.act(LINK, token=owner["accessToken"], input=given)
    assert (await web.sign_in())["session"]["user"]["id"] == thief.user_id


async def test_who_came_from_a_provider_is_not_joined_by_a_password(web: Web) -> None:
    await web.told(claims={"sub": "the-owner", "email": "owner@example.com"})
    owner = (await web.sign_in())["session"]["user"]
    payload = (await web.users.act(SIGN_UP, input=sign_up_input(email="Owner@Example.com")))["signUp"]
    assert [error["code"] for error in payload["userErrors"]] == ["EMAIL_TAKEN"]
    assert await web.users.rows("SELECT id, password_hash FROM users") == [(owner["id"], None)]


# --- 2: unexpired session ---


async def test_no_session_outlives_the_owners_first_mail(web: Web, post: Post) -> None:
    users, email = web.users, new_email()
    signing_up = sign_up_input(email=email, idempotencyKey="again")
    thief = (await users.act(SIGN_UP, input=signing_up))["signUp"]["session"]
    another = await users.log_in(email)

    assert (await reset(web, post, email))["setUpEnded"] is False

    for session in (thief, another):
        assert await refusals(users, session["accessToken"]) == ["UNAUTHENTICATED"]
        payload = await users.refresh(session["refreshToken"])
        assert [error["code"] for error in payload["userErrors"]] == ["SESSION_EXPIRED"]
    for document, given in ((SIGN_UP, signing_up), (LOG_IN, {"email": email, "password": PASSWORD})):
        ((_, payload),) = (await users.act(document, input=given)).items()
        assert payload["session"] is None
        assert len(payload["userErrors"]) == 1


# --- 3: trojan identifier ---


async def test_nothing_that_was_set_up_outlives_the_owners_first_mail(web: Web, post: Post) -> None:
    users = web.users
    thief = await prepare(web)
    waiting = await challenge(users, thief.email)
    assert all((await set_up(users, thief.user_id)).values()) is False
    await web.start(thief.token, link=True)
    assert all((await set_up(users, thief.user_id)).values())

    done = await reset(web, post, thief.email)

    assert done == {"user": {"id": thief.user_id, "status": "ACTIVE"}, "setUpEnded": True, "userErrors": []}
    assert not any((await set_up(users, thief.user_id)).values())
    assert await users.rows("SELECT 1 FROM recovery_codes") == []
    assert await users.rows("SELECT phone FROM users WHERE id = :id", id=thief.user_id) == [(None,)]
    assert is_refused(await complete(users, waiting, code_of(thief.secret, clock.now())))
    await web.told(claims=THIEFS)
    assert (await web.sign_in())["session"]["user"]["id"] != thief.user_id

    # In with the password alone, and what is set up from now on is the owner's.
    entered = (await users.act(CHALLENGE, input={"email": thief.email, "password": OTHER_PASSWORD}))["logIn"]
    owner = entered["session"]
    assert owner["user"]["id"] == thief.user_id
    assert await users.act(STATUS, token=owner["accessToken"]) == {"me": {"secondFactor": None}}
    assert await users.act(IDENTITIES, token=owner["accessToken"]) == {"myIdentities": {"nodes": []}}


async def test_the_owner_is_told(web: Web, post: Post) -> None:
    thief = await prepare(web)
    await reset(web, post, thief.email)
    await web.users.until_no_mail_waits()
    subjects = [mail.subject for mail in post.mails(thief.email)]
    ended, changed = (english.WORDINGS[each].subject for each in (Template.SET_UP_ENDED, Template.PASSWORD_RESET))
    assert (subjects.count(ended), subjects.count(changed)) == (1, 1)
    text = next(mail.text for mail in post.mails(thief.email) if mail.subject == ended)
    assert "Second factors: 1; accounts elsewhere: 1; documents: 1; phones: 1." in " ".join(text.split())
    told = [each[2] for each in await web.users.log() if each[0] == f"user:{thief.user_id}"]
    assert {"users.user.second_factor_disabled", "users.user.identity_unlinked"} <= set(told)


# --- 4: unexpired change of the e-mail address, and other things under way ---


def test_nothing_changes_an_e_mail_address() -> None:
    """Whoever adds it lets no change that was begun before the first mail be finished after it."""
    mutation = schema._schema.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    takes = set()
    for name, field in mutation.fields.items():
        inputs = [get_named_type(argument.type) for argument in field.args.values()]
        if any(isinstance(each, GraphQLInputObjectType) and "email" in each.fields for each in inputs):
            takes.add(name)
    assert takes == {"signUp", "logIn", "requestPasswordReset"}


async def test_nothing_that_was_under_way_is_finished_after_the_first_mail(web: Web, post: Post) -> None:
    users, email = web.users, new_email()
    thief = await users.sign_up(email=email)
    token = thief["accessToken"]
    verification = await post.token(email)
    await web.told(claims=THIEFS)
    linking = await web.answer(await web.start(token, link=True))
    await users.act(ENABLE, token=token, input={"password": PASSWORD})

    await reset(web, post, email)

    payload = (await users.act(VERIFY, input={"token": verification}))["verifyEmail"]
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID_TOKEN"]
    owner = await users.log_in(email, OTHER_PASSWORD)
    given = {name: value for name, value in linking.items() if name != "roles"} | {"password": OTHER_PASSWORD}
    payload = (await users.act(LINK, token=owner["accessToken"], input=given))["linkOpenIdIdentity"]
    assert [error["code"] for error in payload["userErrors"]] == ["OPEN_ID_SIGN_IN_FAILED"]
    payload = (await users.act(CONFIRM, token=owner["accessToken"], input={"code": "000000"}))["confirmTotp"]
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


# --- 5: a provider that verifies nothing ---


@pytest.mark.parametrize("verified", [False, None, "true", 1, "false"])
async def test_an_address_that_the_provider_has_not_verified_opens_nothing(web: Web, verified: object) -> None:
    email = new_email()
    await web.told(claims={"sub": "the-thief", "email": email, "email_verified": verified})
    payload = await web.sign_in()
    assert [error["code"] for error in payload["userErrors"]] == ["EMAIL_NOT_VERIFIED"]
    assert await web.users.rows("SELECT 1 FROM users") == await web.users.rows("SELECT 1 FROM identities") == []
    await web.users.sign_up(email=email)


# --- a link that the thief asked for ---


async def test_a_link_that_somebody_else_uses_ends_what_was_set_up(web: Web, post: Post) -> None:
    users = web.users
    thief = await prepare(web)
    first = next(mail for mail in post.mails(thief.email) if "#token=" in mail.text)

    payload = (await users.act(VERIFY, input={"token": token_of(first)}))["verifyEmail"]
    assert payload["userErrors"] == []
    assert not any((await set_up(users, thief.user_id)).values())
    await users.until_no_mail_waits()
    assert post.mails(thief.email)[-1].subject == english.WORDINGS[Template.SET_UP_ENDED].subject

    assert (await reset(web, post, thief.email))["setUpEnded"] is False
    assert (await users.log_in(thief.email, OTHER_PASSWORD))["user"]["id"] == thief.user_id


async def test_ones_own_session_verifies_and_keeps_what_one_has_set_up(web: Web, post: Post) -> None:
    users = web.users
    person = await prepare(web)
    first = next(mail for mail in post.mails(person.email) if "#token=" in mail.text)
    before = await set_up(users, person.user_id)

    payload = (await users.act(VERIFY, token=person.token, input={"token": token_of(first)}))["verifyEmail"]
    assert payload["userErrors"] == []
    assert await set_up(users, person.user_id) == before

    # From then on whoever reads the mailbox gets no further than the second factor.
    assert (await reset(web, post, person.email))["setUpEnded"] is False
    await challenge(users, person.email, OTHER_PASSWORD)


async def test_what_the_owner_sets_up_after_the_first_mail_stays(web: Web, post: Post) -> None:
    users, email = web.users, new_email()
    await users.sign_up(email=email)
    await reset(web, post, email)
    owner = await users.log_in(email, OTHER_PASSWORD)
    given = {"password": OTHER_PASSWORD}
    secret = (await users.act(ENABLE, token=owner["accessToken"], input=given))["enableTotp"]["secret"]
    await users.act(CONFIRM, token=owner["accessToken"], input={"code": code_of(secret, clock.now())})

    assert (await reset(web, post, email, "cold planets whistle under water"))["setUpEnded"] is False

    await challenge(users, email, "cold planets whistle under water")


async def test_a_suspended_account_is_cleared_and_stays_suspended(web: Web, post: Post) -> None:
    thief = await prepare(web)
    await web.users.rows("UPDATE users SET status = 'SUSPENDED' RETURNING id")
    done = await reset(web, post, thief.email)
    assert (done["user"]["status"], done["setUpEnded"]) == ("SUSPENDED", True)
    assert await web.users.rows("SELECT email_verified_at FROM users") == [(None,)]


KEPT = {
    "blocks": "whom one does not want to deal with",
    "reports": "what one said of others",
    "mails": "goes to the address itself",
    "mailed_codes": "is brought by who reads the mailbox; that for verifying is deleted by name",
    "sessions": "a new password ends them",
}


def test_every_table_about_an_account_is_either_ended_or_kept() -> None:
    tables = {
        name
        for name, table in models.Base.metadata.tables.items()
        if any(key.column.table.name == "users" for key in table.foreign_keys)
    }
    assert tables == {table.__tablename__ for table in store.ownership.SET_UP} | set(KEPT)
