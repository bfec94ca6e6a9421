"""Subscribers over WebSockets (RFC 6455, graphql-transport-ws) that cost next to nothing for each event.

A thousand of them share two cores with what they measure. So they take frames apart themselves, look for
the event's `seq` as text and note the time.
"""

import asyncio
import base64
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import cast

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_AT_ONCE = 25


class Subscriber(asyncio.Protocol):
    """One connection with one subscription; `arrivals` are the moments, by `seq`, at which events came."""

    def __init__(self, host: str, token: str, query: str, variables: Mapping[str, object]) -> None:
        self.arrivals: dict[int, float] = {}
        self.failure: str | None = None
        self._changed = asyncio.Event()
        self._host = host
        self._init = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
        payload = {"query": query, "variables": variables}
        self._subscribe = {"id": "1", "type": "subscribe", "payload": payload}
        self._buffer = bytearray()
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /graphql HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        moment = time.time()
        buffer = self._buffer
        buffer += data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self._fail(bytes(buffer[:200]).decode("latin-1"))
                return
            del buffer[: end + 4]
            self._open = True
            self._send(_TEXT, json.dumps(self._init).encode())
        while frame := self._frame():
            self._take(*frame, moment)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the connection was closed")

    async def wait_for(self, seq: int, seconds: float) -> bool:
        """Whether the event came in time. Raises RuntimeError when the subscription has ended."""
        try:
            async with asyncio.timeout(seconds):
                while seq not in self.arrivals:
                    if self.failure:
                        raise RuntimeError(self.failure)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self._transport.abort()

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame: its opcode and payload. Servers send neither masks nor, here, fragments."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, start = buffer[1], 2
        if length == 126:
            length, start = int.from_bytes(buffer[2:4]), 4
        elif length == 127:
            length, start = int.from_bytes(buffer[2:10]), 10
        if len(buffer) < start + length:
            return None
        frame = buffer[0] & 15, bytes(buffer[start : start + length])
        del buffer[: start + length]
        return frame

    def _take(self, opcode: int, payload: bytes, moment: float) -> None:
        if opcode == _TEXT:
            place = payload.find(b'"seq":')
            if place >= 0:
                seq = int(payload[place + 6 : payload.index(b",", place)])
                self.arrivals.setdefault(seq, moment)
                self._changed.set()
                return
            message = json.loads(payload)
            if message["type"] == "connection_ack":
                self._send(_TEXT, json.dumps(self._subscribe).encode())
            elif message["type"] == "ping":
                self._send(_TEXT, b'{"type":"pong"}')
            elif message["type"] != "pong":
                self._fail(payload.decode())
        elif opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self._fail(f"closed: {payload[2:].decode(errors='replace')}")

    def _send(self, opcode: int, payload: bytes) -> None:
        # Clients must mask (section 5.3); a key of zeros leaves the payload as it is.
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2)
        self._transport.write(bytes([0x80 | opcode]) + size + bytes(4) + payload)

    def _fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self._changed.set()


async def subscribe(port: int, tokens: Sequence[str], query: str, variables: Mapping[str, object]) -> list[Subscriber]:
    """Opens a subscription for each token, a few at a time."""
    loop = asyncio.get_running_loop()
    permits = asyncio.Semaphore(_AT_ONCE)

    async def open_one(token: str) -> Subscriber:
        async with permits:
            _, subscriber = await loop.create_connection(
                lambda: Subscriber(f"127.0.0.1:{port}", token, query, variables), "127.0.0.1", port
            )
            # Events of the past are asked for, so that their arrival tells that the subscription runs.
            if not await subscriber.wait_for(1, 60):
                raise TimeoutError("a subscription did not begin")
            return subscriber

    return list(await asyncio.gather(*map(open_one, tokens)))
