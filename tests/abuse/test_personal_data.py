"""Other people's exports, and accounts erased that somebody else would like to have gone."""

import asyncio

import pytest

from tests.abuse.accounts import Names, call, erased, floods, kept, newcomer, tries
from tests.abuse.arena import Arena, Case, Given, Target
from tests.abuse.attacks import WAIT, operation, subscribe, talk
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

NOBODY, NOT_HERE = "200 UNAUTHENTICATED", "200 FORBIDDEN"
WRONG_PASSWORD = "200 userErrors INVALID_CREDENTIALS(password)"
EXPORT = '{ dataExport(id: "<mallory export>") { status parts { nodes { json } } } }'
UNKNOWN_EXPORT = "export_01jd0000000000000000000000"
UNKNOWN_USER = "user_01jd0000000000000000000000"
HASHED = {"users": 0.3}


def acts(expected: str, who: str, mutation: str, given: Given | None = None, **input: object) -> Case:
    return Case(tries(mutation, who, **input), expected, expected, at="users", cpu=HASHED, given=given)


def asks(expected: str, who: str, query: str, given: Given | None = None) -> Case:
    return Case(operation(query, who=who, shows=True), expected, expected, at="users", given=given)


async def exported(target: Target) -> Names:
    """A newcomer who has asked for their data."""
    names = await newcomer(target)
    payload = await call(target.scene, "exportMyData", {"password": names["mallory password"]}, "export { id }", names)
    return names | {"mallory export": payload["export"]["id"]}


async def leaves_ten_times_at_once(target: Target) -> str:
    """The same person on ten devices at the same time: how often they left."""
    leave = tries("eraseMyAccount", "mallory", password="<mallory password>")
    answered = await asyncio.gather(*(leave(target) for _ in range(10)))
    return f"{answered.count('200 ok')} of 10"


async def is_erased_ten_times_at_once(target: Target) -> str:
    """An admin who clicks ten times: how often it was done."""
    erase = tries("eraseUser", "ada", userId="<mallory>", reason="They asked for it by post.")
    answered = await asyncio.gather(*(erase(target) for _ in range(10)))
    return f"{answered.count('200 ok')} of 10, else {' '.join(sorted(set(answered) - {'200 ok'}))}"


async def asks_for_two_exports_at_once(target: Target) -> str:
    """Two wishes at the same time: how many exports they came to."""
    ask = tries("exportMyData", "mallory", password="<mallory password>")
    answered = await asyncio.gather(ask(target), ask(target))
    return ", ".join(sorted(answered))


