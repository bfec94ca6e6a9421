"""Subscriptions of the matrix: one connection, many of them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.authorization.people import Data, Person


@dataclass
class Shown:
    """What one subscription has shown so far."""

    events: list[Data] = field(default_factory=list)
    errors: list[Data] = field(default_factory=list)
    over: bool = False

    @property
    def code(self) -> str:
        """The code of the error that ended it."""
        return str(self.errors[0]["extensions"]["code"]) if self.errors else ""


@asynccontextmanager
async def following(url: str, person: Person | None, documents: Mapping[str, str]) -> AsyncIterator[dict[str, Shown]]:
    """What these subscriptions show, by the same names, while the block runs."""
    shown = {name: Shown() for name in documents}
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        payload = {"authorization": f"Bearer {person.token}"} if person else {}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        for name, document in documents.items():
            await socket.send(json.dumps({"id": name, "type": "subscribe", "payload": {"query": document}}))
        reading = asyncio.create_task(_read(socket, shown))
        try:
            yield shown
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await reading


async def _read(socket: ClientConnection, shown: Mapping[str, Shown]) -> None:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "ping":
            await socket.send(json.dumps({"type": "pong"}))
            continue
        one = shown[message["id"]]
        if message["type"] == "next":
            one.errors += message["payload"].get("errors") or []
            if message["payload"].get("data"):
                one.events.append(message["payload"]["data"])
        else:
            one.errors += message["payload"] if message["type"] == "error" else []
            one.over = True
