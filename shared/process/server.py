"""The server that applications run on."""

import asyncio
import signal
from types import FrameType

import uvicorn
from fastapi import FastAPI

from shared.bodies import MAX_BODY_BYTES
from shared.process.app import drain
from shared.process.connections import DEFAULT_PATIENCE, Config, Patience


class Server(uvicorn.Server):
    """Uvicorn that drains the application before it closes connections.

    By itself it closes WebSockets first, and subscribers would see a closed connection instead of
    `SERVER_SHUTDOWN`. A second signal ends at once.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._draining: asyncio.Task[None] | None = None

    async def serve(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # stub is wider
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)  # type: ignore[arg-type]  # passed through

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining is not None or sig not in (signal.SIGTERM, signal.SIGINT):
            super().handle_exit(sig, frame)
            return
        self._draining = self._loop.create_task(self._drain_and_exit(sig, frame))

    async def _drain_and_exit(self, sig: int, frame: FrameType | None) -> None:
        await drain(self._app)
        super().handle_exit(sig, frame)


def build_server(
    app: FastAPI, host: str, port: int, trusted_proxies: str = "127.0.0.1,::1", patience: Patience = DEFAULT_PATIENCE
) -> Server:
    """A server of `app` with the fast event loop and parsers and the limits that face a network.

    Behind `trusted_proxies` the client's address is the last one in `X-Forwarded-For` that is not theirs.
    """
    config = Config(
        app,
        patience,
        host=host,
        port=port,
        loop="uvloop",
        # Of a message; a connection is read no further while one waits. Compressed ones could grow without end.
        ws_max_size=MAX_BODY_BYTES,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=75,
        backlog=4096,
        access_log=False,
        server_header=False,
        date_header=False,
        log_config=None,
        proxy_headers=True,
        forwarded_allow_ips=trusted_proxies,
    )
    return Server(config, app)
