"""Clients of a router that speak the protocols themselves, well or badly."""

import asyncio
import functools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.loopback import NO_TLS

Json = dict[str, Any]
PROTOCOL = "graphql-transport-ws"
_KEY = Ed25519PrivateKey.generate()


@functools.cache
def bearer(subject: str) -> str:
    """An `Authorization` that may hold, for a day and always the same: its key is one that no router has read yet.

    The embedded router closes a connection at once whose token cannot hold.
    """
    claims = {"iss": "service-exchange", "aud": "service-exchange", "sub": subject, "exp": int(time.time()) + 86_400}
    return f"Bearer {jwt.encode(claims, _KEY, 'EdDSA', headers={'kid': 'not read yet'})}"


async def post(url: str, query: str, variables: Json | None = None, **headers: str) -> Json:
    """The answer to one operation over HTTP."""
    async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await client.post(url, json={"query": query, "variables": variables or {}}, headers=sent)
        return dict(response.json())


def codes(answer: Json) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


class Socket:
    """A connection that reads and writes the messages of graphql-transport-ws."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: object) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self, timeout: float = 30) -> Json:
        """The next message that is not a ping."""
        while True:
            message = json.loads(await asyncio.wait_for(self.connection.recv(), timeout))
            if message["type"] != "ping":
                return dict(message)

    async def subscribe(self, query: str, variables: Json | None = None, id: str = "1") -> None:
        await self.send(id=id, type="subscribe", payload={"query": query, "variables": variables or {}})

    async def until_end(self, timeout: float = 30) -> list[Json]:
        """All messages up to and with the one that ends the operation."""
        messages = []
        while not messages or messages[-1]["type"] not in ("complete", "error"):
            messages.append(await self.receive(timeout))
        return messages


@asynccontextmanager
async def raw_socket(
    url: str,
    protocol: str = PROTOCOL,
    origin: str | None = None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[Socket]:
    """A connection before `connection_init`; `headers` are those of the handshake."""
    sent = {**(headers or {}), **({"Origin": origin} if origin else {})}
    async with connect(
        url.replace("http", "ws", 1), subprotocols=[Subprotocol(protocol)], additional_headers=sent, **options
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def socket(url: str, payload: Json | None = None, **options: Any) -> AsyncIterator[Socket]:
    """A connection that the router has acknowledged."""
    async with raw_socket(url, **options) as opened:
        await opened.send(type="connection_init", payload=payload or {})
        assert (await opened.receive())["type"] == "connection_ack"
        yield opened
