"""Accounts that attacks are about: opened for them, with what they are mailed and shown."""

import asyncio
import hashlib
import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pyotp

from deploy.local import routers
from tests.abuse import answers
from tests.abuse.arena import Attack, Given, Target
from tests.abuse.scene import Scene, named
from tests.e2e.people import eventually, mutation, new_email, new_password
from tests.support.loopback import NO_TLS

Data = dict[str, Any]
Names = dict[str, str]

TOKENS = "session { accessToken refreshToken user { id } }"
VERIFY, RESET = "Confirm your e-mail address", "Set a new password"
_LINK = re.compile(r"#token=([\w-]+)$", re.MULTILINE)
# What each place wants a token for.
_ASKS_WHO = {
    "users": "{ me { id } }",
    "tasks": "{ myTasks(as: POSTER) { nodes { id } } }",
    "bids": "{ myBids { nodes { id } } }",
    "notifications": "{ unreadCount }",
}
_RANDOM = random.SystemRandom()


def new_address() -> str:
    """An address of this machine that nobody else comes from, and that no proxy of ours has."""
    return f"127.{_RANDOM.randrange(64, 250)}.{_RANDOM.randrange(256)}.{_RANDOM.randrange(2, 255)}"


@asynccontextmanager
async def client_at(target: Target, address: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client at an address, a new one unless told: really at the edge, by its word at a subgraph."""
    came_from = address or new_address()
    async with target.client(address=came_from if target.is_router else None) as client:
        if not target.is_router:
            client.headers["x-forwarded-for"] = came_from
        yield client


def sends(
    document: str, input: Mapping[str, object], *, who: str = "", address: str = "", shows: bool = False
) -> Attack:
    """A mutation of `who`, from an address that nobody else comes from unless it is told."""

    async def attack(target: Target) -> str:
        headers = {"authorization": f"Bearer {target.scene[f'{who} token']}"} if who else {}
        body = {"query": document, "variables": {"input": _filled(target.scene, input)}}
        async with client_at(target, address) as client:
            return answers.of_response(await client.post(target.url, json=body, headers=headers), shows=shows)

    return attack


def tries(name: str, who: str = "", **input: object) -> Attack:
    """A mutation by its name and input."""
    return sends(named(name), input, who=who)


def floods(name: str, times: int, who: str = "", **input: object) -> Attack:
    """A mutation so many times in one request."""
    kind = name[0].upper() + name[1:]
    fields = " ".join(f"a{n}: {name}(input: $input) {{ userErrors {{ code }} }}" for n in range(times))
    return sends(f"mutation ($input: {kind}Input!) {{ {fields} }}", input, who=who)


def at_once(attack: Attack, times: int = 10) -> Attack:
    """The attack by so many at the same time, and how many of them got through."""

    async def attacks(target: Target) -> str:
        answered = await asyncio.gather(*(attack(target) for _ in range(times)))
        return f"{answered.count('200 ok')} of {times}, else {' '.join(sorted(set(answered) - {'200 ok'}))}"

    return attacks


def from_one_address(name: str, address: str, pages: int, **input: object) -> Attack:
    """Thirty attempts a request from one address; the first answer and the last one."""
    kind = name[0].upper() + name[1:]
    fields = " ".join(f"a{n}: {name}(input: $input) {{ userErrors {{ code }} }}" for n in range(30))
    document = f"mutation ($input: {kind}Input!) {{ {fields} }}"

    async def attack(target: Target) -> str:
        seen = [await sends(document, input, address=address)(target) for _ in range(pages)]
        return f"{seen[0]}, then {seen[-1]}"

    return attack


def _filled(scene: Scene, input: Mapping[str, object]) -> dict[str, object]:
    new = {"<new email>": new_email(), "<new password>": new_password()}
    return {
        name: new.get(value, scene.fill(value)) if isinstance(value, str) else value for name, value in input.items()
    }


async def call(scene: Scene, name: str, input: Mapping[str, object], selection: str, who: Names | None = None) -> Data:
    """The payload of a mutation that is refused nothing, straight at `users`."""
    headers = {"x-forwarded-for": new_address()}
    if who:
        headers["authorization"] = f"Bearer {next(value for key, value in who.items() if key.endswith(' token'))}"
    body = {"query": mutation(name, selection), "variables": {"input": input}}
    async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
        answer: Data = (await client.post(scene.users_url, json=body, headers=headers)).json()
    assert "errors" not in answer, answer
    assert answer["data"][name]["userErrors"] == []
    payload: Data = answer["data"][name]
    return payload


async def rows(scene: Scene, statement: str, *parameters: object) -> list[Any]:
    """What the database of `users` answers: for what only time would do otherwise."""
    connection = await asyncpg.connect(scene.users_database)
    try:
        found: list[Any] = await connection.fetch(statement, *parameters)
        return found
    finally:
        await connection.close()


def kept(given: Given) -> Given:
    """The same for all attempts at a place, of what a refusal leaves as it is."""
    found: dict[str, Names] = {}

    async def once(target: Target) -> Mapping[str, str]:
        if target.name not in found:
            found[target.name] = await given(target)
        return found[target.name]

    return once


# --- who there is ---


async def newcomer(target: Target, name: str = "mallory") -> Names:
    """Somebody who has just signed up."""
    email, password = new_email(), new_password()
    account = {"email": email, "password": password, "displayName": "Mallory", "roles": ["POSTER", "TASKER"]}
    session = (await call(target.scene, "signUp", account, TOKENS))["session"]
    return {
        name: session["user"]["id"],
        f"{name} token": session["accessToken"],
        f"{name} refresh": session["refreshToken"],
        f"{name} email": email,
        f"{name} password": password,
    }


async def code_mailed_to(scene: Scene, email: str, subject: str) -> str:
    """The code of the newest mail with this in its subject."""
    found: list[str] = []

    def came() -> bool:
        mails = [mail for mail in scene.mails(email) if subject in mail.subject]
        found[:] = [match[1] for mail in mails if (match := _LINK.search(mail.text))]
        return bool(found)

    await eventually(came, 30)
    return found[-1]


async def with_code(target: Target) -> Names:
    """A newcomer, and the code that verifies their address."""
    names = await newcomer(target)
    return names | {"mallory code": await code_mailed_to(target.scene, names["mallory email"], VERIFY)}


async def with_reset(target: Target) -> Names:
    """A newcomer, and the code that sets a new password."""
    names = await newcomer(target)
    await call(target.scene, "requestPasswordReset", {"email": names["mallory email"]}, "__typename")
    return names | {"mallory reset": await code_mailed_to(target.scene, names["mallory email"], RESET)}


async def suspended(target: Target) -> Names:
    """A newcomer who has been shut out."""
    names = await newcomer(target)
    ada = {"ada token": target.scene["ada token"]}
    await call(target.scene, "suspendUser", {"userId": names["mallory"], "reason": "Spam"}, "__typename", ada)
    await until_refused(target, names["mallory token"])
    return names


async def erased(target: Target) -> Names:
    """A newcomer who has left."""
    names = await newcomer(target)
    await call(target.scene, "eraseMyAccount", {"password": names["mallory password"]}, "__typename", names)
    await until_refused(target, names["mallory token"])
    return names


async def until_refused(target: Target, token: str) -> None:
    """Waits for the 5 seconds at most in which a token may live on; each subgraph hears of its end in its own time."""

    async def refused() -> bool:
        async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
            headers = {"authorization": f"Bearer {token}"}
            answers = [
                await client.post(target.url, json={"query": query}, headers=headers)
                for name, query in _ASKS_WHO.items()
                if target.name in (name, routers.HIVE_ROUTER, routers.EMBEDDED)
            ]
            return all("errors" in answer.json() for answer in answers)

    await eventually(refused)


async def with_factor(target: Target, name: str = "mallory") -> Names:
    """A newcomer with a second factor: its recovery codes, a code that is still good, and one that is wrong."""
    names = await newcomer(target, name)
    enabled = await call(target.scene, "enableTotp", {"password": names[f"{name} password"]}, "secret", names)
    totp = pyotp.TOTP(enabled["secret"])
    now = datetime.now(UTC)
    codes = {totp.at(now + timedelta(seconds=30 * steps)) for steps in range(-3, 8)}
    confirmed = await call(target.scene, "confirmTotp", {"code": totp.at(now)}, "recoveryCodes", names)
    return names | {
        f"{name} next code": totp.at(now + timedelta(seconds=30)),
        f"{name} last code": totp.at(now),
        f"{name} wrong code": next(code for number in range(99) if (code := f"{123_400 + number}") not in codes),
        f"{name} recovery code": confirmed["recoveryCodes"][0],
    }


async def challenged(target: Target, names: Names, name: str = "mallory") -> Names:
    """The names with the challenge of a new login."""
    given = {"email": names[f"{name} email"], "password": names[f"{name} password"]}
    payload = await call(target.scene, "logIn", given, "session { accessToken } secondFactor { challenge }")
    assert payload["session"] is None
    return names | {f"{name} challenge": payload["secondFactor"]["challenge"]}


async def with_challenge(target: Target) -> Names:
    """A newcomer with a second factor, who has given their password."""
    return await challenged(target, await with_factor(target))


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
