"""Signing in at other providers with answers that are forged, stolen or used, and at a provider that lies."""

import asyncio
import json
import sys
import uuid
from collections.abc import Iterator

import httpx
import pytest

from deploy.local import subgraph_server
from deploy.local.stack import Stack
from tests.abuse import targets
from tests.abuse.accounts import Names, from_one_address, kept, new_address, newcomer, rows, sends, tries
from tests.abuse.arena import SUBGRAPH_CPU_SECONDS, Arena, Case, Given, Target
from tests.abuse.attacks import operation
from tests.abuse.scene import Scene, named
from tests.abuse.table import defended, everywhere
from tests.e2e.people import new_email
from tests.supergraph.conftest import Process, running
from tests.support.loopback import NO_TLS, free_port
from tests.users.test_openid import entry

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

FAILED = "200 userErrors OPEN_ID_SIGN_IN_FAILED"
GUESS = "A" * 43
HASHED = {"users": 0.3}
HERE = "users"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A provider that says what it is told to."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("provider") / "log"
    process = Process([sys.executable, "-m", "tests.users.hostile_provider", str(port)], f"{issuer}/jwks", log)
    with running(process):
        yield issuer


@pytest.fixture(scope="module")
def federated_arena(
    stack: Stack, scene: Scene, provider: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Arena]:
    """A replica of `users` that knows the provider."""
    folder, port = tmp_path_factory.mktemp("users"), free_port()
    file = folder / "providers.json"
    file.write_text(json.dumps({"providers": [entry(provider)]}))
    replica = Process(
        [sys.executable, "-m", "shared.process.serve", "subgraphs.users.app:app", "--port", str(port)],
        f"http://127.0.0.1:{port}/readyz",
        folder / "users.log",
        {**subgraph_server.environment(stack.instance, "users"), "EXCHANGE_OPENID_PROVIDERS_FILE": str(file)},
        start_seconds=90,
    )
    scene.names["provider"] = provider
    with running(replica):
        url = f"http://127.0.0.1:{port}/graphql"
        pids = targets.OnePid(HERE, replica)
        yield Arena({HERE: Target(HERE, url, scene, False, {HERE: SUBGRAPH_CPU_SECONDS}, pids)})


# --- what comes before ---


async def tell(target: Target, **told: object) -> None:
    """What the provider does wrong from now on."""
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        await client.post(f"{target.scene['provider']}/told", json=told)


async def answer(target: Target, browser: str, who: str = "", **told: object) -> Names:
    """What a browser holds after its person signed in at the provider: handle, code and state."""
    await tell(target, **told)
    wanted = {"provider": "acme", "link": bool(who)}
    headers = {"authorization": f"Bearer {target.scene[f'{who} token']}"} if who else {}
    fields = "{ authorizationUrl handle }"
    document = f"mutation ($input: StartOpenIdSignInInput!) {{ startOpenIdSignIn(input: $input) {fields} }}"
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        body = {"query": document, "variables": {"input": wanted}}
        headers["x-forwarded-for"] = new_address()
        started = (await client.post(target.url, json=body, headers=headers)).json()["data"]["startOpenIdSignIn"]
        back = (await client.get(started["authorizationUrl"])).json()
    return {
        f"{browser} handle": started["handle"],
        f"{browser} code": back["code"],
        f"{browser} state": back["state"],
        "issuer": back["iss"],
    }


async def answered(target: Target) -> Names:
    return await answer(target, "own")


async def two_browsers(target: Target) -> Names:
    """The attacker's browser and somebody else's."""
    return await answer(target, "own") | await answer(target, "other")


async def completed(target: Target) -> Names:
    """An answer that was used. Whether it let somebody in is not the question."""
    names = await answered(target)
    given = {**GOOD, "handle": names["own handle"], "code": names["own code"], "state": names["own state"]}
    target.scene.names |= names
    await sends(named("completeOpenIdSignIn"), given)(target)
    return names


async def answered_late(target: Target) -> Names:
    names = await answered(target)
    await rows(target.scene, "UPDATE openid_sign_ins SET expires_at = now()")
    return names


async def answered_to_link(target: Target) -> Names:
    """An answer that Tina asked for to link an identity to her account."""
    return await answer(target, "own", who="tina")


async def answered_to_somebody_else(target: Target) -> Names:
    """The attacker, with an answer to link what Tina asked for."""
    return await newcomer(target) | await answer(target, "own", who="tina")


async def answered_to_sign_in(target: Target) -> Names:
    return await newcomer(target) | await answered(target)


