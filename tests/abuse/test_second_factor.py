"""Getting past a second factor: with guesses, with codes that were used, with what is somebody else's."""

import asyncio
from collections.abc import Mapping

import pyotp
import pytest

from tests.abuse.accounts import (
    Names,
    call,
    challenged,
    floods,
    kept,
    new_address,
    newcomer,
    rows,
    sends,
    tries,
    with_challenge,
    with_factor,
)
from tests.abuse.arena import Arena, Case, Given, Target
from tests.abuse.attacks import operation
from tests.abuse.scene import named
from tests.abuse.table import defended, everywhere
from tests.e2e.people import new_email, new_password

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NO_CODE = "200 userErrors INVALID_SECOND_FACTOR"
WRONG_PASSWORD = "200 userErrors INVALID_CREDENTIALS(password)"
GUESS = "A" * 43
HASHED = {"users": 0.3}


def completes(expected: str, challenge: object, code: object, given: Given | None = None) -> Case:
    """A login answered with this challenge and code."""
    return Case(tries("completeLogIn", challenge=challenge, code=code), expected, expected, at="users", given=given)


def changes(
    mutation: str, expected: str, who: str, given: Given | None, cpu: Mapping[str, float] = HASHED, **input: object
) -> Case:
    """A second factor set up or given up."""
    return Case(tries(mutation, who, **input), expected, expected, at="users", cpu=cpu, given=given)


async def completed(target: Target) -> Names:
    """Somebody whose challenge and code were used, who has begun to log in once more."""
    names = await with_challenge(target)
    given = {"challenge": names["mallory challenge"], "code": names["mallory next code"]}
    await call(target.scene, "completeLogIn", given, "__typename")
    again = await challenged(target, names)
    return again | {"mallory used challenge": names["mallory challenge"]}


async def recovered(target: Target) -> Names:
    """Somebody who has used a recovery code, and has begun to log in once more."""
    names = await with_challenge(target)
    given = {"challenge": names["mallory challenge"], "code": names["mallory recovery code"]}
    await call(target.scene, "completeLogIn", given, "__typename")
    return await challenged(target, names)


async def challenged_late(target: Target) -> Names:
    names = await with_challenge(target)
    statement = "UPDATE second_factor_challenges SET expires_at = now() WHERE user_id = $1"
    await rows(target.scene, statement, names["mallory"])
    return names


async def challenged_before_a_new_password(target: Target) -> Names:
    names = await with_challenge(target)
    new = {"currentPassword": names["mallory password"], "newPassword": new_password()}
    await call(target.scene, "changePassword", new, "__typename", names)
    return names


async def two_people(target: Target) -> Names:
    """Mallory with a factor of her own, and Victoria, who has given her password."""
    return await with_factor(target) | await challenged(target, await with_factor(target, "victoria"), "victoria")


async def shut_out(target: Target) -> Names:
    names = await with_challenge(target)
    ada = {"ada token": target.scene["ada token"]}
    await call(target.scene, "suspendUser", {"userId": names["mallory"], "reason": "Spam"}, "__typename", ada)
    return names


async def set_up(target: Target) -> Names:
    """A newcomer whose new secret waits for its first code."""
    names = await newcomer(target)
    await call(target.scene, "enableTotp", {"password": names["mallory password"]}, "__typename", names)
    return names


async def confirmed_elsewhere(target: Target) -> Names:
    """Somebody with two devices, of which the other one has set up a second factor; the names are the first one's."""
    names = await with_factor(target)
    lost = await challenged(target, names)
    given = {"challenge": lost["mallory challenge"], "code": names["mallory recovery code"]}
    session = (await call(target.scene, "completeLogIn", given, "session { accessToken }"))["session"]
    given = {"password": names["mallory password"], "code": names["mallory next code"]}
    await call(target.scene, "disableTotp", given, "__typename", {"other token": session["accessToken"]})
    return names


async def with_challenge_for_a_token(target: Target) -> Names:
    """The challenge where an access token belongs."""
    names = await with_challenge(target)
    return names | {"challenged token": names["mallory challenge"]}


async def guesses_at_one_account(target: Target) -> str:
    """Eleven guesses at an account from one address, a challenge for each; then its owner from elsewhere."""
    scene, address = target.scene, new_address()
    names = {name: scene[name] for name in scene.names if name.startswith("mallory")}
    seen = []
    for _ in range(11):
        challenge = (await challenged(target, names))["mallory challenge"]
        given = {"challenge": challenge, "code": "<mallory wrong code>"}
        seen.append(await sends(named("completeLogIn"), given, address=address)(target))
    challenge = (await challenged(target, names))["mallory challenge"]
    owner = await tries("completeLogIn", challenge=challenge, code="<mallory recovery code>")(target)
    return f"{seen[0]}, then {seen[-1]}; the owner {owner}"


