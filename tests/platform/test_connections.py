"""Clients that send slowly, read slowly or send too much: they are cut off, and others are served meanwhile."""

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import strawberry
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from shared.context import Context
from shared.graphql.schema import build_schema, query, subscription
from shared.process.app import create_app
from shared.process.connections import Patience
from tests.conftest import SettingsFor
from tests.support.serving import PROTOCOL, Served, serve

Info = strawberry.Info[Context[None], None]
PATIENCE = Patience(request_seconds=1, stalled_seconds=1, ping_seconds=1)
live = 0


@strawberry.type
class Query:
    @query(description="Answers.")
    async def fine(self, info: Info) -> str:
        return "yes"

    @query(description="So many bytes.")
    async def much(self, info: Info, bytes: int) -> str:
        return "x" * bytes


@strawberry.type
class Subscription:
    @subscription(description="Bytes without end.")
    async def flood(self, info: Info) -> AsyncIterator[str]:
        global live  # what a test asks for is whether it goes on
        live += 1
        try:
            while True:
                yield "x" * 100_000
                await asyncio.sleep(0)
        finally:
            live -= 1

    @subscription(description="Waits for ever.")
    async def wait(self, info: Info) -> AsyncIterator[int]:
        yield 0
        await asyncio.Event().wait()


schema = build_schema(Query, subscription=Subscription)


@pytest.fixture
async def served(settings_for: SettingsFor) -> AsyncIterator[Served]:
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings_for("platform"))
    async with serve(app, PATIENCE) as served:
        yield served