async def signed_in(target: Target) -> Names:
    """Somebody who has no password here, only an identity there; and the attacker."""
    claims = {"sub": f"{uuid.uuid4()}", "email": new_email()}
    names = await answer(target, "nina", claims=claims)
    given = {
        "handle": names["nina handle"], "code": names["nina code"], "state": names["nina state"],
        "iss": names["issuer"], "roles": ["POSTER"],
    }  # fmt: skip
    document = (
        "mutation ($input: CompleteOpenIdSignInInput!) { completeOpenIdSignIn(input: $input) "
        "{ session { accessToken user { id } } userErrors { code } } }"
    )
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        body = {"query": document, "variables": {"input": given}}
        session = (await client.post(target.url, json=body)).json()["data"]["completeOpenIdSignIn"]["session"]
    [row] = await rows(target.scene, "SELECT id FROM identities WHERE user_id = $1", session["user"]["id"])
    return await newcomer(target) | {"nina token": session["accessToken"], "nina identity": row["id"]}


async def somebodys_address(target: Target) -> Names:
    """A provider that has verified the address of an account here for somebody whom nobody knows."""
    names = await newcomer(target)
    claims = {"sub": f"{uuid.uuid4()}", "email": names["mallory email"]}
    return names | await answer(target, "own", claims=claims)


def lying(**told: object) -> Given:
    """An answer of a provider that lies from then on."""

    async def given(target: Target) -> Names:
        return await answer(target, "own", **told)

    return given


# --- attacks ---

GOOD: dict[str, object] = {
    "handle": "<own handle>",
    "code": "<own code>",
    "state": "<own state>",
    "iss": "<issuer>",
    "roles": ["POSTER"],
}


def completes(expected: str = FAILED, given: Given = answered, **changes: object) -> Case:
    """An answer presented with changes to a good one, each time a fresh one since a refusal uses it up."""
    values = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return Case(tries("completeOpenIdSignIn", **values), expected, at=HERE, given=given)


def links(expected: str, who: str, given: Given, **changes: object) -> Case:
    values = {name: value for name, value in (GOOD | changes).items() if name != "roles"}
    return Case(tries("linkOpenIdIdentity", who, **values), expected, at=HERE, given=given, cpu=HASHED)


async def completes_ten_times_at_once(target: Target) -> str:
    """One answer in ten tabs: how many sessions it came to."""
    attack = tries("completeOpenIdSignIn", **GOOD)
    seen = await asyncio.gather(*(attack(target) for _ in range(10)))
    refused = [each for each in seen if each == FAILED]
    return f"{len(refused)} of 10 refused"


def everywhere_else(expected: str, mutation: str, **input: object) -> Case:
    """At the system with all its doors, where another provider is configured."""
    return Case(tries(mutation, **input), expected, expected, at="users")