async def wears_a_challenge_out(target: Target) -> str:
    """Five wrong codes, each from another address; then the right one."""
    guess = tries("completeLogIn", challenge="<mallory challenge>", code="<mallory wrong code>")
    guessed = {await guess(target) for _ in range(5)}
    right = await tries("completeLogIn", challenge="<mallory challenge>", code="<mallory next code>")(target)
    return f"{' '.join(guessed)}, then {right}"


async def uses_one_code_ten_times(target: Target) -> str:
    """One code and ten challenges at the same time."""
    names = {name: target.scene[name] for name in target.scene.names if name.startswith("mallory")}
    challenges = [(await challenged(target, names))["mallory challenge"] for _ in range(10)]
    answered = await asyncio.gather(
        *(tries("completeLogIn", challenge=each, code="<mallory next code>")(target) for each in challenges)
    )
    return f"{answered.count('200 ok')} of 10, else {' '.join(sorted(set(answered) - {'200 ok'}))}"


async def signs_up_once_more(target: Target) -> str:
    """A sign-up repeated with its key, which gave a session, once there is a second factor."""
    email, password = new_email(), new_password()
    account = {"email": email, "password": password, "displayName": "Mallory", "roles": ["POSTER"]}
    account["idempotencyKey"] = "the key of a device that was lost"
    session = (await call(target.scene, "signUp", account, "session { accessToken }"))["session"]
    who = {"mallory token": session["accessToken"]}
    secret = (await call(target.scene, "enableTotp", {"password": password}, "secret", who))["secret"]
    code = pyotp.TOTP(secret).now()
    await call(target.scene, "confirmTotp", {"code": code}, "__typename", who)
    return await tries("signUp", **account)(target)


