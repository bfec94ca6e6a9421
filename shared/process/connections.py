"""Uvicorn's protocols with an end to patience: for those who send slowly, and for those who do not read.

By itself uvicorn waits without end for a head, for a body and for a message's fragments, and a connection that it
has closed lives on until its last byte is read, with what was to be sent in memory.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

from shared.telemetry import REFUSALS

MAX_HEAD_BYTES = 64_000
UPLOADS = "/uploads/"
# Until what is left to be read of a closed connection is thrown away.
_FAREWELL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a client.

    `request_seconds`: for the whole of a request or of a WebSocket message in fragments, from its first byte.
    `upload_seconds`: the same for a chunk of an upload, which is larger and comes from telephones.
    `stalled_seconds`: for a client to take something of what waits for it.
    `ping_seconds`: between pings of a WebSocket, and for each answer.
    """

    request_seconds: float = 10
    stalled_seconds: float = 30
    ping_seconds: float = 20
    upload_seconds: float = 120


DEFAULT_PATIENCE = Patience()


class Config(uvicorn.Config):
    """Uvicorn's configuration with the protocols below."""

    def __init__(self, app: Any, patience: Patience, **options: Any) -> None:
        super().__init__(
            app,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            ws_ping_interval=patience.ping_seconds,
            ws_ping_timeout=patience.ping_seconds,
            **options,
        )
        self.patience = patience


class _Timer:
    """Calls once, so many seconds after it was set first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]) -> None:
        self._loop, self.seconds, self._call = loop, seconds, call
        self._handle: asyncio.TimerHandle | None = None

    def set(self) -> None:
        if self._handle is None:
            self._handle = self._loop.call_later(self.seconds, self._run)

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self) -> None:
        self._handle = None
        self._call()


class _Reader:
    """Watches whether a client takes what waits for it."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, seconds: float, cut_off: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._cut_off = cut_off
        self._timer = _Timer(loop, seconds, self._look)
        self._waiting = 0

    def watch(self) -> None:
        """From now on at least one byte has to leave in each stretch of time."""
        self._waiting = self._transport.get_write_buffer_size()
        self._timer.set()

    def stop(self) -> None:
        self._timer.clear()

    def _look(self) -> None:
        if 0 < self._transport.get_write_buffer_size() < self._waiting:
            self.watch()
        else:
            self._cut_off()


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 for clients that send and read in time."""

    _in_head = _in_message = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        patience = cast("Config", self.config).patience
        self._deadline = _Timer(self.loop, patience.request_seconds, self._is_late)
        self._reader = _Reader(self.loop, transport, patience.stalled_seconds, self._cut_off)
        self._deadline.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.clear()
        self._reader.stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self._refuse("431 Request Header Fields Too Large", "The request's head is too large.")
        if self._in_message:
            self._deadline.set()
        else:
            self._deadline.clear()

    def on_message_begin(self) -> None:
        self._in_head = self._in_message = True
        self._deadline.seconds = cast("Config", self.config).patience.request_seconds
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        if self.scope.get("path", "").startswith(UPLOADS):
            self._deadline.clear()
            self._deadline.seconds = cast("Config", self.config).patience.upload_seconds

    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._in_message = False
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._reader.watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._reader.watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader.watch()

    def resume_writing(self) -> None:
        if not self.transport.is_closing():
            self._reader.stop()
        super().resume_writing()

    def _is_late(self) -> None:
        if self.transport.is_closing():
            return
        if self.pipeline:
            # Not read further before the request ahead of it is answered: that is not the client's doing.
            self._deadline.set()
        elif self._in_message:
            REFUSALS.labels("slow senders").inc()
            self._refuse("408 Request Timeout", "The request came too slowly.")
        else:
            self.transport.close()

    def _refuse(self, status: str, message: str) -> None:
        """Answers by itself and closes; whoever waits for the rest of the body sees a client that has gone."""
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            error = {"message": message, "extensions": {"service": "exchange", "code": "BAD_REQUEST"}}
            body = orjson.dumps({"errors": [error]})
            self.transport.write(
                f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
                "connection: close\r\n\r\n".encode()
                + body
            )
        self.transport.close()
        self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)

    def _cut_off(self) -> None:
        REFUSALS.labels("slow readers").inc()
        self.transport.abort()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """WebSockets for clients that send and read in time.

    Whoever reads too slowly is closed with 1013: that frame stands behind what they have not read.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        patience = cast("Config", self.config).patience
        self._deadline = _Timer(self.loop, patience.request_seconds, self._is_late)
        self._reader = _Reader(self.loop, self.transport, patience.stalled_seconds, self._cut_off)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.clear()
        self._reader.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader.watch()

    def resume_writing(self) -> None:
        self._reader.stop()
        super().resume_writing()

    def handle_text(self, event: Frame) -> None:
        super().handle_text(event)
        if not event.fin:
            self._deadline.set()

    def handle_bytes(self, event: Frame) -> None:
        super().handle_bytes(event)
        if not event.fin:
            self._deadline.set()

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        if event.fin:
            self._deadline.clear()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._abort_later()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._abort_later()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._abort_later()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            # For the closing handshake, and then for what is not read.
            self.loop.call_later(self.close_timeout + _FAREWELL_SECONDS, self.transport.abort)

    def _is_late(self) -> None:
        REFUSALS.labels("slow senders").inc()
        self._close(1008, "The message came too slowly")

    def _cut_off(self) -> None:
        REFUSALS.labels("slow readers").inc()
        self._close(1013, "Read too slowly")

    def _close(self, code: int, reason: str) -> None:
        """Ends the application's side at once, and the connection when the client has read that, or shortly after."""
        if not self.close_sent and not self.transport.is_closing():
            with contextlib.suppress(InvalidState):
                self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        # What waits to be sent ends with ClientDisconnected.
        self.disconnected = True
        self.writable.set()
        self._abort_later()

    def _abort_later(self) -> None:
        self.loop.call_later(_FAREWELL_SECONDS, self.transport.abort)
