"""What the web app of somebody does who signs in at another provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from subgraphs.users.openid.http import _cached
from tests.conftest import ServeSubgraph
from tests.support.loopback import NO_TLS
from tests.users.conftest import CHEAP, ERRORS, TOKENS, Users

START = (
    "mutation($input: StartOpenIdSignInInput!) "
    f"{{ startOpenIdSignIn(input: $input) {{ authorizationUrl handle {ERRORS} }} }}"
)
COMPLETE = (
    "mutation($input: CompleteOpenIdSignInInput!) "
    f"{{ completeOpenIdSignIn(input: $input) {{ {TOKENS} secondFactor {{ challenge expiresAt }} {ERRORS} }} }}"
)
IDENTITY = "identity { id providerId email linkedAt }"
LINK = f"mutation($input: LinkOpenIdIdentityInput!) {{ linkOpenIdIdentity(input: $input) {{ {IDENTITY} {ERRORS} }} }}"
UNLINK = (
    f"mutation($input: UnlinkOpenIdIdentityInput!) {{ unlinkOpenIdIdentity(input: $input) {{ {IDENTITY} {ERRORS} }} }}"
)
IDENTITIES = "{ myIdentities { nodes { id providerId email linkedAt } } }"
FAILED = {"code": "OPEN_ID_SIGN_IN_FAILED", "message": "Signing in there did not work out; begin again.", "field": None}
REFUSED = {"session": None, "secondFactor": None, "userErrors": [FAILED]}


class Web:
    """The web app of a person, and what it does at the provider."""

    def __init__(self, users: Users, issuer: str, provider: str = "acme") -> None:
        self.users, self.issuer, self.provider = users, issuer, provider

    async def told(self, **told: object) -> list[str]:
        """Has the provider do something wrong; answers what it was asked before."""
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            answer = await client.post(f"{self.issuer}/told", json=told)
        asked: list[str] = answer.json()["asked"]
        return asked

    async def start(self, token: str | None = None, *, link: bool = False) -> dict[str, Any]:
        given = {"provider": self.provider, "link": link}
        started: dict[str, Any] = (await self.users.act(START, token=token, input=given))["startOpenIdSignIn"]
        assert started["userErrors"] == []
        return started

    async def answer(self, started: dict[str, Any]) -> dict[str, Any]:
        """What the provider sends the browser back with, and the handle that it kept."""
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            back = (await client.get(started["authorizationUrl"])).json()
        return {"handle": started["handle"], **back, "roles": ["POSTER"]}

    async def complete(self, given: dict[str, Any]) -> dict[str, Any]:
        payload: dict[str, Any] = (await self.users.act(COMPLETE, input=given))["completeOpenIdSignIn"]
        return payload

    async def sign_in(self) -> dict[str, Any]:
        return await self.complete(await self.answer(await self.start()))


@asynccontextmanager
async def serve_web(
    serve_subgraph: ServeSubgraph, issuer: str, providers: Path, **changes: object
) -> AsyncIterator[Web]:
    """The subgraph with a provider that does nothing wrong yet, and room for many sign-ins."""
    room = {"openid_providers_file": providers, "openid_sign_ins_per_address": "1000/1 hour"}
    async with serve_subgraph("users", **CHEAP, **room, **changes) as served:
        # What it remembers of the provider is of another test.
        _cached.cache_clear()
        web = Web(Users(served), issuer)
        await web.told()
        yield web
