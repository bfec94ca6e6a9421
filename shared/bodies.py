"""Bodies of requests, no larger than anything here takes."""

from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

MAX_BODY_BYTES = 1_000_000


async def read_body(receive: Receive, headers: Mapping[bytes, bytes]) -> bytes | None:
    """The whole body, or None if it is larger than allowed. Raises ClientDisconnect."""
    if headers.get(b"content-length", b"0").isdigit() and int(headers.get(b"content-length", b"0")) > MAX_BODY_BYTES:
        return None
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
