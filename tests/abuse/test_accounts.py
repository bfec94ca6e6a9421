"""Opening accounts that should not be, entering those of others, and finding out who has one."""

import uuid
from collections.abc import Mapping

import pytest

from tests.abuse import answers
from tests.abuse.arena import Arena, Attack, Case, Target
from tests.abuse.attacks import operation
from tests.abuse.scene import named
from tests.abuse.table import defended, everywhere
from tests.e2e.people import new_email, new_password

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

LOG_IN = named("logIn")
# One Argon2 hash, as slow as it is meant to be, and the judgement of a password.
HASHED = {"users": 0.25}
JUDGED = {"users": 0.12}


def sends(document: str, input: Mapping[str, object], address: str = "") -> Attack:
    """A mutation from an address that nobody else comes from, as far as the place believes it."""

    async def attack(target: Target) -> str:
        came_from = address or f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
        async with target.client() as client:
            response = await client.post(
                target.url, json={"query": document, "variables": {"input": _filled(target, input)}},
                headers={"x-forwarded-for": came_from},
            )  # fmt: skip
            return answers.of_response(response)

    return attack


def _filled(target: Target, input: Mapping[str, object]) -> dict[str, object]:
    new = {"<new email>": new_email(), "<new password>": new_password()}
    return {
        name: new.get(value, target.scene.fill(value)) if isinstance(value, str) else value
        for name, value in input.items()
    }


def signs_up(
    expected: str, *, hive: str = "", embedded: str = "", cpu: Mapping[str, float] = JUDGED, **changes: object
) -> Case:
    """A sign-up with changes to a good one."""
    good = {"email": "<new email>", "password": "<new password>", "displayName": "Mallory", "roles": ["POSTER"]}
    attack = sends(named("signUp"), good | changes)
    return Case(attack, expected, hive=hive or expected, embedded=embedded or expected, at="users", cpu=cpu)


def logs_in(expected: str, email: str, password: str) -> Case:
    """A login; only at the subgraph itself, since all come from one address at the edge and failures are counted."""
    return Case(sends(LOG_IN, {"email": email, "password": password}), expected, at="users", cpu=HASHED)


def refreshes(expected: str, token: str) -> Case:
    return Case(sends(named("refreshSession"), {"refreshToken": token}), expected, expected, at="users")


async def guesses_at_one_account(target: Target) -> str:
    """Eleven guesses from one address; then the owner comes, from another one."""
    address = f"198.51.100.{target.attempt % 250 + 1}"
    guess = sends(LOG_IN, {"email": "<tina email>", "password": "a guess"}, address)
    guessed = [await guess(target) for _ in range(11)]
    owner = await sends(LOG_IN, {"email": "<tina email>", "password": "<tina password>"})(target)
    return f"{guessed[0]}, then {guessed[-1]}; the owner {owner}"


async def guesses_by_alias(target: Target) -> str:
    """Thirty guesses in one request."""
    address = f"2001:db8:{uuid.uuid4().hex[:4]}::1"
    login = "logIn(input: $input) { userErrors { code } }"
    document = "mutation ($input: LogInInput!) { " + " ".join(f"a{i}: {login}" for i in range(30)) + " }"
    return await sends(document, {"email": "<tom email>", "password": "a guess"}, address)(target)


async def sprays_one_password(target: Target) -> str:
    """One password at 120 accounts from one address, thirty a request."""
    address = f"2001:db8:{uuid.uuid4().hex[:4]}::1"
    seen = []
    for page in range(4):
        logins = " ".join(
            f'a{i}: logIn(input: {{ email: "spray{page}x{i}@example.com", password: "Summer2026!" }})'
            " { userErrors { code } }"
            for i in range(30)
        )
        seen.append(await sends(f"mutation {{ {logins} }}", {}, address)(target))
    return f"{seen[0]}, then {seen[-1]}"


async def compares_known_and_unknown(target: Target) -> str:
    """Whether the answers of a known and an unknown account differ in anything but their request's id."""
    texts = []
    for email in ("<tina email>", "nobody-at-all@example.com"):
        await sends(LOG_IN, {"email": email, "password": "not the password"})(target)
        texts.append(target.said[-1])
    return "the same" if texts[0] == texts[1] else f"{texts}"


async def reuses_an_idempotency_key(target: Target) -> str:
    """Signs up, then with the same key and address as somebody else."""
    email, key = new_email(), str(uuid.uuid4())
    first = {
        "email": email,
        "password": new_password(),
        "displayName": "Mallory",
        "roles": ["POSTER"],
        "idempotencyKey": key,
    }
    seen = [await sends(named("signUp"), first)(target)]
    seen.append(await sends(named("signUp"), first | {"password": "another pass phrase entirely"})(target))
    seen.append(await sends(named("signUp"), first | {"displayName": "Trudy"})(target))
    return ", ".join(seen)