CASES = {
    # --- exports ---
    "nobody exports": acts(NOBODY, "", "exportMyData", password="a guess"),
    "an export with a guessed password": acts(
        WRONG_PASSWORD, "mallory", "exportMyData", newcomer, password="a guess"
    ),
    "an export without a password": acts(WRONG_PASSWORD, "mallory", "exportMyData", newcomer),
    "an export with somebody else's password": acts(
        WRONG_PASSWORD, "mallory", "exportMyData", newcomer, password="<tina password>"
    ),
    "an export with a password of 900,000 letters": acts(
        WRONG_PASSWORD, "mallory", "exportMyData", newcomer, password="a" * 900_000
    ),
    "somebody else's export": asks('200 {"dataExport":null}', "tina", EXPORT, kept(exported)),
    "somebody's export by an administrator": asks('200 {"dataExport":null}', "ada", EXPORT, kept(exported)),
    "nobody's export": asks(NOBODY, "", EXPORT, kept(exported)),
    "somebody else's export in the own list": asks(
        '200 {"myDataExports":{"nodes":[]}}', "tina", "{ myDataExports { nodes { id } } }", kept(exported)
    ),
    "nobody's list of exports": asks(NOBODY, "", "{ myDataExports { nodes { id } } }"),
    "an export that is not there": asks(
        '200 {"dataExport":null}', "tina", f'{{ dataExport(id: "{UNKNOWN_EXPORT}") {{ id }} }}'
    ),
    "a user's id for an export": asks("200 INVALID_ID", "tina", '{ dataExport(id: "<paula>") { id } }'),
    "SQL for an export": asks("200 INVALID_ID", "tina", "{ dataExport(id: \"' OR 1=1 --\") { id } }"),
    "a page behind somebody else's export": asks(
        "200 BAD_REQUEST", "tina", '{ myDataExports(after: "<mallory export>") { nodes { id } } }', kept(exported)
    ),
    "two exports at once": Case(
        asks_for_two_exports_at_once,
        "200 ok, 200 userErrors EXPORT_IN_PROGRESS",
        at="users",
        given=newcomer,
        once=True,
    ),
    "thirty exports in one request": Case(
        floods("exportMyData", 30, "mallory", password="<mallory password>"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    "thirty guesses at a password by an export": Case(
        floods("exportMyData", 30, "mallory", password="a guess"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    # --- leaving ---
    "nobody leaves": acts(NOBODY, "", "eraseMyAccount", password="a guess"),
    "leaving with a guessed password": acts(
        WRONG_PASSWORD, "mallory", "eraseMyAccount", kept(newcomer), password="a guess"
    ),
    "leaving without a password": acts(WRONG_PASSWORD, "mallory", "eraseMyAccount", kept(newcomer)),
    "leaving with somebody else's password": acts(
        WRONG_PASSWORD, "mallory", "eraseMyAccount", kept(newcomer), password="<tina password>"
    ),
    "leaving by thirty guesses in one request": Case(
        floods("eraseMyAccount", 30, "mallory", password="a guess"),
        "200 RATE_LIMITED",
        "200 RATE_LIMITED",
        at="users",
        given=newcomer,
        once=True,
    ),
    "leaving ten times at once": Case(
        leaves_ten_times_at_once, "1 of 10", "1 of 10", at="users", given=newcomer, once=True
    ),
    "somebody else's id where one leaves": Case(
        tries("eraseMyAccount", "mallory", password="<mallory password>", userId="<tina>"),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
        given=kept(newcomer),
    ),
    # --- having somebody erased ---
    "nobody erases": acts(NOBODY, "", "eraseUser", userId="<paula>", reason="Because I can"),
    "a stranger erases": acts(NOT_HERE, "tina", "eraseUser", userId="<paula>", reason="Because I can"),
    "a stranger erases themselves without a password": acts(
        NOT_HERE, "tina", "eraseUser", userId="<tina>", reason="Because I can"
    ),
    "an admin erases themselves": acts(
        "200 userErrors NOT_ALLOWED(userId)", "ada", "eraseUser", userId="<ada>", reason="A day off"
    ),
    "an admin erases who is not there": acts(
        "200 userErrors NOT_FOUND(userId)", "ada", "eraseUser", userId=UNKNOWN_USER, reason="Because I can"
    ),
    "an admin erases a task": acts("200 INVALID_ID", "ada", "eraseUser", userId="<task>", reason="Because I can"),
    "an admin erases without a reason": acts(
        "200 userErrors INVALID_INPUT(reason)", "ada", "eraseUser", userId="<tina>", reason=" "
    ),
    "an admin erases for 900,000 letters": acts(
        "200 userErrors INVALID_INPUT(reason)", "ada", "eraseUser", userId="<tina>", reason="a" * 900_000
    ),
    "an admin erases who left": acts(
        "200 userErrors NOT_FOUND(userId)", "ada", "eraseUser", kept(erased), userId="<mallory>", reason="Once more"
    ),
    "an admin erases ten times at once": Case(
        is_erased_ten_times_at_once,
        "1 of 10, else 200 userErrors NOT_FOUND(userId)",
        "1 of 10, else 200 userErrors NOT_FOUND(userId)",
        at="users",
        given=newcomer,
        once=True,
    ),
    # --- who left ---
    "an erased token at users": asks(NOBODY, "mallory", "{ me { id } }", kept(erased)),
    "an erased token at tasks": Case(
        operation("{ myTasks(as: POSTER) { nodes { id } } }", who="mallory"), NOBODY, NOBODY, given=kept(erased)
    ),
    "an erased token at bids": Case(
        operation("{ myBids { nodes { id } } }", who="mallory"), NOBODY, NOBODY, at="bids", given=kept(erased)
    ),
    "an erased token subscribes": Case(
        talk(
            {"type": "connection_init", "payload": {"authorization": "Bearer <mallory token>"}},
            WAIT,
            subscribe("subscription { notificationEvents(after: 0) { seq } }"),
            init=None,
        ),
        "error UNAUTHENTICATED",
        "next UNAUTHENTICATED",
        at="notifications",
        given=kept(erased),
    ),
    "an erased refresh token": acts(
        "200 userErrors SESSION_EXPIRED", "", "refreshSession", kept(erased), refreshToken="<mallory refresh>"
    ),
    "an erased login": acts(
        "200 userErrors INVALID_CREDENTIALS", "", "logIn", kept(erased), email="<mallory email>",
        password="<mallory password>",
    ),
    "the name of who left": asks(
        '200 {"user":{"displayName":"Deleted user","bio":null}}',
        "tina",
        '{ user(id: "<mallory>") { displayName bio } }',
        kept(erased),
    ),
}  # fmt: skip


@everywhere(CASES, share=1 / 2)
async def test_data_and_accounts_are_ones_own(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
