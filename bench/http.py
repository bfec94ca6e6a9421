"""HTTP requests over connections that stay open, by a client that costs little."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Connection:
    """One connection to a server on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, request: bytes) -> bytes:
        """The body of the answer. Raises ValueError unless its status is 200."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            body = await self._chunks()
        else:
            _, _, rest = head.partition(b"content-length:")
            body = await self._reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
        if not head.startswith(b"http/1.1 200"):
            raise ValueError(f"{head.decode()}{body.decode()[:500]}")
        return body

    def close(self) -> None:
        self._writer.close()

    async def _chunks(self) -> bytes:
        chunks = []
        while size := int(await self._reader.readline(), 16):
            chunks.append(await self._reader.readexactly(size))
            await self._reader.readline()
        await self._reader.readline()
        return b"".join(chunks)


def graphql_request(query: str, variables: Mapping[str, object], token: str = "") -> bytes:
    """The bytes of a POST to /graphql; without a token an anonymous one."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    head = (
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"accept: application/json\r\n{authorization}content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_once(port: int, request: bytes) -> dict[str, Any]:
    """The `data` of the answer. Raises ValueError for an answer with errors."""
    connection = await Connection.open(port)
    try:
        answer = json.loads(await connection.send(request))
    finally:
        connection.close()
    if answer.get("errors"):
        raise ValueError(str(answer["errors"])[:500])
    data: dict[str, Any] = answer["data"]
    return data


async def send_many(port: int, requests: Sequence[bytes], count: int, connections: int) -> None:
    """Sends `count` requests, these in turn, over so many connections at once. Raises ValueError for errors."""
    turns: Iterator[bytes] = itertools.islice(itertools.cycle(requests), count)

    async def work() -> None:
        connection = await Connection.open(port)
        try:
            for request in turns:
                body = await connection.send(request)
                if b'"errors"' in body:
                    raise ValueError(body.decode()[:500])
        finally:
            connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