CASES = {
    # --- sign-up ---
    "an administrator by sign-up": signs_up("200 userErrors INVALID_INPUT(roles)", roles=["ADMIN"]),
    "support by sign-up": signs_up("200 userErrors INVALID_INPUT(roles)", roles=["POSTER", "SUPPORT"]),
    "no role": signs_up("200 userErrors INVALID_INPUT(roles)", roles=[]),
    "a role that is not there": signs_up(
        "200 BAD_REQUEST", roles=["ROOT"], hive="200 BAD_USER_INPUT", embedded="200 BAD_USER_INPUT"
    ),
    "one role ten thousand times": signs_up("200 ok", roles=["POSTER"] * 10_000, cpu=HASHED),
    "a field that nobody asked for": signs_up(
        "200 BAD_REQUEST", isAdmin=True, hive="200 BAD_USER_INPUT", embedded="200 BAD_USER_INPUT"
    ),
    "an address that is taken": signs_up("200 userErrors EMAIL_TAKEN(email)", email="<tina email>", cpu=HASHED),
    "an address without a sign": signs_up("200 userErrors INVALID_EMAIL(email)", email="mallory.example.com"),
    "an address with two signs": signs_up("200 userErrors INVALID_EMAIL(email)", email="a@b@example.com"),
    "an address on this machine": signs_up("200 userErrors INVALID_EMAIL(email)", email="root@localhost"),
    "an address by number": signs_up("200 userErrors INVALID_EMAIL(email)", email="a@[127.0.0.1]"),
    "an address in quotes": signs_up("200 userErrors INVALID_EMAIL(email)", email='"a b"@example.com'),
    "an address with a comment": signs_up("200 userErrors INVALID_EMAIL(email)", email="a(comment)@example.com"),
    "an address with a name": signs_up("200 userErrors INVALID_EMAIL(email)", email="Mallory <mallory@example.com>"),
    "an address with a second recipient": signs_up(
        "200 userErrors INVALID_EMAIL(email)", email="mallory@example.com\r\nBcc: victim@example.com"
    ),
    "an address with a NUL": signs_up(
        "400 BAD_REQUEST",
        email="mallory\0@example.com",
        hive="200 BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="200 BAD_REQUEST",
    ),
    "an address of letters that look like others": signs_up(
        "200 userErrors INVALID_EMAIL(email)", email="p\u0430ula@example.com"
    ),
    "an address that reads from the right": signs_up(
        "200 userErrors INVALID_EMAIL(email)", email="\u202emoc.elpmaxe@yrollam"
    ),
    "an address with an invisible letter": signs_up(
        "200 userErrors INVALID_EMAIL(email)", email="mal\u200blory@example.com"
    ),
    "an address in punycode that is none": signs_up(
        "200 userErrors INVALID_EMAIL(email)", email="mallory@xn--a.example"
    ),
    "an address of 300 letters": signs_up("200 userErrors INVALID_EMAIL(email)", email="a" * 300 + "@example.com"),
    "an address of 900,000 letters": signs_up(
        "200 userErrors INVALID_EMAIL(email)", email="a" * 900_000 + "@example.com"
    ),
    "a name of nothing": signs_up("200 userErrors INVALID_INPUT(displayName)", displayName=""),
    "a name that nobody sees": signs_up("200 userErrors INVALID_INPUT(displayName)", displayName="\u200b\u2060"),
    "a name with a NUL": signs_up(
        "400 BAD_REQUEST",
        displayName="Mal\0lory",
        hive="200 BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="200 BAD_REQUEST",
    ),
    "a name with an escape sequence": signs_up(
        "200 userErrors INVALID_INPUT(displayName)", displayName="\x1b[31mMallory"
    ),
    "a name of two lines": signs_up("200 userErrors INVALID_INPUT(displayName)", displayName="Mallory\nAdministrator"),
    "a name of 61 letters": signs_up("200 userErrors INVALID_INPUT(displayName)", displayName="a" * 61),
    "a name of 900,000 letters": signs_up("200 userErrors INVALID_INPUT(displayName)", displayName="a" * 900_000),
    "a name under a pile of accents": signs_up(
        "200 userErrors INVALID_INPUT(displayName)", displayName="a" + "\u0301" * 50
    ),
    # --- passwords ---
    "a password of nine letters": signs_up("200 userErrors WEAK_PASSWORD(password)", password="kq8zr2vtm"),
    "a password that everybody has": signs_up("200 userErrors WEAK_PASSWORD(password)", password="password123"),
    "one letter ten times": signs_up("200 userErrors WEAK_PASSWORD(password)", password="aaaaaaaaaaaa"),
    "a row of keys": signs_up("200 userErrors WEAK_PASSWORD(password)", password="qwertyuiop"),
    "the own address for a password": signs_up(
        "200 userErrors WEAK_PASSWORD(password)",
        email="mallory.mallory@example.com",
        password="mallory.mallory@example.com",
    ),
    "the own name for a password": signs_up(
        "200 userErrors WEAK_PASSWORD(password)", displayName="Bartholomew Cubbins", password="bartholomewcubbins"
    ),
    "a password of 145 letters": signs_up(
        "200 userErrors WEAK_PASSWORD(password)", password="correct horse battery staple " * 5
    ),
    "a password of 900,000 letters": signs_up("200 userErrors WEAK_PASSWORD(password)", password="a1!" * 300_000),
    "a password with a NUL": signs_up(
        "400 BAD_REQUEST",
        password="correct horse\0battery staple",
        hive="200 BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="200 BAD_REQUEST",
    ),
    "a password with a line break": signs_up(
        "200 userErrors WEAK_PASSWORD(password)", password="correct horse\nbattery staple"
    ),
    "a password that takes long to judge": signs_up("200 ok", password="4@8({[<369&#!1/|0$5+7%2" * 5, cpu=HASHED),
    # --- login ---
    "a wrong password": logs_in("200 userErrors INVALID_CREDENTIALS", "<tina email>", "not the password"),
    "an account that is not there": logs_in(
        "200 userErrors INVALID_CREDENTIALS", "nobody-at-all@example.com", "not the password"
    ),
    "no password": logs_in("200 userErrors INVALID_CREDENTIALS", "<tina email>", ""),
    "a password of 900,000 letters at the login": logs_in(
        "200 userErrors INVALID_CREDENTIALS", "<tina email>", "a" * 900_000
    ),
    "a pile of accents for a password": logs_in(
        "200 userErrors INVALID_CREDENTIALS", "<tina email>", "a" + "\u0301" * 100_000
    ),
    "SQL for an address": logs_in("200 userErrors INVALID_CREDENTIALS", "' OR 1=1 --", "' OR 1=1 --"),
    "an address of 900,000 letters at the login": logs_in(
        "200 userErrors INVALID_CREDENTIALS", "a" * 900_000, "not the password"
    ),
    "an object for a password": Case(
        sends(LOG_IN, {"email": "<tina email>", "password": {"$ne": ""}}),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
    ),
    "a known and an unknown account": Case(compares_known_and_unknown, "the same", at="users", cpu={"users": 0.5}),
    "eleven guesses at one account": Case(
        guesses_at_one_account,
        "200 userErrors INVALID_CREDENTIALS, then 200 RATE_LIMITED; the owner 200 ok",
        at="users",
        once=True,
    ),
    "thirty guesses in one request": Case(guesses_by_alias, "200 RATE_LIMITED", at="users", once=True),
    "one password at 120 accounts": Case(
        sprays_one_password, "200 userErrors INVALID_CREDENTIALS, then 200 RATE_LIMITED", at="users", once=True
    ),
    # --- sessions ---
    "a refresh token of nothing": refreshes("200 userErrors SESSION_EXPIRED", ""),
    "a refresh token that was guessed": refreshes("200 userErrors SESSION_EXPIRED", "A" * 43),
    "a refresh token of 900,000 letters": refreshes("200 userErrors SESSION_EXPIRED", "A" * 900_000),
    "an access token for a refresh token": refreshes("200 userErrors SESSION_EXPIRED", "<tina token>"),
    "somebody's session id for a refresh token": refreshes("200 userErrors SESSION_EXPIRED", "<paula session>"),
    # --- idempotency keys ---
    "an idempotency key used by somebody else": Case(
        reuses_an_idempotency_key,
        "200 ok, 200 userErrors INVALID_CREDENTIALS, 200 userErrors IDEMPOTENCY_KEY_REUSED",
        at="users",
        once=True,
    ),
    "an idempotency key of nothing": signs_up(
        "200 userErrors INVALID_INPUT(idempotencyKey)", idempotencyKey="", cpu=HASHED
    ),
    "an idempotency key of 101 letters": signs_up(
        "200 userErrors INVALID_INPUT(idempotencyKey)", idempotencyKey="a" * 101, cpu=HASHED
    ),
    "an idempotency key with a NUL": signs_up(
        "400 BAD_REQUEST",
        idempotencyKey="a\0",
        hive="200 BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="200 BAD_REQUEST",
    ),
    "an idempotency key of two lines": signs_up(
        "200 userErrors INVALID_INPUT(idempotencyKey)", idempotencyKey="a\nb", cpu=HASHED
    ),
    # --- the own profile ---
    "a version of the future": Case(
        operation(
            named("updateProfile"), {"input": {"displayName": "Tina Two", "expectedVersion": 2**31 - 1}}, who="tina"
        ),
        "200 userErrors VERSION_CONFLICT",
        "200 userErrors VERSION_CONFLICT",
        at="users",
    ),
    "a name cleared": Case(
        operation(named("updateProfile"), {"input": {"displayName": None}}, who="tina"),
        "200 userErrors INVALID_INPUT(displayName)",
        "200 userErrors INVALID_INPUT(displayName)",
        at="users",
    ),
    "a biography of 1,001 letters": Case(
        operation(named("updateProfile"), {"input": {"bio": "a" * 1_001}}, who="tina"),
        "200 userErrors INVALID_INPUT(bio)",
        "200 userErrors INVALID_INPUT(bio)",
        at="users",
    ),
    "a role by the profile": Case(
        operation(named("updateProfile"), {"input": {"roles": ["ADMIN"]}}, who="tina"),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
    ),
}


@everywhere(CASES, share=1 / 2)
async def test_nobody_gets_into_an_account(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
