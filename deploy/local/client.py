"""A client of the API as a mobile app would be: it signs in, calls, and follows streams without losing an event."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Self, TypeAlias

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

# What the API answers; the schema says what is in it, and mypy cannot.
Data: TypeAlias = dict[str, Any]

_SESSION = "session { accessToken user { id } } userErrors { code message field }"
_SIGN_UP = f"mutation SignUp($input: SignUpInput!) {{ signUp(input: $input) {{ {_SESSION} }} }}"
_LOG_IN = f"mutation LogIn($input: LogInInput!) {{ logIn(input: $input) {{ {_SESSION} }} }}"

# After these a subscription cannot go on as it is; after everything else the client comes back.
_FINAL_CODES = {"UNAUTHENTICATED", "FORBIDDEN", "CURSOR_EXPIRED", "BAD_REQUEST", "INVALID_ID", "TOO_COMPLEX"}
_KNOWN_WITHIN_SECONDS = 20.0
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0


class Refused(Exception):
    """The API refused; `codes` say why."""

    def __init__(self, what: str, errors: Sequence[Data]) -> None:
        self.codes = tuple(str(_code(error)) for error in errors)
        messages = [str(error.get("message", "")) for error in errors]
        super().__init__(f"{what}: {'; '.join(map(' '.join, zip(self.codes, messages, strict=True)))}")


class _Interrupted(Exception):
    """A subscription ended for a reason that goes away."""


class Client:
    """One person at one edge, such as `http://127.0.0.1:8000`."""

    def __init__(self, edge: str, name: str) -> None:
        self.name = name
        self.user_id = ""
        self._token = ""
        self._websocket_url = f"{edge.replace('http', 'ws', 1)}/graphql"
        self._http = httpx.AsyncClient(base_url=edge, timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def sign_up(self, email: str, password: str, roles: Sequence[str]) -> None:
        """Opens an account and signs in. Raises Refused."""
        account = {"email": email, "password": password, "displayName": self.name, "roles": list(roles)}
        self._take_session(await self.call(_SIGN_UP, input=account))

    async def log_in(self, email: str, password: str) -> None:
        """Signs in. Raises Refused."""
        self._take_session(await self.call(_LOG_IN, input={"email": email, "password": password}))

    async def call(self, document: str, **variables: object) -> Any:
        """The value of the operation's one root field. Raises Refused for errors of both kinds."""
        answer = await self._http.post(
            "/graphql", json={"query": document, "variables": variables}, headers=self._headers()
        )
        body: Data = answer.json()
        if body.get("errors"):
            raise Refused(self.name, body["errors"])
        value = next(iter(body["data"].values()))
        if isinstance(value, dict) and value.get("userErrors"):
            raise Refused(self.name, value["userErrors"])
        return value

    async def call_once_known(self, document: str, **variables: object) -> Any:
        """`call` about something new: another subgraph learns of it by its event, a moment later."""
        async with asyncio.timeout(_KNOWN_WITHIN_SECONDS):
            while True:
                try:
                    return await self.call(document, **variables)
                except Refused as refusal:
                    if refusal.codes != ("NOT_FOUND",):
                        raise
                    await asyncio.sleep(0.05)

    async def follow(self, document: str, variables: Data, after: int = 0) -> AsyncGenerator[Data, None]:
        """Each event behind `after` once and in order, across whatever cuts the connection.

        The document takes `$after: Int` and selects `seq` and `previousSeq`. An event whose `previousSeq` is
        not the last one seen tells that one was dropped on the way, so the client asks again from there.
        Raises Refused when it cannot go on.
        """
        last, delay = after, _FIRST_DELAY_SECONDS
        while True:
            try:
                async with contextlib.aclosing(self._subscribe(document, {**variables, "after": last})) as events:
                    async for event in events:
                        if event["previousSeq"] not in (None, last):
                            break
                        last, delay = event["seq"], _FIRST_DELAY_SECONDS
                        yield event
            except (_Interrupted, OSError, TimeoutError, WebSocketException):
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)

    async def _subscribe(self, document: str, variables: Data) -> AsyncGenerator[Data, None]:
        """One subscription over one connection, by the protocol graphql-transport-ws."""
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(self._websocket_url, subprotocols=protocols, proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": self._headers()}))
            subscribe = {"id": "1", "type": "subscribe", "payload": {"query": document, "variables": variables}}
            async for text in socket:
                message: Data = json.loads(text)
                match message["type"]:
                    case "connection_ack":
                        await socket.send(json.dumps(subscribe))
                    case "ping":
                        await socket.send('{"type": "pong"}')
                    case "next" if not message["payload"].get("errors"):
                        yield next(iter(message["payload"]["data"].values()))
                    case "next":
                        _raise(message["payload"]["errors"])
                    case "error":
                        _raise(message["payload"])
                    case "complete":
                        raise _Interrupted
        raise _Interrupted

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"} if self._token else {}

    def _take_session(self, payload: Data) -> None:
        self._token = payload["session"]["accessToken"]
        self.user_id = payload["session"]["user"]["id"]


def _raise(errors: Sequence[Data]) -> None:
    if any(_code(error) in _FINAL_CODES for error in errors):
        raise Refused("subscription", errors)
    raise _Interrupted


def _code(error: Data) -> object:
    return error.get("code") or (error.get("extensions") or {}).get("code")