FEDERATED = {
    # --- beginning ---
    "a provider that is not there": Case(
        tries("startOpenIdSignIn", provider="evil"), "200 userErrors NOT_FOUND(provider)", at=HERE
    ),
    "an address for a provider": Case(
        tries("startOpenIdSignIn", provider="https://evil.example"), "200 userErrors NOT_FOUND(provider)", at=HERE
    ),
    "a provider of 900,000 letters": Case(
        tries("startOpenIdSignIn", provider="a" * 900_000), "200 userErrors NOT_FOUND(provider)", at=HERE
    ),
    "nobody begins to link": Case(
        tries("startOpenIdSignIn", provider="acme", link=True), "200 UNAUTHENTICATED", at=HERE
    ),
    "ninety beginnings from one address": Case(
        from_one_address("startOpenIdSignIn", "127.250.2.1", 3, provider="evil"),
        "200 userErrors NOT_FOUND, then 200 RATE_LIMITED",
        at=HERE,
        once=True,
    ),
    "ninety answers from one address": Case(
        from_one_address("completeOpenIdSignIn", "127.250.2.2", 3, handle=GUESS, code="a", state="a", roles=["POSTER"]),
        f"{FAILED}, then 200 RATE_LIMITED",
        at=HERE,
        once=True,
    ),
    # --- answers that do not belong ---
    "a handle that was guessed": completes(handle=GUESS),
    "no handle": completes(handle=""),
    "a handle of 900,000 letters": completes(handle="A" * 900_000),
    "a state that was guessed": completes(state=GUESS),
    "no state": completes(state=""),
    "a state of 900,000 letters": completes(state="A" * 900_000),
    "a code that was guessed": completes(code=GUESS),
    "no code": completes(code=""),
    "a code of 900,000 letters": completes(code="A" * 900_000),
    "a code with a line break": completes(code="a\r\nhost: evil.example"),
    "an answer of another issuer": completes(iss="https://evil.example"),
    "an answer without its issuer": completes(iss=None),
    "a handle that was used": completes(given=kept(completed)),
    "an answer of eleven minutes ago": completes(given=kept(answered_late)),
    "somebody else's handle with the own answer": completes(given=two_browsers, handle="<other handle>"),
    "somebody else's code": completes(given=two_browsers, code="<other code>"),
    "somebody else's state": completes(given=two_browsers, state="<other state>"),
    "somebody else's code and state": completes(given=two_browsers, code="<other code>", state="<other state>"),
    "an answer that was to link, to sign in": completes(given=answered_to_link),
    "an answer in ten tabs": Case(completes_ten_times_at_once, "9 of 10 refused", at=HERE, given=answered, once=True),
    "an administrator by a provider": completes("200 userErrors INVALID_INPUT(roles)", roles=["ADMIN"]),
    "no role by a provider": completes("200 userErrors INVALID_INPUT(roles)", roles=[]),
    # --- a provider that lies ---
    "a token that nobody signed": completes(given=lying(signature="none")),
    "a token signed with the client's secret": completes(given=lying(signature="client secret")),
    "a token signed with the public key": completes(given=lying(signature="public key")),
    "a token of another key": completes(given=lying(signature="foreign key")),
    "a token that brings its key": completes(given=lying(signature="own key")),
    "a token that was changed": completes(given=lying(signature="tampered")),
    "a token of 100,000 letters": completes(given=lying(signature="long")),
    "a token of another sign-in": completes(given=lying(claims={"nonce": GUESS})),
    "a token for another client": completes(given=lying(claims={"aud": "another-client"})),
    "a token of another issuer": completes(given=lying(claims={"iss": "https://evil.example"})),
    "a token of an hour ago": completes(given=lying(shifted={"iat": -3_600})),
    "an answer of a megabyte": completes("200 SERVICE_UNAVAILABLE", lying(token="large")),
    "an answer that leads elsewhere": completes("200 SERVICE_UNAVAILABLE", lying(token="redirect")),
    "an address that nobody verified": completes(
        "200 userErrors EMAIL_NOT_VERIFIED", lying(claims={"sub": "mallory", "email_verified": False})
    ),
    "somebody's address at a provider": completes("200 userErrors IDENTITY_NOT_LINKED", somebodys_address),
    # --- linking ---
    "nobody links": links("200 UNAUTHENTICATED", "", answered),
    "linking with a guessed password": links(
        "200 userErrors INVALID_CREDENTIALS(password)", "mallory", answered_to_sign_in, password="a guess"
    ),
    "linking somebody else's answer": links(
        FAILED, "mallory", answered_to_somebody_else, password="<mallory password>"
    ),
    "linking an answer that was to sign in": links(
        FAILED, "mallory", answered_to_sign_in, password="<mallory password>"
    ),
    "unlinking somebody else's identity": Case(
        tries("unlinkOpenIdIdentity", "mallory", identityId="<nina identity>", password="<mallory password>"),
        "200 userErrors NOT_FOUND(identityId)",
        at=HERE,
        given=kept(signed_in),
        cpu=HASHED,
    ),
    "unlinking the last way in": Case(
        tries("unlinkOpenIdIdentity", "nina", identityId="<nina identity>"),
        "200 userErrors LAST_WAY_TO_SIGN_IN",
        at=HERE,
        given=kept(signed_in),
    ),
    "somebody else's identities": Case(
        operation("{ myIdentities { nodes { id email } } }", who="tina", shows=True),
        '200 {"myIdentities":{"nodes":[]}}',
        at=HERE,
        given=kept(signed_in),
    ),
}  # fmt: skip

ELSEWHERE = {
    "a sign-in at a provider that is not there": everywhere_else(
        "200 userErrors NOT_FOUND(provider)", "startOpenIdSignIn", provider="evil"
    ),
    "an answer that nobody sent": everywhere_else(
        FAILED, "completeOpenIdSignIn", handle=GUESS, code="a", state="a", roles=["POSTER"]
    ),
    "nobody links an identity": everywhere_else(
        "200 UNAUTHENTICATED", "linkOpenIdIdentity", handle=GUESS, code="a", state="a"
    ),
    "a handle that is an object": Case(
        tries("completeOpenIdSignIn", handle={"$ne": ""}, code="a", state="a", roles=["POSTER"]),
        "200 BAD_REQUEST",
        hive="200 BAD_USER_INPUT",
        embedded="200 BAD_USER_INPUT",
        at="users",
    ),
    "nobody lists identities": Case(
        operation("{ myIdentities { nodes { id } } }"), "200 UNAUTHENTICATED", "200 UNAUTHENTICATED", at="users"
    ),
}


@everywhere(FEDERATED, share=1 / 2)
async def test_no_answer_of_a_provider_lets_in_who_does_not_belong(
    federated_arena: Arena, case: Case, place: str
) -> None:
    await defended(federated_arena, case, place)


@everywhere(ELSEWHERE, share=1 / 2)
async def test_every_door_refuses_what_no_provider_sent(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
