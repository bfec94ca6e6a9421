"""Readiness of each kind of server, asked in its own protocol: an open port says too little."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

import asyncpg

# Answers None when the server is ready, otherwise the reason why it is not.
Probe = Callable[[], Awaitable[str | None]]

_TIMEOUT_SECONDS = 2.0


async def _exchange(port: int, request: bytes, size: int) -> bytes:
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            return await reader.read(size)
        finally:
            writer.close()


def http(port: int, path: str) -> Probe:
    """Ready when GET `path` answers 200."""

    async def probe() -> str | None:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        try:
            answer = await _exchange(port, request.encode(), 4096)
        except (OSError, TimeoutError) as error:
            return f"{path}: {error or 'no answer'}"
        status = answer.split(b"\r\n", 1)[0].split(b" ")
        if len(status) > 1 and status[1] == b"200":
            return None
        body = answer.partition(b"\r\n\r\n")[2].decode(errors="replace").strip()
        return f"{path}: {b' '.join(status[1:]).decode(errors='replace')} {body[:300]}".strip()

    return probe


def redis(port: int) -> Probe:
    """Ready when PING is answered, which Redis refuses while it loads its file."""

    async def probe() -> str | None:
        try:
            answer = await _exchange(port, b"PING\r\n", 100)
        except (OSError, TimeoutError) as error:
            return str(error or "no answer")
        return None if answer.startswith(b"+PONG") else answer.decode(errors="replace").strip()

    return probe


def smtp(port: int) -> Probe:
    """Ready when the server greets."""

    async def probe() -> str | None:
        try:
            answer = await _exchange(port, b"QUIT\r\n", 100)
        except (OSError, TimeoutError) as error:
            return str(error or "no answer")
        return None if answer.startswith(b"220 ") else answer.decode(errors="replace").strip()

    return probe


def kafka(port: int) -> Probe:
    """Ready when an ApiVersions request is answered: the port opens before requests are processed."""
    # length, API key 18, version 0, correlation id, client id null
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)

    async def probe() -> str | None:
        try:
            answer = await _exchange(port, request, 100)
        except (OSError, TimeoutError) as error:
            return str(error or "no answer")
        return None if len(answer) >= 10 and answer[8:10] == b"\x00\x00" else "not processing requests yet"

    return probe


def postgres(port: int, password: str) -> Probe:
    """Ready when the superuser can run a statement."""

    async def probe() -> str | None:
        try:
            connection = await asyncpg.connect(
                host="127.0.0.1", port=port, user="postgres", password=password,
                database="postgres", timeout=_TIMEOUT_SECONDS, ssl=False,
            )  # fmt: skip
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return str(error or "no answer")
        await connection.close()
        return None

    return probe


def port_is_free(port: int) -> bool:
    """Whether a server could listen on the port at this moment."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True
