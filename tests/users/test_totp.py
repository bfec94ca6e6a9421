"""enableTotp, confirmTotp, disableTotp, regenerateRecoveryCodes, and who sees of it what."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.local import secret_files
from shared import clock
from shared.graphql.scalars import parse_datetime
from shared.identity.cipher import Cipher
from subgraphs.users import second_factor
from subgraphs.users.revocations import RevocationKeeper
from tests.support import infrastructure
from tests.users.conftest import ME, OTHER_PASSWORD, PASSWORD, Serve, Users
from tests.users.second_factors import (
    CONFIRM,
    DISABLE,
    ENABLE,
    NO_RECOVERY_CODE,
    REFUSED,
    REGENERATE,
    STATUS,
    challenge,
    code_of,
    complete,
    enable,
    is_refused,
    is_session,
)

WRONG_PASSWORD = {"code": "INVALID_CREDENTIALS", "message": "This is not your password.", "field": ["password"]}
NOT_FRESH = {
    "code": "CONFIRMATION_REQUIRED",
    "message": "Your account has no password: sign in anew and try again.",
    "field": None,
}
NONE_ACTIVE = {"code": "NOT_FOUND", "message": "No second factor is active.", "field": None}
ACTIVE = {
    "code": "INVALID_TRANSITION",
    "message": "A second factor is active already; disable it first.",
    "field": None,
}


async def everything(users: Users) -> list[list[tuple[Any, ...]]]:
    return [
        *await users.state(),
        await users.rows("SELECT * FROM second_factors ORDER BY user_id"),
        await users.rows("SELECT * FROM recovery_codes ORDER BY user_id, code_hash"),
    ]


async def test_a_second_factor_becomes_active_with_its_first_code(users: Users) -> None:
    before = clock.now()
    session = await users.sign_up(email="somchai@example.com")
    token = session["accessToken"]

    setup = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]
    assert setup == {"secret": setup["secret"], "uri": setup["uri"], "userErrors": []}
    assert len(setup["secret"]) == 32
    uri = urlsplit(setup["uri"])
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Service%20Exchange:somchai%40example.com")
    assert parse_qs(uri.query) == {"secret": [setup["secret"]], "issuer": ["Service Exchange"]}
    # Not active yet: neither shown, nor asked for.
    assert (await users.act(STATUS, token=token))["me"]["secondFactor"] is None
    await users.log_in("somchai@example.com")

    code = code_of(setup["secret"], clock.now())
    payload = (await users.act(CONFIRM, token=token, input={"code": code}))["confirmTotp"]

    codes = payload["recoveryCodes"]
    assert payload == {"recoveryCodes": codes, "user": {"id": session["user"]["id"]}, "userErrors": []}
    assert len(set(codes)) == 10
    assert all([len(group) for group in each.split("-")] == [5, 5, 5, 5] for each in codes)
    status = (await users.act(STATUS, token=token))["me"]["secondFactor"]
    assert status["recoveryCodesLeft"] == 10
    assert before <= parse_datetime(status["enabledAt"]) + timedelta(milliseconds=1)
    assert await users.bodies("users.user.second_factor_enabled") == [{"user_id": session["user"]["id"]}]


async def test_neither_secret_nor_codes_lie_readable_in_the_database(users: Users) -> None:
    person = await enable(users)
    stored = str([await users.rows(f"SELECT t::text FROM {table} t") for table in ("second_factors", "recovery_codes")])
    told = str(await users.rows("SELECT body FROM outbox"))
    for readable in (person.secret, person.secret.encode().hex(), *person.recovery_codes):
        assert readable not in stored
        assert readable not in told
        assert readable.replace("-", "").encode().hex() not in stored


async def test_a_secret_serves_no_other_account(users: Users) -> None:
    person, other = await enable(users), await enable(users)
    await users.rows(
        "UPDATE second_factors SET secret = (SELECT secret FROM second_factors WHERE user_id = :mine) "
        "WHERE user_id = :theirs RETURNING user_id",
        mine=person.session["user"]["id"],
        theirs=other.session["user"]["id"],
    )
    given = await challenge(users, other.email)
    answer = await complete(users, given, person.code())
    assert not is_session(answer)


async def test_the_password_is_asked_for(users: Users) -> None:
    token = (await users.sign_up())["accessToken"]
    before = await everything(users)
    for given in ({}, {"password": None}, {"password": ""}, {"password": OTHER_PASSWORD}):
        refused = (await users.act(ENABLE, token=token, input=given))["enableTotp"]
        assert refused == {"secret": None, "uri": None, "userErrors": [WRONG_PASSWORD]}
    assert await everything(users) == before


async def test_who_has_none_must_have_signed_in_a_moment_ago(users: Users) -> None:
    session = await users.sign_up()
    await users.rows("UPDATE users SET password_hash = NULL RETURNING id")
    with clock.offset(timedelta(minutes=11)):
        # Refreshing makes no session fresh.
        token = (await users.refresh(session["refreshToken"]))["session"]["accessToken"]
        assert (await users.act(ENABLE, token=token, input={}))["enableTotp"]["userErrors"] == [NOT_FRESH]
    with clock.offset(timedelta(minutes=9)):
        payload = (await users.act(ENABLE, token=session["accessToken"], input={}))["enableTotp"]
        assert payload["userErrors"] == []


async def test_passwords_cannot_be_guessed_here_either(users: Users) -> None:
    person = await enable(users)
    for document, given in ((ENABLE, {}), (DISABLE, {"code": "123456"}), (REGENERATE, {"code": "123456"})):
        for _ in range(3):
            await users.execute(document, {"input": {"password": OTHER_PASSWORD, **given}}, token=person.token)
    codes = [
        (
            await users.execute(
                ENABLE, {"input": {"password": PASSWORD if number else OTHER_PASSWORD}}, token=person.token
            )
        )
        for number in range(2)
    ]
    assert codes[0]["data"]["enableTotp"]["userErrors"] == [WRONG_PASSWORD]
    assert codes[1]["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


@pytest.mark.parametrize("document", [ENABLE, CONFIRM, DISABLE, REGENERATE])
async def test_nobody_does_it_without_signing_in(users: Users, document: str) -> None:
    answer = await users.execute(document, {"input": {} if document == ENABLE else {"code": "123456"}})
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_second_setup_replaces_the_first(users: Users) -> None:
    token = (await users.sign_up())["accessToken"]
    first = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    second = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    assert first != second

    refused = await users.act(CONFIRM, token=token, input={"code": code_of(first, clock.now())})
    assert refused["confirmTotp"] == {"recoveryCodes": [], "user": None, "userErrors": [REFUSED]}
    passed = await users.act(CONFIRM, token=token, input={"code": code_of(second, clock.now())})
    assert passed["confirmTotp"]["userErrors"] == []


async def test_an_active_one_is_neither_replaced_nor_confirmed_again(users: Users) -> None:
    person = await enable(users)
    before = await everything(users)
    payload = (await users.act(ENABLE, token=person.token, input={"password": PASSWORD}))["enableTotp"]
    assert payload == {"secret": None, "uri": None, "userErrors": [ACTIVE]}
    payload = (await users.act(CONFIRM, token=person.token, input={"code": person.code()}))["confirmTotp"]
    assert payload == {"recoveryCodes": [], "user": None, "userErrors": [ACTIVE]}
    assert await everything(users) == before


async def test_a_setup_waits_an_hour(users: Users) -> None:
    session = await users.sign_up()
    secret = (await users.act(ENABLE, token=session["accessToken"], input={"password": PASSWORD}))["enableTotp"][
        "secret"
    ]
    with clock.offset(timedelta(minutes=61)):
        token = (await users.refresh(session["refreshToken"]))["session"]["accessToken"]
        payload = (await users.act(CONFIRM, token=token, input={"code": code_of(secret, clock.now())}))["confirmTotp"]
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


async def test_nothing_is_confirmed_without_a_setup(users: Users) -> None:
    token = (await users.sign_up())["accessToken"]
    payload = (await users.act(CONFIRM, token=token, input={"code": "123456"}))["confirmTotp"]
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


async def test_the_first_code_is_worth_nothing_at_a_login(users: Users) -> None:
    session = await users.sign_up(email="somchai@example.com")
    token = session["accessToken"]
    secret = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
    code = code_of(secret, clock.now())
    await users.act(CONFIRM, token=token, input={"code": code})
    assert is_refused(await complete(users, await challenge(users, "somchai@example.com"), code))


async def test_confirming_ends_the_other_sessions(users: Users) -> None:
    first = await users.sign_up(email="somchai@example.com")
    second = await users.log_in("somchai@example.com")
    stranger = await users.sign_up()
    secret = (await users.act(ENABLE, token=second["accessToken"], input={"password": PASSWORD}))["enableTotp"][
        "secret"
    ]
    code = code_of(secret, clock.now())
    await users.act(CONFIRM, token=second["accessToken"], input={"code": code})

    assert await refused(users, first)
    assert not await refused(users, second)
    assert not await refused(users, stranger)
    assert (await users.refresh(first["refreshToken"]))["session"] is None
    assert await users.rows("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL") == [
        ("SECOND_FACTOR_CHANGED",)
    ]


async def test_a_login_at_the_same_time_leaves_no_session_without_a_code(users: Users) -> None:
    for number in range(4):
        email = f"racer{number}@example.com"
        session = await users.sign_up(email=email)
        token = session["accessToken"]
        secret = (await users.act(ENABLE, token=token, input={"password": PASSWORD}))["enableTotp"]["secret"]
        code = code_of(secret, clock.now())
        await asyncio.gather(
            users.act(CONFIRM, token=token, input={"code": code}),
            *(
                users.act(
                    "mutation($input: LogInInput!) { logIn(input: $input) { userErrors { code } } }",
                    input={"email": email, "password": PASSWORD},
                )
                for _ in range(3)
            ),
        )
        user_id = session["user"]["id"]
        live = await users.rows("SELECT id FROM sessions WHERE user_id = :id AND ended_at IS NULL", id=user_id)
        assert live == [(users.services.verifier.verify(token).session_id,)]


async def refused(users: Users, session: dict[str, Any]) -> bool:
    return "errors" in await users.execute(ME, token=session["accessToken"])


@pytest.mark.parametrize("with_recovery_code", [False, True])
async def test_giving_it_up_takes_password_and_code(users: Users, with_recovery_code: bool) -> None:
    person = await enable(users)
    other = await complete(users, await challenge(users, person.email), person.recovery_codes[0])
    assert isinstance(other, dict)
    code = person.recovery_codes[1] if with_recovery_code else person.code()
    before = await everything(users)

    for given, error in (
        ({"code": code}, WRONG_PASSWORD),
        ({"password": OTHER_PASSWORD, "code": code}, WRONG_PASSWORD),
        ({"password": PASSWORD, "code": person.wrong_code()}, REFUSED),
        ({"password": PASSWORD, "code": person.recovery_codes[0]}, REFUSED),
        ({"password": PASSWORD, "code": NO_RECOVERY_CODE}, REFUSED),
    ):
        payload = (await users.act(DISABLE, token=person.token, input=given))["disableTotp"]
        assert payload == {"user": None, "userErrors": [error]}
    assert await everything(users) == before

    payload = (await users.act(DISABLE, token=person.token, input={"password": PASSWORD, "code": code}))["disableTotp"]
    assert payload == {"user": {"id": person.session["user"]["id"]}, "userErrors": []}
    assert (await users.act(STATUS, token=person.token))["me"]["secondFactor"] is None
    assert await refused(users, other["session"])
    assert not await refused(users, person.session)
    assert await users.rows("SELECT 1 FROM recovery_codes") == []
    assert await users.bodies("users.user.second_factor_disabled") == [{"user_id": person.session["user"]["id"]}]
    assert (await users.log_in(person.email))["user"]["id"] == person.session["user"]["id"]


async def test_a_login_that_waits_for_a_code_is_worth_nothing_after_that(users: Users) -> None:
    person = await enable(users)
    given = await challenge(users, person.email)
    await users.act(DISABLE, token=person.token, input={"password": PASSWORD, "code": person.code()})
    assert is_refused(await complete(users, given, person.code(1)))
    assert is_refused(await complete(users, given, person.recovery_codes[0]))


async def test_an_account_without_password_proves_itself_by_a_fresh_session(users: Users) -> None:
    person = await enable(users)
    await users.rows("UPDATE users SET password_hash = NULL RETURNING id")
    with clock.offset(timedelta(minutes=11)):
        token = (await users.refresh(person.session["refreshToken"]))["session"]["accessToken"]
        payload = (await users.act(DISABLE, token=token, input={"code": person.code()}))["disableTotp"]
        assert payload == {"user": None, "userErrors": [NOT_FRESH]}
    payload = (await users.act(DISABLE, token=person.token, input={"code": person.code()}))["disableTotp"]
    assert payload["userErrors"] == []


async def test_new_recovery_codes_replace_the_old_ones(users: Users) -> None:
    person = await enable(users)
    given = {"password": PASSWORD, "code": person.code()}

    payload = (await users.act(REGENERATE, token=person.token, input=given))["regenerateRecoveryCodes"]

    codes = payload["recoveryCodes"]
    assert payload == {"recoveryCodes": codes, "user": {"id": person.session["user"]["id"]}, "userErrors": []}
    assert len(codes) == 10
    assert not set(codes) & set(person.recovery_codes)
    assert is_refused(await complete(users, await challenge(users, person.email), person.recovery_codes[0]))
    assert is_session(await complete(users, await challenge(users, person.email), codes[0]))
    assert (await users.act(STATUS, token=person.token))["me"]["secondFactor"]["recoveryCodesLeft"] == 9
    assert len(await users.bodies("users.user.recovery_codes_regenerated")) == 1

    # The code was used up with it.
    again = (await users.act(REGENERATE, token=person.token, input=given))["regenerateRecoveryCodes"]
    assert again == {"recoveryCodes": [], "user": None, "userErrors": [REFUSED]}


@pytest.mark.parametrize("document", [DISABLE, REGENERATE])
async def test_without_one_there_is_nothing_to_change(users: Users, document: str) -> None:
    token = (await users.sign_up())["accessToken"]
    await users.act(ENABLE, token=token, input={"password": PASSWORD})
    payload = await users.act(document, token=token, input={"password": PASSWORD, "code": "123456"})
    assert [each["userErrors"] for each in payload.values()] == [[NONE_ACTIVE]]


async def test_codes_cannot_be_guessed_from_within_a_session(users: Users) -> None:
    person = await enable(users)
    for _ in range(10):
        given = {"password": PASSWORD, "code": person.wrong_code()}
        assert (await users.act(DISABLE, token=person.token, input=given))["disableTotp"]["userErrors"] == [REFUSED]
    answer = await users.execute(DISABLE, {"input": {"password": PASSWORD, "code": person.code()}}, token=person.token)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["RATE_LIMITED"]


async def test_who_sees_what(users: Users, access_token: Any) -> None:
    person = await enable(users)
    user_id = person.session["user"]["id"]
    document = "query($id: ID!) { user(id: $id) { secondFactor { enabledAt recoveryCodesLeft } } }"
    own = (await users.act(document, token=person.token, id=user_id))["user"]["secondFactor"]
    assert own["recoveryCodesLeft"] == 10

    stranger = (await users.sign_up())["accessToken"]
    assert (await users.act(document, token=stranger, id=user_id))["user"] == {"secondFactor": None}
    assert (await users.act(document, id=user_id))["user"] == {"secondFactor": None}
    support = access_token("user_01j5vq8z4me9rb0t2n8d3xk7fa", roles=("SUPPORT",), scope="marketplace support")
    assert (await users.act(document, token=support, id=user_id))["user"] == {"secondFactor": None}
    admin = access_token("user_01j5vq8z4me9rb0t2n8d3xk7fa", roles=("ADMIN",), scope="marketplace admin")
    assert (await users.act(document, token=admin, id=user_id))["user"]["secondFactor"] == {
        "enabledAt": own["enabledAt"],
        "recoveryCodesLeft": None,
    }
    representations = [{"__typename": "User", "id": user_id}]
    entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { secondFactor { enabledAt } } } }"
    assert (await users.act(entities, token=stranger, r=representations))["_entities"] == [{"secondFactor": None}]


async def test_secrets_are_encrypted_anew_after_a_rotation(serve_users: Serve, tmp_path: Any) -> None:
    old = json.loads(secret_files.encryption_keys(infrastructure.INSTANCE).read_text())["keys"]
    new = {"kty": "oct", "kid": "new", "k": "A" * 43}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": old}))
    async with serve_users(encryption_keys_file=file) as users:
        people = [await enable(users) for _ in range(3)]
        file.write_text(json.dumps({"keys": [new, *old]}))
        cipher = Cipher(file)
        assert not any(cipher.is_current(secret) for (secret,) in await users.rows("SELECT secret FROM second_factors"))
        await RevocationKeeper(users.services)._tidy()
        assert all(cipher.is_current(secret) for (secret,) in await users.rows("SELECT secret FROM second_factors"))

        file.write_text(json.dumps({"keys": [new]}))
        for person in people:
            assert is_session(await complete(users, await challenge(users, person.email), person.code()))


async def test_no_code_is_accepted_while_the_keys_are_away(serve_users: Serve, tmp_path: Any) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "lost", "k": "A" * 43}]}))
    async with serve_users(encryption_keys_file=file) as users:
        person = await enable(users)
        given = await challenge(users, person.email)
        file.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "other", "k": "B" * 43}]}))
        assert await complete(users, given, person.code()) == "INTERNAL"
        assert is_session(await complete(users, given, person.recovery_codes[0]))


@pytest.mark.parametrize("code", ["123456", " 123 456\n", "000000"])
def test_six_digits_are_a_one_time_code(code: str) -> None:
    assert second_factor.is_one_time_code(code)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "12345x", "\ud800", "1" * 1_000_000])
def test_anything_else_is_none(code: str) -> None:
    assert not second_factor.is_one_time_code(code)
    assert second_factor.matching_step("A" * 32, code, clock.now(), None) is None
    assert len(second_factor.hash_recovery_code(code)) == 32
    assert len(second_factor.hash_challenge(code)) == 32


def test_the_codes_are_those_of_the_rfc() -> None:
    # RFC 6238, appendix B, the last six of the eight digits; the secret is "12345678901234567890".
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the RFC's
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (2000000000, "279037")):
        moment = clock.now().fromtimestamp(seconds, tz=clock.now().tzinfo)
        assert second_factor.matching_step(secret, code, moment, None) == seconds // 30
        assert second_factor.matching_step(secret, code, moment, seconds // 30) is None
        assert second_factor.matching_step(None, code, moment, None) is None