CASES = {
    # --- challenges ---
    "no challenge": completes(NO_CODE, "", "123456"),
    "a challenge that was guessed": completes(NO_CODE, GUESS, "123456"),
    "a challenge of 900,000 letters": completes(NO_CODE, "A" * 900_000, "123456"),
    "SQL for a challenge": completes(NO_CODE, "' OR 1=1 --", "123456"),
    "an access token for a challenge": completes(NO_CODE, "<tina token>", "123456"),
    "a challenge that is an object": Case(
        tries("completeLogIn", challenge={"$ne": ""}, code="123456"),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
    ),
    "a challenge that was met": completes(NO_CODE, "<mallory used challenge>", "<mallory recovery code>", completed),
    "a challenge of six minutes ago": completes(
        NO_CODE, "<mallory challenge>", "<mallory next code>", kept(challenged_late)
    ),
    "a challenge from before a new password": completes(
        NO_CODE, "<mallory challenge>", "<mallory next code>", kept(challenged_before_a_new_password)
    ),
    "somebody else's challenge with the own code": completes(
        NO_CODE, "<victoria challenge>", "<mallory next code>", two_people
    ),
    "somebody else's challenge with the own recovery code": completes(
        NO_CODE, "<victoria challenge>", "<mallory recovery code>", two_people
    ),
    "a challenge of somebody who was shut out": completes(
        "200 userErrors ACCOUNT_SUSPENDED", "<mallory challenge>", "<mallory next code>", shut_out
    ),
    "a challenge as an access token": Case(
        operation("{ me { id } }", who="challenged"),
        "200 UNAUTHENTICATED",
        "200 UNAUTHENTICATED",
        at="users",
        given=kept(with_challenge_for_a_token),
    ),
    "a login that leaves the code out": Case(
        sends(
            "mutation ($input: LogInInput!) { logIn(input: $input) { session { accessToken } userErrors { code } } }",
            {"email": "<mallory email>", "password": "<mallory password>"},
            shows=True,
        ),
        '200 {"logIn":{"session":null,"userErrors":[]}}',
        '200 {"logIn":{"session":null,"userErrors":[]}}',
        at="users",
        cpu=HASHED,
        given=kept(with_factor),
    ),
    # --- codes ---
    "a wrong code": completes(NO_CODE, "<mallory challenge>", "<mallory wrong code>", with_challenge),
    "the code of the setup": completes(NO_CODE, "<mallory challenge>", "<mallory last code>", with_challenge),
    "no code": completes(NO_CODE, "<mallory challenge>", "", with_challenge),
    "a code of 900,000 digits": completes(NO_CODE, "<mallory challenge>", "1" * 900_000, with_challenge),
    "a code in digits of another script": completes(NO_CODE, "<mallory challenge>", "١٢٣٤٥٦", with_challenge),
    "a code with a NUL": Case(
        tries("completeLogIn", challenge="<mallory challenge>", code="12345\0"),
        "400 BAD_REQUEST",
        hive="200 BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="200 BAD_REQUEST",
        at="users",
        given=with_challenge,
    ),
    "a code that was used": completes(NO_CODE, "<mallory challenge>", "<mallory next code>", completed),
    "a recovery code that was used": completes(NO_CODE, "<mallory challenge>", "<mallory recovery code>", recovered),
    "a recovery code that was guessed": completes(
        NO_CODE, "<mallory challenge>", "00000-00000-00000-00000", with_challenge
    ),
    "one code for ten challenges at once": Case(
        uses_one_code_ten_times, f"1 of 10, else {NO_CODE}", at="users", given=with_factor, once=True
    ),
    "five wrong codes, then the right one": Case(
        wears_a_challenge_out,
        f"{NO_CODE}, then {NO_CODE}",
        f"{NO_CODE}, then {NO_CODE}",
        at="users",
        # Six requests.
        cpu={"users": 0.15},
        given=with_challenge,
    ),
    "eleven codes for one account from one address": Case(
        guesses_at_one_account,
        f"{NO_CODE}, then 200 RATE_LIMITED; the owner 200 ok",
        f"{NO_CODE}, then 200 RATE_LIMITED; the owner 200 ok",
        at="users",
        given=with_factor,
        once=True,
    ),
    "thirty codes in one request": Case(
        floods("completeLogIn", 30, challenge="<mallory challenge>", code="<mallory wrong code>"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=with_challenge,
        once=True,
    ),
    # --- setting up and giving up ---
    "nobody sets up a second factor": changes("enableTotp", "200 UNAUTHENTICATED", "", None),
    "a second factor with a guessed password": changes(
        "enableTotp", WRONG_PASSWORD, "mallory", kept(newcomer), password="a guess"
    ),
    "a second factor without a password": changes("enableTotp", WRONG_PASSWORD, "mallory", kept(newcomer)),
    "a second factor in the place of one": changes(
        "enableTotp", "200 userErrors INVALID_TRANSITION", "mallory", kept(with_factor), password="<mallory password>"
    ),
    "a second factor confirmed that nobody set up": changes(
        "confirmTotp", "200 userErrors NOT_FOUND", "mallory", kept(newcomer), code="123456"
    ),
    "a second factor confirmed with a guess": changes("confirmTotp", NO_CODE, "mallory", set_up, code="not a code"),
    "thirty guesses at a first code": Case(
        floods("confirmTotp", 30, "mallory", code="not a code"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=set_up,
        once=True,
    ),
    "a second factor given up without a code": changes(
        "disableTotp", NO_CODE, "mallory", with_factor, password="<mallory password>", code=""
    ),
    "a second factor given up with a wrong code": changes(
        "disableTotp", NO_CODE, "mallory", with_factor, password="<mallory password>", code="<mallory wrong code>"
    ),
    "a second factor given up without the password": changes(
        "disableTotp", WRONG_PASSWORD, "mallory", with_factor, code="<mallory next code>"
    ),
    "a second factor given up with somebody else's code": changes(
        "disableTotp", NO_CODE, "mallory", two_people, password="<mallory password>", code="<victoria next code>"
    ),
    "nobody gives up a second factor": changes("disableTotp", "200 UNAUTHENTICATED", "", None, code="123456"),
    "recovery codes with a wrong code": changes(
        "regenerateRecoveryCodes",
        NO_CODE,
        "mallory",
        with_factor,
        password="<mallory password>",
        code="<mallory wrong code>",
    ),
    "recovery codes where there is no second factor": changes(
        "regenerateRecoveryCodes",
        "200 userErrors NOT_FOUND",
        "mallory",
        kept(newcomer),
        password="<mallory password>",
        code="123456",
    ),
    "a device from before a second factor was given up": Case(
        operation("{ me { id } }", who="mallory"),
        "200 UNAUTHENTICATED",
        "200 UNAUTHENTICATED",
        at="users",
        given=kept(confirmed_elsewhere),
    ),
    "a sign-up repeated to get past a second factor": Case(
        signs_up_once_more,
        "200 userErrors SESSION_EXPIRED",
        "200 userErrors SESSION_EXPIRED",
        at="users",
        once=True,
    ),
}


@everywhere(CASES, share=1 / 2)
async def test_nobody_gets_past_a_second_factor(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
