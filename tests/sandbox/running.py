"""The sandbox as a process of its own, and somebody whom it tells of changes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from subgraphs.payments.provider.sandbox import Sandbox
from tests.support.loopback import NO_TLS, free_port

API_KEY = "api-key-of-the-tests"
SECRET = "webhook-secret-of-the-tests"
RETURN_URL = "http://127.0.0.1:8000/"
ENVIRONMENT = {"EXCHANGE_SANDBOX_API_KEY": API_KEY, "EXCHANGE_SANDBOX_WEBHOOK_SECRET": SECRET}


class Listener:
    """Takes webhooks, and keeps them in the order in which they came."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 204
        self.taken: list[tuple[bytes, dict[str, str]]] = []
        self._came = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One webhook, then the connection ends."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.taken.append((body, headers))
        writer.write(f"HTTP/1.1 {self.status} Whatever\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        self._came.set()

    async def wait(self, count: int) -> list[tuple[bytes, dict[str, str]]]:
        """All that came, once it is so much. Raises TimeoutError after 30 s."""
        async with asyncio.timeout(30):
            while len(self.taken) < count:
                self._came.clear()
                await self._came.wait()
        return self.taken

    async def types(self, object_id: str, count: int) -> list[str]:
        """What was told of an object, in the order in which it came, once it is so much."""
        while True:
            events = [json.loads(body) for body, _ in self.taken]
            found = [event["type"] for event in events if event["object"] == object_id]
            if len(found) >= count:
                return found
            await self.wait(len(events) + 1)


@asynccontextmanager
async def listener() -> AsyncIterator[Listener]:
    listening = Listener()
    server = await asyncio.start_server(listening.serve, "127.0.0.1", 0)
    async with server:
        listening.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/sandbox"
        yield listening


class Running:
    """The process, and a client of its API."""

    def __init__(self, folder: Path, webhook_url: str, options: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        self._options = {
            "state": str(folder),
            "port": self.url.rpartition(":")[2],
            "webhook-url": webhook_url,
            **options,
        }
        self.http = httpx.AsyncClient(base_url=self.url, timeout=30, verify=NO_TLS)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts the process and waits until it is ready."""
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sandbox"),
                *(f"--{name}={value}" for name, value in self._options.items()),
                env={**os.environ, **ENVIRONMENT},
                stdout=log,
                stderr=log,
            )
        async with asyncio.timeout(30):
            while not await self._is_ready():
                assert self._process.returncode is None, (self._folder / "log").read_text()
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """Ends the process as a crash would."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def post(self, path: str, body: Mapping[str, object] | None = None, key: str = "") -> dict[str, Any]:
        """The answer to a call with our API key, whatever it says."""
        headers = {"authorization": f"Bearer {API_KEY}"} | ({"idempotency-key": key} if key else {})
        answer: dict[str, Any] = (await self.http.post(path, json=body or {}, headers=headers)).json()
        return answer

    async def get(self, path: str) -> dict[str, Any]:
        """The answer to a question with our API key, whatever it says."""
        answer: dict[str, Any] = (await self.http.get(path, headers={"authorization": f"Bearer {API_KEY}"})).json()
        return answer

    async def push(self, object_id: str, name: str) -> dict[str, Any]:
        """What a push made of an object. Fails if it was not possible."""
        pushed = await self.post(f"/v1/admin/{object_id}/{name}")
        assert "error" not in pushed, pushed
        return pushed

    def client(self, call_seconds: float = 30) -> Sandbox:
        """The port's implementation, connected to it."""
        return Sandbox(self.url, API_KEY, SECRET, RETURN_URL, call_seconds)

    async def _is_ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).is_success
        except httpx.HTTPError:
            return False


@asynccontextmanager
async def running(folder: Path, webhook_url: str = "", **options: str) -> AsyncIterator[Running]:
    """`python -m sandbox` with its state in a folder; options as the command line has them, with `_` for `-`."""
    process = Running(folder, webhook_url, {name.replace("_", "-"): value for name, value in options.items()})
    try:
        await process.start()
        yield process
    finally:
        await process.kill()
        await process.http.aclose()