class Raw:
    """A connection on which a test sends what it likes, and reads when it likes."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def receive(self, size: int = 65_536) -> bytes:
        """What there is, nothing at the end of the connection."""
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._socket, size), 20)
        except ConnectionError:
            return b""

    async def rest(self) -> bytes:
        """All there is until the server ends the connection."""
        received = b""
        while chunk := await self.receive():
            received += chunk
        return received

    def close(self) -> None:
        self._socket.close()


@asynccontextmanager
async def honest_client(served: Served) -> AsyncIterator[None]:
    """Somebody who asks all the while and is answered, over HTTP and WebSocket."""
    answered = 0

    async def ask() -> None:
        nonlocal answered
        while True:
            assert await served.execute("{ fine }") == {"data": {"fine": "yes"}}
            answered += 1
            await asyncio.sleep(0.05)

    async with served.connect() as client:
        await client.subscribe("subscription { wait }")
        await client.next()
        asking = asyncio.create_task(ask())
        try:
            yield
            await client.send({"type": "ping"})
            assert await client.receive() == {"type": "pong"}
        finally:
            asking.cancel()
        assert answered > 0
        assert not asking.done() or asking.cancelled()


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def dribble(raw: Raw, data: bytes) -> float:
    """Sends byte by byte until the server has enough of it; answers after how long."""
    started = time.monotonic()

    async def send() -> None:
        for byte in data * 1_000:
            await raw.send(bytes([byte]))
            await asyncio.sleep(0.1)

    sending = asyncio.create_task(send())
    answer = await raw.rest()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    if answer:
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
        body = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert body["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    return time.monotonic() - started


def post(body: bytes, headers: bytes = b"") -> bytes:
    """A request, with a body that may be shorter than `headers` say."""
    length = headers or b"content-length: %d\r\n" % len(body)
    return b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" + length + b"\r\n" + body


SLOW: dict[str, tuple[bytes, bytes]] = {
    "a head": (b"POST /graphql HTTP/1.1\r\nhost: x\r\nx-long: ", b"y"),
    "a request line": (b"GET /", b"a"),
    "a body": (post(b"", b"content-length: 900\r\n"), b" "),
    "chunks": (post(b"", b"transfer-encoding: chunked\r\n"), b"1\r\nx\r\n"),
    "a second request": (b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nx-long: ", b"y"),
}


@pytest.mark.parametrize("name", SLOW)
async def test_whoever_sends_a_request_slowly_is_cut_off(served: Served, name: str) -> None:
    head, rest = SLOW[name]
    with closing(Raw(served.port)) as raw:
        async with honest_client(served):
            await raw.send(head)
            if name == "a second request":
                assert (await raw.receive()).startswith(b"HTTP/1.1 200")
            assert await dribble(raw, rest) < 8
    await until(lambda: served.server._app.state.endpoint.running == 0)


async def test_whoever_connects_and_says_nothing_is_cut_off(served: Served) -> None:
    with closing(Raw(served.port)) as raw:
        assert await raw.rest() == b""


async def test_a_head_without_end_is_refused(served: Served) -> None:
    with closing(Raw(served.port)) as raw:
        await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
        sent = 0
        try:
            while sent < 20_000_000:
                await raw.send(b"x-header: " + b"y" * 10_000 + b"\r\n")
                sent += 10_000
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        assert sent < 20_000_000
    assert await served.execute("{ fine }") == {"data": {"fine": "yes"}}


async def test_a_slow_answer_of_ours_is_no_slow_sender(served: Served) -> None:
    """Requests that wait behind another one of their connection, and connections that rest, are not late."""
    with closing(Raw(served.port)) as raw:
        for _ in range(2):
            await raw.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await raw.receive()).startswith(b"HTTP/1.1 200")
            await asyncio.sleep(1.5 * PATIENCE.request_seconds)


async def test_whoever_does_not_read_an_answer_is_cut_off(served: Served) -> None:
    body = json.dumps({"query": "{ much(bytes: 20000000) }"}).encode()
    with closing(Raw(served.port, receive_buffer=4_096)) as raw:
        async with honest_client(served):
            await raw.send(post(body))
            await until(lambda: len(served.server.server_state.connections) == 3)
            await until(lambda: len(served.server.server_state.connections) == 2)
        assert len(await raw.rest()) < 20_000_000


async def test_whoever_reads_an_answer_slowly_but_steadily_gets_it(served: Served) -> None:
    body = json.dumps({"query": "{ much(bytes: 6000000) }"}).encode()
    with closing(Raw(served.port, receive_buffer=100_000)) as raw:
        await raw.send(post(body))
        started, received = time.monotonic(), 0
        while received < 6_000_000:
            chunk = await raw.receive(200_000)
            assert chunk, "cut off"
            received += len(chunk)
            await asyncio.sleep(0.05)
        assert time.monotonic() - started > PATIENCE.stalled_seconds


# --- WebSockets ---

HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n"
)


def frame(payload: bytes, *, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=True)


@asynccontextmanager
async def raw_socket(served: Served, extensions: bytes = b"") -> AsyncIterator[Raw]:
    """An acknowledged connection, without anybody who answers pings."""
    with closing(Raw(served.port, receive_buffer=4_096)) as raw:
        await raw.send(HANDSHAKE + extensions + b"\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += await raw.receive()
        assert head.startswith(b"HTTP/1.1 101")
        assert b"sec-websocket-extensions" not in head.lower()
        await raw.send(frame(b'{"type":"connection_init"}'))
        assert b"connection_ack" in await raw.receive()
        yield raw


def close_code(received: bytes) -> int:
    """The code of the close frame that ends what was received."""
    start = received.rindex(b"\x88")
    return int.from_bytes(received[start + 2 : start + 4])


async def test_whoever_does_not_read_a_subscription_is_cut_off_and_frees_it(served: Served) -> None:
    async with raw_socket(served) as raw, honest_client(served):
        await raw.send(frame(b'{"type":"subscribe","id":"1","payload":{"query":"subscription { flood }"}}'))
        await until(lambda: live == 1)
        resident = memory()
        # By the first of ping and patience.
        await until(lambda: live == 0)
        assert memory() - resident < 60_000_000
        await until(lambda: len(served.server.server_state.connections) == 2)


async def test_whoever_reads_too_late_learns_why(settings_for: SettingsFor) -> None:
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings_for("platform"))
    async with serve(app, Patience(stalled_seconds=1, ping_seconds=60)) as served, raw_socket(served) as raw:
        await raw.send(frame(b'{"type":"subscribe","id":"1","payload":{"query":"subscription { flood }"}}'))
        await until(lambda: live == 1)
        await until(lambda: live == 0)
        received = await raw.rest()
        assert close_code(received) == 1013
        assert received.endswith(b"Read too slowly")


async def test_whoever_answers_no_ping_is_cut_off(served: Served) -> None:
    async with raw_socket(served) as raw:
        await raw.send(frame(b'{"type":"subscribe","id":"1","payload":{"query":"subscription { wait }"}}'))
        assert close_code(await raw.rest()) == 1011


async def test_whoever_sends_fragments_slowly_is_cut_off(settings_for: SettingsFor) -> None:
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings_for("platform"))
    patience = Patience(request_seconds=1, ping_seconds=60)
    async with serve(app, patience) as served, raw_socket(served) as raw, honest_client(served):
        await raw.send(frame(b'{"type":', fin=False))

        async def send() -> None:
            while True:
                await raw.send(frame(b" ", opcode=Opcode.CONT, fin=False))
                await asyncio.sleep(0.1)

        sending = asyncio.create_task(send())
        assert close_code(await raw.rest()) == 1008
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_fragments_that_come_in_time_are_a_message(served: Served) -> None:
    async with raw_socket(served) as raw:
        await raw.send(frame(b'{"type":', fin=False) + frame(b'"ping"}', opcode=Opcode.CONT))
        assert b"pong" in await raw.receive()


@pytest.mark.parametrize("fragments", [1, 40])
async def test_a_message_over_the_limit_closes_the_connection(served: Served, fragments: int) -> None:
    text = '{"type":"ping","payload":{"x":"' + "y" * 1_000_000 + '"}}'
    size = -(-len(text) // fragments)
    async with connect(f"ws://127.0.0.1:{served.port}/graphql", subprotocols=[PROTOCOL]) as client:  # type: ignore[list-item]  # a NewType of str
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        with contextlib.suppress(ConnectionClosed):
            await client.send(pieces[0] if fragments == 1 else pieces)
        await asyncio.wait_for(client.wait_closed(), 30)
        assert client.close_code == 1009
    assert await served.execute("{ fine }") == {"data": {"fine": "yes"}}


async def test_compressed_messages_are_not_taken(served: Served) -> None:
    async with raw_socket(served, b"sec-websocket-extensions: permessage-deflate\r\n") as raw:
        compressed = bytearray(frame(b"\x00" * 100))
        compressed[0] |= 0x40
        await raw.send(bytes(compressed))
        assert close_code(await raw.rest()) == 1002


def memory() -> int:
    """Resident bytes of this process, which serves."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
