"""A real nginx with our configuration, in front of a small router of the tests' own."""

import asyncio
import contextlib
import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from aiohttp import WSMsgType, web

from edge.render import Limits, Tls, command, render
from tests.support.loopback import NO_TLS, free_port

DEADLINE_SECONDS = 30.0


@dataclass
class FakeRouter:
    """Answers what it got. Tests change how it behaves through its attributes."""

    url: str
    delay_seconds: float = 0.0
    status: int = 200
    ready_status: int = 200
    padding: int = 0
    open_websockets: int = 0
    requests: list[dict[str, object]] = field(default_factory=list)

    async def graphql(self, request: web.Request) -> web.StreamResponse:
        seen: dict[str, object] = {
            "method": request.method,
            "path": request.path_qs,
            "headers": {name.lower(): value for name, value in request.headers.items()},
        }
        self.requests.append(seen)
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._echo(request)
        seen["bytes"] = len(await request.read())
        await asyncio.sleep(self.delay_seconds)
        # The headers are ones that the edge sets itself.
        own_headers = {"x-request-id": "of-the-router", "x-powered-by": "router"}
        body = {"data": seen, "padding": "x" * self.padding} if self.padding else {"data": seen}
        return web.json_response(body, status=self.status, headers=own_headers)

    async def files(self, request: web.Request) -> web.Response:
        """As the subgraph that uploads and files belong to."""
        seen: dict[str, object] = {
            "method": request.method,
            "path": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "first": b"",
        }
        self.requests.append(seen)
        if request.can_read_body:
            seen["first"] = await request.content.readany()
            seen["bytes"] = len(await request.read())
        return web.Response(status=self.status, headers={"cache-control": "private, max-age=600", "x-answer": "files"})

    async def webhooks(self, request: web.Request) -> web.Response:
        """As the subgraph that takes them."""
        self.requests.append(
            {
                "path": request.raw_path,
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "body": await request.read(),
            }
        )
        return web.Response(status=self.status)

    async def readiness(self, _: web.Request) -> web.Response:
        return web.json_response({"router": "internals"}, status=self.ready_status)

    async def _echo(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(protocols=["graphql-transport-ws"])
        await websocket.prepare(request)
        self.open_websockets += 1
        try:
            async for message in websocket:
                if message.type is WSMsgType.TEXT:
                    await websocket.send_str(message.data)
        finally:
            self.open_websockets -= 1
        return websocket


@pytest.fixture(scope="session")
def _router() -> Iterator[FakeRouter]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[FakeRouter, web.AppRunner]:
        router = FakeRouter(url=f"http://127.0.0.1:{free_port()}")
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/graphql", router.graphql)
        app.router.add_route("*", "/{kind:uploads|files}/{rest:.*}", router.files)
        app.router.add_route("*", "/webhooks/{rest:.*}", router.webhooks)
        app.router.add_get("/readiness", router.readiness)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(router.url.rpartition(":")[2])).start()
        return router, runner

    router, runner = asyncio.run_coroutine_threadsafe(start(), loop).result(DEADLINE_SECONDS)
    yield router
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(DEADLINE_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(DEADLINE_SECONDS)
    loop.close()


@pytest.fixture
def router(_router: FakeRouter) -> FakeRouter:
    """The router behind the edge, behaving well and with an empty memory."""
    _router.delay_seconds, _router.status, _router.ready_status, _router.padding = 0.0, 200, 200, 0
    _router.requests.clear()
    return _router


@dataclass(frozen=True)
class RunningEdge:
    """An nginx of the test's own."""

    port: int
    state_dir: Path
    client: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def access_log(self, lines: int) -> list[dict[str, object]]:
        """The log's entries, as soon as there are that many."""
        path = self.state_dir / "access.log"
        wait_until(lambda: len(path.read_text().splitlines()) >= lines)
        return [json.loads(line) for line in path.read_text().splitlines()]


class StartEdge(Protocol):
    def __call__(
        self,
        *,
        router_url: str | None = None,
        tls: Tls | None = None,
        limits: Limits | None = None,
        allowed_origins: tuple[str, ...] = (),
        trusted_proxies: tuple[str, ...] = (),
        console_dir: Path | None = None,
    ) -> RunningEdge: ...


@pytest.fixture
def start_edge(router: FakeRouter, tmp_path: Path) -> Iterator[StartEdge]:
    """`start_edge(limits=…)`: an edge with these parameters, until the test ends."""
    with contextlib.ExitStack() as running:

        def start(
            *,
            router_url: str | None = None,
            tls: Tls | None = None,
            limits: Limits | None = None,
            allowed_origins: tuple[str, ...] = (),
            trusted_proxies: tuple[str, ...] = (),
            console_dir: Path | None = None,
        ) -> RunningEdge:
            port = free_port()
            state_dir = tmp_path / f"edge-{port}"
            configuration = render(
                state_dir,
                port,
                router_url or router.url,
                tls=tls,
                limits=limits or Limits(),
                file_urls={"tasks": router.url},
                webhook_url=router.url,
                allowed_origins=allowed_origins,
                trusted_proxies=trusted_proxies,
                workers=1,
                console_dir=console_dir or tmp_path,
            )
            nginx = running.enter_context(subprocess.Popen(command(configuration)))
            running.callback(nginx.terminate)
            client = running.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=NO_TLS))
            wait_until(lambda: accepts_connections(port) or nginx.poll() is not None)
            assert nginx.poll() is None, "nginx did not start"
            return RunningEdge(port, state_dir, client)

        yield start


@pytest.fixture
def edge(start_edge: StartEdge) -> RunningEdge:
    """An edge with default parameters."""
    return start_edge()


def accepts_connections(port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds; fails after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
