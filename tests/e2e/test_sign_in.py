"""Signing in with a second factor and at another provider: through the edge, both routers, and by real mail."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.demo.client import Client
from deploy.demo.live import Data, Refused
from deploy.local.stack import Stack
from shared import clock
from tests.e2e.people import become_admin, eventually, mutation, new_email, new_password, newcomer
from tests.users.providers import answer_of, newcomer_at
from tests.users.second_factors import code_of

pytestmark = pytest.mark.e2e

ENABLE = mutation("enableTotp", "secret uri")
CONFIRM = mutation("confirmTotp", "recoveryCodes")
DISABLE = mutation("disableTotp", "user { secondFactor { enabledAt } }")
REMOVE = mutation("removeSecondFactor", "user { secondFactor { enabledAt } }")
LOG_OUT = mutation("logOut", "session { endedAt }")
SESSION = "session { accessToken refreshToken expiresAt user { id } }"
LOG_IN = mutation("logIn", f"{SESSION} secondFactor {{ challenge }}")
COMPLETE_LOG_IN = mutation("completeLogIn", SESSION)
START = mutation("startOpenIdSignIn", "authorizationUrl handle")
COMPLETE = mutation("completeOpenIdSignIn", f"{SESSION} secondFactor {{ challenge }}")
LINK = mutation("linkOpenIdIdentity", "identity { id providerId email }")
UNLINK = mutation("unlinkOpenIdIdentity", "identity { id }")
ERASE = mutation("eraseMyAccount", "user { status }")
ME = "{ me { id email displayName roles secondFactor { recoveryCodesLeft } } }"
IDENTITIES = "{ myIdentities { nodes { id providerId email } } }"


class App(Client):
    """An app in the hands of somebody who is not signed in yet."""

    def enter(self, payload: Data) -> None:
        self._take_session(payload)

    def leave(self) -> None:
        self._session = {}

    async def refused(self, document: str, given: object) -> list[str]:
        """The codes with which an operation is refused."""
        with pytest.raises(Refused) as refusal:
            await self.call(document, input=given)
        return list(refusal.value.codes)

    async def challenge(self, email: str, password: str) -> str:
        """What a login with the password is answered where a second factor is active."""
        answered = await self.call(LOG_IN, input={"email": email, "password": password})
        assert answered["session"] is None
        return str(answered["secondFactor"]["challenge"])


@pytest.fixture
async def app(edge: str) -> AsyncIterator[App]:
    async with App(edge, "Nina") as app:
        yield app


async def test_a_second_factor_from_its_first_code_to_its_end(app: App, stack: Stack) -> None:
    email, password = new_email(), new_password()
    await app.sign_up(email, password, ["POSTER"])
    user_id = app.user_id
    secret = (await app.call(ENABLE, input={"password": password}))["secret"]
    codes = (await app.call(CONFIRM, input={"code": code_of(secret, clock.now())}))["recoveryCodes"]
    assert (await app.call(ME))["secondFactor"] == {"recoveryCodesLeft": 10}
    assert await stack.mail(email, "a second factor was set up")

    await app.call(LOG_OUT, input={})
    app.leave()
    challenge = await app.challenge(email, password)
    assert await app.refused(COMPLETE_LOG_IN, {"challenge": challenge, "code": "no code"}) == ["INVALID_SECOND_FACTOR"]
    # The code that confirmed it has been used, so the app's next one.
    code = code_of(secret, clock.now() + timedelta(seconds=30))
    app.enter(await app.call(COMPLETE_LOG_IN, input={"challenge": challenge, "code": code}))
    assert (await app.call(ME))["id"] == user_id

    app.leave()
    challenge = await app.challenge(email, password)
    assert await app.refused(COMPLETE_LOG_IN, {"challenge": challenge, "code": code}) == ["INVALID_SECOND_FACTOR"]
    app.enter(await app.call(COMPLETE_LOG_IN, input={"challenge": challenge, "code": codes[0]}))
    assert (await app.call(ME))["secondFactor"] == {"recoveryCodesLeft": 9}
    assert await stack.mail(email, "Recovery codes left: 9.")

    assert await app.refused(ERASE, {"password": password}) == ["SECOND_FACTOR_REQUIRED"]
    assert await app.refused(DISABLE, {"password": password, "code": codes[0]}) == ["INVALID_SECOND_FACTOR"]
    disabled = await app.call(DISABLE, input={"password": password, "code": codes[1]})
    assert disabled["user"] == {"secondFactor": None}
    assert await stack.mail(email, "Signing in takes no code any more.")
    app.leave()
    await app.log_in(email, password)
    assert (await app.call(ME))["id"] == user_id


async def test_who_has_lost_app_and_codes_is_let_in_by_an_admin(app: App, edge: str, stack: Stack) -> None:
    email, password = new_email(), new_password()
    await app.sign_up(email, password, ["POSTER"])
    secret = (await app.call(ENABLE, input={"password": password}))["secret"]
    codes = (await app.call(CONFIRM, input={"code": code_of(secret, clock.now())}))["recoveryCodes"]
    challenge = await app.challenge(email, password)

    async with newcomer(edge, "Ada", "POSTER") as ada:
        await become_admin(stack, ada)
        given = {"userId": app.user_id, "reason": "They lost their phone, and came with their passport."}
        assert (await ada.call(REMOVE, input=given))["user"] == {"secondFactor": None}
        assert await ada.answer(REMOVE, input=given) == {
            "data": {"removeSecondFactor": {"user": None, "userErrors": [{"code": "NOT_FOUND", "field": None}]}}
        }

    async def is_out() -> bool:
        try:
            await app.call(ME)
        except Refused as refusal:
            return list(refusal.codes) == ["UNAUTHENTICATED"]
        return False

    await eventually(is_out, 5)
    assert await stack.mail(email, "our support removed the second factor")
    app.leave()
    assert await app.refused(COMPLETE_LOG_IN, {"challenge": challenge, "code": codes[0]}) == ["INVALID_SECOND_FACTOR"]
    await app.log_in(email, password)
    assert (await app.call(ME))["secondFactor"] is None

    async def is_told() -> bool:
        told = (await app.call("{ notifications(first: 5) { nodes { title } } }"))["nodes"]
        return {"title": "Second factor removed"} in told

    await eventually(is_told)


async def test_somebody_comes_from_another_provider_and_comes_again(app: App, stack: Stack) -> None:
    email = new_email()
    assert await app.call("{ signInProviders { id name } }") == [{"id": "acme", "name": "Acme"}]

    started = await app.call(START, input={"provider": "acme"})
    answer = await newcomer_at(started["authorizationUrl"], email=email)
    subject = answer.pop("subject")
    given = {"handle": started["handle"], **answer, "roles": ["TASKER"]}
    app.enter(await app.call(COMPLETE, input=given))
    me = await app.call(ME)
    expected = {"id": app.user_id, "email": email, "displayName": "Nina", "roles": ["TASKER"], "secondFactor": None}
    assert me == expected
    identity = (await app.call(IDENTITIES))["nodes"][0]
    assert (identity["providerId"], identity["email"]) == ("acme", email)
    assert await stack.mail(email, "an account at Acme was connected")

    app.leave()
    assert await app.refused(COMPLETE, given) == ["OPEN_ID_SIGN_IN_FAILED"]
    started = await app.call(START, input={"provider": "acme"})
    again = {"handle": started["handle"], **await answer_of(started["authorizationUrl"], subject)}
    app.enter(await app.call(COMPLETE, input={**again, "roles": ["POSTER"]}))
    assert await app.call(ME) == expected
    # Nothing else would let them in. They have no password, and so a new session is what confirms them.
    assert await app.refused(UNLINK, {"identityId": identity["id"]}) == ["LAST_WAY_TO_SIGN_IN"]
    assert (await app.call(ERASE, input={}))["user"] == {"status": "ERASED"}
    assert await stack.mail(email, "was erased")


async def test_an_account_is_linked_and_its_second_factor_asked_for_there_too(app: App, stack: Stack) -> None:
    email, password = new_email(), new_password()
    await app.sign_up(email, password, ["POSTER"])
    user_id = app.user_id
    started = await app.call(START, input={"provider": "acme", "link": True})
    answer = await newcomer_at(started["authorizationUrl"], email=new_email())
    subject = answer.pop("subject")
    given = {"handle": started["handle"], **answer}
    assert await app.refused(LINK, {**given, "password": new_password()}) == ["INVALID_CREDENTIALS"]
    identity = (await app.call(LINK, input={**given, "password": password}))["identity"]
    secret = (await app.call(ENABLE, input={"password": password}))["secret"]
    codes = (await app.call(CONFIRM, input={"code": code_of(secret, clock.now())}))["recoveryCodes"]

    app.leave()
    started = await app.call(START, input={"provider": "acme"})
    again = {"handle": started["handle"], **await answer_of(started["authorizationUrl"], subject)}
    answered = await app.call(COMPLETE, input={**again, "roles": ["POSTER"]})
    assert answered["session"] is None
    challenge = answered["secondFactor"]["challenge"]
    app.enter(await app.call(COMPLETE_LOG_IN, input={"challenge": challenge, "code": codes[0]}))
    assert app.user_id == user_id

    await app.call(UNLINK, input={"identityId": identity["id"], "password": password})
    assert (await app.call(IDENTITIES))["nodes"] == []
    assert await stack.mail(email, "an account at Acme was disconnected")
