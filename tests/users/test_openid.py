"""Signing in at other providers: startOpenIdSignIn, completeOpenIdSignIn, linking and unlinking."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from shared import clock
from subgraphs.users.openid.providers import providers
from subgraphs.users.revocations import RevocationKeeper
from tests.conftest import ServeSubgraph, SettingsFor
from tests.users.conftest import ME, PASSWORD, Serve, Users
from tests.users.providers import answer_of, entry
from tests.users.second_factors import CONFIRM, ENABLE, code_of, complete, is_session
from tests.users.web import COMPLETE, FAILED, IDENTITIES, LINK, REFUSED, START, UNLINK, Web, serve_web


@pytest.fixture
async def web(serve_subgraph: ServeSubgraph, hostile: str, hostile_file: Path) -> AsyncIterator[Web]:
    async with serve_web(serve_subgraph, hostile, hostile_file) as web:
        yield web


async def everything(users: Users) -> list[Any]:
    return [*await users.state(), await users.rows("SELECT * FROM identities ORDER BY id")]


async def test_a_person_signs_in_at_a_real_provider(serve_users: Serve, honest: str, tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry(honest)]}))
    async with serve_users(openid_providers_file=file) as users:
        web = Web(users, honest)
        answers = []
        for _ in range(2):
            started = await web.start()
            given = {"handle": started["handle"], **await answer_of(started["authorizationUrl"], "nina")}
            answers.append(await web.complete({**given, "roles": ["POSTER", "TASKER"]}))
        assert [answer["userErrors"] for answer in answers] == [[], []]
        assert answers[0]["session"]["user"]["id"] == answers[1]["session"]["user"]["id"]
        me = (await users.act(ME, token=answers[1]["session"]["accessToken"]))["me"]
        assert (me["displayName"], me["email"], me["roles"]) == ("Nina", "nina@example.com", ["POSTER", "TASKER"])


async def test_the_first_sign_in_opens_an_account(web: Web) -> None:
    payload = await web.sign_in()

    user = payload["session"]["user"]
    assert (payload["userErrors"], payload["secondFactor"]) == ([], None)
    assert (user["displayName"], user["status"]) == ("Somchai Srisuk", "ACTIVE")
    assert await web.users.rows("SELECT password_hash, email, email_verified_at IS NOT NULL, roles FROM users") == [
        (None, "somchai@example.com", True, ["POSTER"])
    ]
    assert [each[2] for each in await web.users.log()] == [
        "users.user.registered",
        "users.user.email_verified",
        "users.user.identity_linked",
    ]
    told = str(await web.users.rows("SELECT body FROM outbox"))
    assert "somchai@" not in told
    again = await web.sign_in()
    assert again["session"]["user"]["id"] == user["id"]
    assert len(await web.users.rows("SELECT 1 FROM sessions")) == 2


async def test_what_goes_to_the_provider(web: Web) -> None:
    started = await web.start()
    query = parse_qs(urlsplit(started["authorizationUrl"]).query)
    assert {name: values[0] for name, values in query.items() if name not in ("state", "nonce", "code_challenge")} == {
        "response_type": "code",
        "client_id": "the-client",
        "redirect_uri": "https://app.example.com/signed-in",
        "scope": "openid email profile",
        "code_challenge_method": "S256",
    }
    secrets = [started["handle"], *(query[name][0] for name in ("state", "nonce", "code_challenge"))]
    assert len(set(secrets)) == 4
    assert all(len(secret) >= 43 for secret in secrets)
    stored = str(await web.users.rows("SELECT s::text FROM openid_sign_ins s"))
    assert not any(secret in stored or secret.encode().hex() in stored for secret in secrets)
    another = await web.start()
    query = parse_qs(urlsplit(another["authorizationUrl"]).query)
    assert {another["handle"], *(query[name][0] for name in ("state", "nonce", "code_challenge"))}.isdisjoint(secrets)


@pytest.mark.parametrize(
    "told",
    [
        {"signature": "none"},
        {"signature": "client secret"},
        {"signature": "public key"},
        {"signature": "foreign key"},
        {"signature": "unknown key"},
        {"signature": "own key"},
        {"signature": "tampered"},
        {"signature": "nonsense"},
        {"signature": "long"},
        {"signature": "absent"},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": ["the-client", "another-client"], "azp": "the-client"}},
        {"claims": {"aud": []}},
        {"claims": {"aud": None}},
        {"claims": {"azp": "another-client"}},
        {"claims": {"iss": "https://elsewhere.example.com"}},
        {"claims": {"iss": None}},
        {"claims": {"sub": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": 7}},
        {"claims": {"sub": "x" * 300}},
        {"claims": {"sub": "nul\0"}},
        {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
        {"claims": {"exp": None}},
        {"claims": {"exp": "soon"}},
        {"claims": {"iat": None}},
        {"shifted": {"exp": -60}},
        {"shifted": {"iat": 600}},
        {"shifted": {"iat": -3600}},
        {"claims": {"nbf": 0}, "shifted": {"nbf": 600}},
    ],
    ids=str,
)
async def test_an_id_token_that_does_not_hold_lets_nobody_in(web: Web, told: dict[str, object]) -> None:
    before = await everything(web.users)
    await web.told(**told)
    assert await web.sign_in() == REFUSED
    assert await everything(web.users) == before


@pytest.mark.parametrize(
    "told", [{"signature": "ES256"}, {"claims": {"aud": ["the-client"]}}, {"claims": {"at_hash": None}}], ids=str
)
async def test_one_that_holds_in_another_way_does(web: Web, told: dict[str, object]) -> None:
    await web.told(**told)
    assert (await web.sign_in())["session"] is not None


@pytest.mark.parametrize(
    "change",
    [
        {"handle": "never given"},
        {"handle": ""},
        {"handle": "x" * 10_000},
        {"state": "another"},
        {"state": ""},
        {"code": "another"},
        {"code": ""},
        {"code": "x" * 10_000},
        {"iss": "https://elsewhere.example.com"},
        {"iss": ""},
        # The provider says that it sends it (RFC 9207).
        {"iss": None},
    ],
    ids=lambda change: str(change)[:40],
)
async def test_an_answer_that_does_not_belong_lets_nobody_in(web: Web, change: dict[str, object]) -> None:
    given = await web.answer(await web.start())
    before = await everything(web.users)
    assert await web.complete(given | change) == REFUSED
    assert await everything(web.users) == before


async def test_the_answer_for_one_browser_is_worth_nothing_in_another(web: Web) -> None:
    mine, theirs = await web.answer(await web.start()), await web.answer(await web.start())
    assert await web.complete({**mine, "handle": theirs["handle"]}) == REFUSED
    # Not even with its state: code and nonce are bound to the handle as well.
    mine, theirs = await web.answer(await web.start()), await web.answer(await web.start())
    assert await web.complete({**theirs, "code": mine["code"]}) == REFUSED


async def test_a_code_is_bound_to_its_browser_even_where_the_nonce_fits(web: Web) -> None:
    mine, started = await web.answer(await web.start()), await web.start()
    theirs = await web.answer(started)
    # As the provider would sign it for them: nothing but the verifier of the code is wrong (RFC 7636).
    await web.told(claims={"nonce": parse_qs(urlsplit(started["authorizationUrl"]).query)["nonce"][0]})
    assert await web.complete({**theirs, "code": mine["code"]}) == REFUSED


async def test_an_answer_counts_once(web: Web) -> None:
    given = await web.answer(await web.start())
    answers = await asyncio.gather(*(web.complete(given) for _ in range(5)))
    assert sum(answer["session"] is not None for answer in answers) == 1
    assert answers.count(REFUSED) == 4
    assert await web.complete(given) == REFUSED


async def test_a_refused_answer_uses_the_handle_up(web: Web) -> None:
    given = await web.answer(await web.start())
    assert await web.complete({**given, "state": "guess"}) == REFUSED
    assert await web.complete(given) == REFUSED


async def test_a_sign_in_may_take_ten_minutes(web: Web) -> None:
    # The provider's token is as new as can be: only the handle is old.
    for seconds, is_late in ((590, False), (601, True)):
        given = await web.answer(await web.start())
        await web.told(shifted={"iat": seconds, "exp": seconds + 300})
        with clock.offset(timedelta(seconds=seconds)):
            assert (await web.complete(given) == REFUSED) is is_late
    await web.start()
    with clock.offset(timedelta(minutes=11)):
        await RevocationKeeper(web.users.services)._tidy()
    assert await web.users.rows("SELECT 1 FROM openid_sign_ins") == []


async def test_the_provider_may_change_its_keys(web: Web) -> None:
    assert (await web.sign_in())["session"] is not None
    await web.told(rotate=True)
    assert (await web.sign_in())["session"] is not None


async def test_unknown_keys_do_not_have_the_provider_asked_each_time(web: Web) -> None:
    await web.told(signature="unknown key")
    for _ in range(3):
        assert await web.sign_in() == REFUSED
    asked = await web.told()
    await web.told(signature="unknown key")
    for _ in range(3):
        assert await web.sign_in() == REFUSED
    assert (await web.told()).count("jwks") == asked.count("jwks")


@pytest.mark.parametrize("endpoint", ["discovery", "jwks", "token"])
@pytest.mark.parametrize("wrong", ["redirect", "error", "large", "html"])
async def test_a_provider_that_is_not_itself_is_unavailable(
    serve_users: Serve, hostile: str, tmp_path: Path, endpoint: str, wrong: str
) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry(hostile)]}))
    async with serve_users(openid_providers_file=file) as users:
        web = Web(users, hostile)
        asked = await web.told(**{endpoint: wrong})
        before = await everything(users)
        answer = await users.execute(START, {"input": {"provider": "acme"}})
        if endpoint != "discovery":
            started = answer["data"]["startOpenIdSignIn"]
            answer = await users.execute(COMPLETE, {"input": await web.answer(started)})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SERVICE_UNAVAILABLE"]
        assert await everything(users) == before
        assert (await web.told()).count("elsewhere") == asked.count("elsewhere")


async def test_a_slow_provider_holds_no_connection_of_the_database(
    serve_users: Serve, hostile: str, tmp_path: Path
) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry(hostile)]}))
    async with serve_users(openid_providers_file=file, transaction_pool_size=1, read_pool_size=1) as users:
        web = Web(users, hostile)
        await web.told()
        given = await web.answer(await web.start())
        await web.told(token="slow")
        waiting = asyncio.create_task(users.execute(COMPLETE, {"input": given}))
        while await users.rows("SELECT 1 FROM openid_sign_ins"):
            await asyncio.sleep(0.01)
        assert (await users.sign_up())["user"]["id"]
        assert not waiting.done()
        answer = await asyncio.wait_for(waiting, 30)
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SERVICE_UNAVAILABLE"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example.com"},
        {"token_endpoint": "http://elsewhere.example.com/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://user@example.com/jwks"},
        {"authorization_endpoint": None},
    ],
    ids=str,
)
async def test_a_configuration_that_leads_astray_is_refused(
    serve_users: Serve, hostile: str, tmp_path: Path, metadata: dict[str, object]
) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry(hostile)]}))
    async with serve_users(openid_providers_file=file) as users:
        await Web(users, hostile).told(metadata=metadata)
        answer = await users.execute(START, {"input": {"provider": "acme"}})
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SERVICE_UNAVAILABLE"]


@pytest.mark.parametrize(
    "claims",
    [{"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": None}],
    ids=str,
)
async def test_without_a_verified_address_no_account_is_opened(web: Web, claims: dict[str, object]) -> None:
    before = await everything(web.users)
    await web.told(claims=claims)
    payload = await web.sign_in()
    assert payload["session"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["EMAIL_NOT_VERIFIED"]
    assert await everything(web.users) == before


async def test_an_account_with_the_address_is_not_linked_silently(web: Web) -> None:
    await web.users.sign_up(email="somchai@example.com")
    before = await everything(web.users)
    payload = await web.sign_in()
    assert payload["session"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["IDENTITY_NOT_LINKED"]
    assert await everything(web.users) == before


async def test_a_person_links_an_identity_and_unlinks_it(web: Web) -> None:
    users = web.users
    session = await users.sign_up(email="somchai@example.com")
    token = session["accessToken"]
    given = await web.answer(await web.start(token, link=True))
    del given["roles"]

    linked = (await users.act(LINK, token=token, input={**given, "password": PASSWORD}))["linkOpenIdIdentity"]

    identity = linked["identity"]
    assert (linked["userErrors"], identity["providerId"], identity["email"]) == ([], "acme", "somchai@example.com")
    assert (await users.act(IDENTITIES, token=token))["myIdentities"]["nodes"] == [identity]
    assert (await web.sign_in())["session"]["user"]["id"] == session["user"]["id"]

    other = (await users.sign_up())["accessToken"]
    assert (await users.act(IDENTITIES, token=other))["myIdentities"]["nodes"] == []
    taken = await web.answer(await web.start(other, link=True))
    del taken["roles"]
    payload = (await users.act(LINK, token=other, input={**taken, "password": PASSWORD}))["linkOpenIdIdentity"]
    assert [error["code"] for error in payload["userErrors"]] == ["IDENTITY_TAKEN"]
    theirs = {"identityId": identity["id"], "password": PASSWORD}
    payload = (await users.act(UNLINK, token=other, input=theirs))["unlinkOpenIdIdentity"]
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
    payload = (await users.act(UNLINK, token=token, input={"identityId": identity["id"]}))["unlinkOpenIdIdentity"]
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID_CREDENTIALS"]

    payload = (await users.act(UNLINK, token=token, input=theirs))["unlinkOpenIdIdentity"]
    assert payload == {"identity": identity, "userErrors": []}
    assert [error["code"] for error in (await web.sign_in())["userErrors"]] == ["IDENTITY_NOT_LINKED"]
    assert len(await users.bodies("users.user.identity_unlinked")) == 1


async def test_a_sign_in_links_nothing_and_a_link_signs_nobody_in(web: Web) -> None:
    users = web.users
    victim = (await users.sign_up())["accessToken"]
    attacker = (await users.sign_up())["accessToken"]
    for given in (await web.answer(await web.start()), await web.answer(await web.start(attacker, link=True))):
        del given["roles"]
        payload = (await users.act(LINK, token=victim, input={**given, "password": PASSWORD}))["linkOpenIdIdentity"]
        assert payload == {"identity": None, "userErrors": [FAILED]}
    assert await web.complete(await web.answer(await web.start(attacker, link=True))) == REFUSED
    answer = await users.execute(START, {"input": {"provider": "acme", "link": True}})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_the_last_way_to_sign_in_stays(web: Web) -> None:
    token = (await web.sign_in())["session"]["accessToken"]
    ((identity_id,),) = await web.users.rows("SELECT id FROM identities")
    before = await everything(web.users)
    payload = (await web.users.act(UNLINK, token=token, input={"identityId": identity_id}))["unlinkOpenIdIdentity"]
    assert payload["identity"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["LAST_WAY_TO_SIGN_IN"]
    assert await everything(web.users) == before


@pytest.mark.parametrize(("status", "code"), [("SUSPENDED", "ACCOUNT_SUSPENDED"), ("ERASED", "INVALID_CREDENTIALS")])
async def test_who_may_have_no_session_gets_none(web: Web, status: str, code: str) -> None:
    assert (await web.sign_in())["session"] is not None
    await web.users.rows("UPDATE users SET status = :status RETURNING id", status=status)
    before = await everything(web.users)
    payload = await web.sign_in()
    assert payload["session"] is None
    assert [error["code"] for error in payload["userErrors"]] == [code]
    assert await everything(web.users) == before


async def test_a_second_factor_is_asked_for_here_too(web: Web) -> None:
    token = (await web.sign_in())["session"]["accessToken"]
    secret = (await web.users.act(ENABLE, token=token, input={}))["enableTotp"]["secret"]
    with clock.offset(timedelta(minutes=-5)):
        code = code_of(secret, clock.now())
        assert (await web.users.act(CONFIRM, token=token, input={"code": code}))["confirmTotp"]["userErrors"] == []

    payload = await web.sign_in()

    assert (payload["session"], payload["userErrors"]) == (None, [])
    challenge = payload["secondFactor"]["challenge"]
    assert is_session(await complete(web.users, challenge, code_of(secret, clock.now())))


async def test_of_two_windows_one_opens_the_account(web: Web) -> None:
    given = [await web.answer(await web.start()) for _ in range(4)]
    answers = await asyncio.gather(*(web.complete(each) for each in given))
    assert any(answer["session"] is not None for answer in answers)
    assert len(await web.users.rows("SELECT 1 FROM users")) == 1
    assert len(await web.users.rows("SELECT 1 FROM identities")) == 1


async def test_roles_are_asked_for_as_at_sign_up(web: Web) -> None:
    for roles in ([], ["ADMIN"], ["POSTER", "SUPPORT"]):
        given = await web.answer(await web.start()) | {"roles": roles}
        payload = await web.complete(given)
        assert [error["code"] for error in payload["userErrors"]] == ["INVALID_INPUT"]
        # The handle is good still: nothing was asked of the provider.
        assert await web.users.rows("SELECT 1 FROM users") == []


async def test_providers_are_listed_without_secrets(web: Web) -> None:
    document = "{ signInProviders { id name } }"
    assert await web.users.act(document) == {"signInProviders": [{"id": "acme", "name": "Acme"}]}
    answer = await web.users.act(START, input={"provider": "nowhere"})
    assert [error["code"] for error in answer["startOpenIdSignIn"]["userErrors"]] == ["NOT_FOUND"]


async def test_steps_from_one_address_are_counted(serve_users: Serve, hostile: str, tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry(hostile)]}))
    async with serve_users(openid_providers_file=file, openid_sign_ins_per_address="3/1 hour") as users:
        web = Web(users, hostile)
        await web.told()
        for _ in range(3):
            await web.start()
        given = {"handle": "", "code": "", "state": ""}
        token = (await users.sign_up())["accessToken"]
        for answer in (
            await users.execute(COMPLETE, {"input": {**given, "roles": ["POSTER"]}}),
            await users.execute(LINK, {"input": given}, token=token),
        ):
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["RATE_LIMITED"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://accounts.example.com"},
        {"issuer": "https://accounts.example.com?x"},
        {"issuer": "https://user:password@accounts.example.com"},
        {"client_secret": None},
        {"scopes": ["email"]},
        {"id": "Not An Id"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_configuration_that_is_wrong_is_refused(
    settings_for: SettingsFor, tmp_path: Path, wrong: dict[str, object]
) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry("https://accounts.example.com", **wrong)]}))
    with pytest.raises(ValueError, match=r"provider|issuer") as refusal:
        providers(settings_for("users", openid_providers_file=file))
    assert "the secret" not in str(refusal.value)


def test_plain_http_is_for_development(settings_for: SettingsFor, tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps({"providers": [entry("http://127.0.0.1:9")]}))
    assert providers(settings_for("users", openid_providers_file=file))
    with pytest.raises(ValueError, match="https"):
        providers(settings_for("users", openid_providers_file=file, environment="production"))
