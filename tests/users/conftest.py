"""The users subgraph on a server of its own, and what its tests begin with."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from shared.context import Services
from subgraphs.users import app
from subgraphs.users.loaders import Loaders
from tests.conftest import ServeSubgraph, SettingsFor
from tests.support.loopback import free_port
from tests.support.serving import Served, serve
from tests.users.post import Post, post_office
from tests.users.providers import entry, honest_provider, hostile_provider

PASSWORD = "seven purple lanterns juggle soup"
OTHER_PASSWORD = "quiet zebras audit the marmalade"

ERRORS = "userErrors { code message field }"
USER_FIELDS = "id displayName bio avatarUrl status memberSince version email roles"
TOKENS = f"session {{ accessToken refreshToken expiresAt user {{ {USER_FIELDS} }} }}"
SIGN_UP = f"mutation($input: SignUpInput!) {{ signUp(input: $input) {{ {TOKENS} {ERRORS} }} }}"
LOG_IN = f"mutation($input: LogInInput!) {{ logIn(input: $input) {{ {TOKENS} {ERRORS} }} }}"
REFRESH = f"mutation($input: RefreshSessionInput!) {{ refreshSession(input: $input) {{ {TOKENS} {ERRORS} }} }}"
ME = "{ me { id displayName email roles } }"

_numbers = itertools.count(1)

# Argon2 as cheap as it can be, and room for many accounts from one address.
CHEAP: dict[str, object] = {
    "argon2_memory_kib": 8,
    "argon2_time_cost": 1,
    "sign_ups_per_address": "1000/1 hour",
    "password_concurrency": 4,
}


class Users:
    """The running subgraph with shortcuts for what many tests do."""

    def __init__(self, served: Served) -> None:
        self.served = served

    @property
    def services(self) -> Services[Loaders]:
        services: Services[Loaders] = self.served.server._app.state.services
        return services

    async def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        address: str | None = None,
        user_agent: str = "tests",
    ) -> dict[str, Any]:
        """The whole answer; `address` is where the client is, as the edge tells it."""
        headers = {"user-agent": user_agent}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if address is not None:
            headers["x-forwarded-for"] = address
        body = {"query": document, "variables": variables}
        answer: dict[str, Any] = (await self.served.client.post("/graphql", json=body, headers=headers)).json()
        return answer

    async def act(self, document: str, *, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """The data of an operation that has no top-level errors."""
        answer = await self.execute(document, variables, token=token)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def sign_up(self, **changes: Any) -> dict[str, Any]:
        """The tokens and the user of a new account."""
        return _session((await self.act(SIGN_UP, input=sign_up_input(**changes)))["signUp"])

    async def log_in(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """The tokens of a new session."""
        return _session((await self.act(LOG_IN, input={"email": email, "password": password}))["logIn"])

    async def refresh(self, refresh_token: str) -> dict[str, Any]:
        """The payload of a refresh."""
        payload: dict[str, Any] = (await self.act(REFRESH, input={"refreshToken": refresh_token}))["refreshSession"]
        return payload

    async def rows(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        async with self.services.database.transaction() as session:
            return [tuple(row) for row in (await session.execute(text(statement), parameters)).all()]

    async def state(self) -> list[list[tuple[Any, ...]]]:
        """Everything that is stored, to show that a refusal changed nothing."""
        return [
            await self.rows("SELECT * FROM users ORDER BY id"),
            await self.rows("SELECT * FROM sessions ORDER BY id"),
            await self.rows("SELECT * FROM refresh_tokens ORDER BY token_hash"),
            await self.rows("SELECT * FROM mailed_codes ORDER BY code_hash"),
            # Without what changes while they wait.
            await self.rows("SELECT id, template, created_at FROM mails ORDER BY id"),
            await self.log(),
        ]

    async def until_rows(self, statement: str, expected: list[tuple[Any, ...]], seconds: float = 30) -> bool:
        """Waits until a query answers what is expected."""
        deadline = time.monotonic() + seconds
        while (found := await self.rows(statement)) != expected:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)
        return True

    async def until_no_mail_waits(self) -> bool:
        """Waits until every mail is sent or given up."""
        return await self.until_rows("SELECT id FROM mails", [])

    async def log(self) -> list[tuple[Any, ...]]:
        """Stream, number and type of all events so far, in order."""
        return await self.rows("SELECT stream, seq, type FROM outbox ORDER BY position")

    async def bodies(self, event_type: str) -> list[dict[str, Any]]:
        """The bodies of the events of a type."""
        rows = await self.rows("SELECT body FROM outbox WHERE type = :type ORDER BY position", type=event_type)
        return [row[0] for row in rows]


def _session(payload: dict[str, Any]) -> dict[str, Any]:
    assert payload["userErrors"] == []
    session: dict[str, Any] = payload["session"]
    return session


def new_email() -> str:
    return f"person{next(_numbers)}@example.com"


def sign_up_input(**changes: Any) -> dict[str, Any]:
    """The input of a fine account."""
    fine = {"email": new_email(), "password": PASSWORD, "displayName": "Somchai", "roles": ["POSTER", "TASKER"]}
    return fine | changes


class Serve(Protocol):
    """Serves the subgraph with changed settings; all that a test serves share a database."""

    def __call__(self, **changes: object) -> AbstractAsyncContextManager[Users]: ...


@pytest.fixture
def serve_users(settings_for: SettingsFor) -> Serve:
    @asynccontextmanager
    async def start(**changes: object) -> AsyncIterator[Users]:
        async with serve(app.build(settings_for("users", **CHEAP | changes))) as served:
            yield Users(served)

    return start


@pytest.fixture
async def users(serve_subgraph: ServeSubgraph) -> AsyncIterator[Users]:
    async with serve_subgraph("users", **CHEAP) as served:
        yield Users(served)


@pytest.fixture(scope="session")
async def _post_office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Post]:
    async with post_office(tmp_path_factory.mktemp("mail")) as office:
        yield office


@pytest.fixture
def post(_post_office: Post) -> Post:
    """A mailbox without mail."""
    _post_office.empty()
    return _post_office


@pytest.fixture
async def mailing_users(serve_subgraph: ServeSubgraph, post: Post) -> AsyncIterator[Users]:
    """The subgraph with a mail server."""
    async with serve_subgraph("users", **CHEAP, **post.settings) as served:
        yield Users(served)


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """The issuer of a provider that does what it is told to."""
    with hostile_provider() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def hostile_file(hostile: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of providers with that one."""
    file = tmp_path_factory.mktemp("hostile") / "providers.json"
    file.write_text(json.dumps({"providers": [entry(hostile)]}))
    return file


@pytest.fixture(scope="module")
def honest() -> Iterator[str]:
    """The issuer of a provider at which Nina signs in."""
    nina: dict[str, object] = {"sub": "nina", "email": "nina@example.com", "email_verified": True, "name": "Nina"}
    with honest_provider(free_port(), nina) as issuer:
        yield issuer
