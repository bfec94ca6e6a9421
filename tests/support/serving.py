"""An application on a real server and port of its own, inside the test's process, and clients for it."""

import asyncio
import contextlib
import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from shared.config import Settings
from shared.process.connections import DEFAULT_PATIENCE, Patience
from shared.process.server import Server, build_server
from tests.support.loopback import NO_TLS

PROTOCOL = "graphql-transport-ws"


def application(subgraph: str, settings: Settings) -> FastAPI:
    """A subgraph's application, by its name."""
    app: FastAPI = importlib.import_module(f"subgraphs.{subgraph}.app").build(settings)
    return app


@asynccontextmanager
async def serve(app: FastAPI, patience: Patience = DEFAULT_PATIENCE) -> AsyncIterator["Served"]:
    """Serves `app` as production does, and stops it as a signal would."""
    server = build_server(app, "127.0.0.1", 0, patience=patience)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
        if running.done():
            await running
            raise RuntimeError("the server ended before it served")
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    async with (
        httpx.AsyncClient(base_url=address, timeout=30, verify=NO_TLS) as client,
        aiohttp.ClientSession(address) as operations,
    ):
        try:
            yield Served(server, client, operations, port)
        finally:
            server.should_exit = True
            await running


class Served:
    """A running application and its clients."""

    def __init__(self, server: Server, client: httpx.AsyncClient, operations: aiohttp.ClientSession, port: int) -> None:
        self.server = server
        self.client = client
        # For what most tests do many times, since it takes a quarter of httpx's CPU.
        self._operations = operations
        self.port = port

    @property
    def is_draining(self) -> bool:
        """Whether it is going away, and takes no subscriptions any more."""
        return bool(self.server._app.state.services.draining)

    async def execute(
        self,
        query: str,
        variables: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        address: str | None = None,
    ) -> dict[str, Any]:
        """The whole answer to an operation over HTTP; `address` is where the client is, as the edge tells it."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if address is not None:
            headers["x-forwarded-for"] = address
        body = {"query": query, "variables": variables}
        async with self._operations.post("/graphql", json=body, headers=headers) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
        return answer

    @asynccontextmanager
    async def connect(
        self, *, token: str | None = None, protocol: str = PROTOCOL, payload: dict[str, str] | None = None
    ) -> AsyncIterator["Client"]:
        """An acknowledged connection of the graphql-transport-ws protocol."""
        async with connect(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[protocol]) as socket:  # type: ignore[list-item]  # a NewType of str
            client = Client(socket)
            authorization = {"authorization": f"Bearer {token}"} if token else {}
            await client.send({"type": "connection_init", "payload": authorization | (payload or {})})
            assert await client.receive() == {"type": "connection_ack"}
            yield client


class Client:
    """One connection; the messages of the protocol as dicts."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: object) -> None:
        await self.socket.send(json.dumps(message))

    async def receive(self, timeout: float = 10) -> dict[str, Any]:
        """The next message; raises TimeoutError when there is none in time."""
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), timeout))
        return message

    async def subscribe(self, query: str, variables: dict[str, Any] | None = None, id: str = "1") -> None:
        await self.send({"id": id, "type": "subscribe", "payload": {"query": query, "variables": variables}})

    async def next(self, timeout: float = 10) -> dict[str, Any]:
        """The payload of the next `next` message."""
        message = await self.receive(timeout)
        assert message["type"] == "next", message
        payload: dict[str, Any] = message["payload"]
        return payload

    async def silent(self, seconds: float) -> bool:
        """Whether nothing arrives for so long."""
        with contextlib.suppress(TimeoutError):
            await self.receive(seconds)
            return False
        return True
