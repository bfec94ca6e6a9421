"""A client of the API as an app is one: it signs in and stays signed in, calls, and follows subscriptions."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Self

import httpx

from deploy.demo import live
from deploy.demo.live import Data, Refused, SignedOut

_SESSION = "session { accessToken refreshToken expiresAt user { id } } userErrors { code message field }"
_SIGN_UP = f"mutation SignUp($input: SignUpInput!) {{ signUp(input: $input) {{ {_SESSION} }} }}"
_LOG_IN = f"mutation LogIn($input: LogInInput!) {{ logIn(input: $input) {{ {_SESSION} }} }}"
_REFRESH = f"mutation Refresh($input: RefreshSessionInput!) {{ refreshSession(input: $input) {{ {_SESSION} }} }}"

_RENEW_BEFORE_EXPIRY = timedelta(seconds=30)
_KNOWN_WITHIN_SECONDS = 20.0
_SESSION_OVER = {"SESSION_EXPIRED", "ACCOUNT_SUSPENDED"}


class Client:
    """One person at one edge, such as `http://127.0.0.1:8000`."""

    def __init__(self, edge: str, name: str) -> None:
        self.name = name
        self.user_id = ""
        self._session: Data = {}
        self._renewing = asyncio.Lock()
        self._websocket_url = f"{edge.replace('http', 'ws', 1)}/graphql"
        # The list of authorities takes some 50 ms to read, so nobody does who needs none.
        self._http = httpx.AsyncClient(base_url=edge, timeout=30, verify=edge.startswith("https:"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def sign_up(self, email: str, password: str, roles: Sequence[str]) -> None:
        """Opens an account and signs in. Raises Refused."""
        account = {"email": email, "password": password, "displayName": self.name, "roles": list(roles)}
        self._take_session(await self._call(_SIGN_UP, "", input=account))

    async def log_in(self, email: str, password: str) -> None:
        """Signs in. Raises Refused."""
        self._take_session(await self._call(_LOG_IN, "", input={"email": email, "password": password}))

    async def call(self, document: str, **variables: object) -> Any:
        """The value of the operation's one root field. Raises Refused for errors of both kinds."""
        return await self._call(document, await self.token() if self._session else "", **variables)

    async def call_once_known(self, document: str, **variables: object) -> Any:
        """`call` about something new: another subgraph learns of it by its event, which takes long while it starts."""
        deadline = time.monotonic() + _KNOWN_WITHIN_SECONDS
        while True:
            try:
                return await self.call(document, **variables)
            except Refused as refusal:
                if refusal.codes != ["NOT_FOUND"] or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)

    def follow(
        self, document: str, variables: Mapping[str, object] = MappingProxyType({}), after: int | None = 0
    ) -> AsyncGenerator[Data, None]:
        """What `live.follow` gives, as this person."""
        return live.follow(self._websocket_url, self.token, document, variables, after)

    async def token(self, refused: str = "") -> str:
        """The access token, renewed if it is about to expire or `refused`. Raises SignedOut or OSError."""
        async with self._renewing:
            expires_at = datetime.fromisoformat(self._session["expiresAt"])
            if self._session["accessToken"] == refused or expires_at < datetime.now(UTC) + _RENEW_BEFORE_EXPIRY:
                await self._renew()
            return str(self._session["accessToken"])

    async def _renew(self) -> None:
        try:
            self._take_session(await self._call(_REFRESH, "", input={"refreshToken": self._session["refreshToken"]}))
        except httpx.HTTPError as error:
            raise ConnectionError("The session cannot be renewed at the moment.") from error
        except Refused as refusal:
            if _SESSION_OVER.intersection(refusal.codes):
                raise SignedOut(str(refusal)) from refusal
            raise ConnectionError("The session cannot be renewed at the moment.") from refusal

    async def _call(self, document: str, token: str, **variables: object) -> Any:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = await self._http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)
        if not answer.headers.get("content-type", "").startswith("application/json"):
            answer.raise_for_status()
        body: Data = answer.json()
        if body.get("errors"):
            raise Refused(body["errors"])
        value = next(iter(body["data"].values()))
        if isinstance(value, dict) and value.get("userErrors"):
            raise Refused(value["userErrors"])
        return value

    def _take_session(self, payload: Data) -> None:
        self._session = payload["session"]
        self.user_id = self._session["user"]["id"]
