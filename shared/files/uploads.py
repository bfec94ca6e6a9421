"""Uploads that go on where they were broken off: the tus protocol 1.0 (https://tus.io/protocols/resumable-upload).

The core with the extensions termination, expiration and checksum. An upload is begun by a mutation of the graph,
which checks who may do it and answers the signed address; to that address a client sends the bytes in chunks:

    HEAD   how many bytes have come
    PATCH  a chunk, at the offset where the last one ended
    DELETE gives the upload up

A chunk goes from the network into the storage as an object of its own; what came of one that broke off counts.
What the kept servers for Python lack (tuspyserver, tussi, asgi-tus) is what matters here: they keep files and their
state in a folder of one machine, while ours are shared by replicas, belong to people, and go when these go.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hmac import compare_digest
from typing import Protocol

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.errors import DomainError, RateLimited, RequestError
from shared.files.links import LinkExpired, LinkRefused, Links
from shared.files.storage import ObjectStorage
from shared.identity.addresses import one_address
from shared.limits.ratelimit import RateLimiter

log = structlog.get_logger(__name__)

VERSION = "1.0.0"
MOST_CHUNK_BYTES = 5 * 1024 * 1024
"""The edge lets no larger one pass."""
RECEIVING_SECONDS = 110
"""How long one chunk may take; what has come by then counts. A little less than connections wait for one."""
_EXTENSIONS = "termination,expiration,checksum"
_ALGORITHMS = ("sha1", "sha256")
_CHUNK_TYPE = "application/offset+octet-stream"
_CHECKSUM_MISMATCH = 460


@dataclass(frozen=True, slots=True)
class Upload:
    """How far an upload has come."""

    id: str
    size: int
    received: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write the next bytes of an upload, which one request has at a time, and where to put them."""

    upload: Upload
    token: str
    key: str


class NoUpload(Exception):
    """There is no such upload: it never was, is whole, expired, was given up, or is its owner's no more."""


class WrongOffset(Exception):
    """The upload has come as far as `received`."""

    def __init__(self, received: int) -> None:
        super().__init__()
        self.received = received


class Busy(Exception):
    """Another request is writing."""


class TooManyChunks(Exception):
    """The upload came in crumbs."""


class Uploads(Protocol):
    """Where a subgraph keeps how far its uploads have come."""

    async def find(self, upload_id: str) -> Upload:
        """Raises NoUpload."""
        ...

    async def take_turn(self, upload_id: str, offset: int) -> Turn:
        """Raises NoUpload, WrongOffset, Busy, TooManyChunks."""
        ...

    async def end_turn(self, turn: Turn, received: int) -> Upload:
        """Counts what has come, which may be nothing. Raises NoUpload if the turn was over before."""
        ...

    async def complete(self, upload_id: str) -> None:
        """Called once all has come. Raises DomainError for a file that is refused; nothing of it is left then."""
        ...

    async def give_up(self, upload_id: str) -> None:
        """Raises NoUpload."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes of uploads need of a process."""

    uploads: Uploads
    storage: ObjectStorage
    links: Links
    limiter: RateLimiter
    requests_per_address: str
    address: str


def upload_route(path: str, door: Callable[[Request], Door]) -> Route:
    """The route of a subgraph's uploads at `path`, which ends with `{id}`."""

    async def serve(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_about())
        return await answered(lambda: _serve(request, door(request)))

    return Route(path, serve, methods=["HEAD", "PATCH", "DELETE", "POST", "OPTIONS"])


async def answered(handle: Callable[[], Awaitable[Response]]) -> Response:
    """What `handle` answers, or the error that it raises, in the form of a GraphQL error."""
    try:
        return await handle()
    except _Refusal as refusal:
        return refusal.response
    except LinkRefused:
        return _error(403, "FORBIDDEN", "This link is not valid.")
    except LinkExpired:
        return _error(410, "FORBIDDEN", "This link has expired.")
    except NoUpload:
        return _error(404, "NOT_FOUND", "There is no such upload any more.")
    except DomainError as error:
        return _error(422, error.code, error.message)
    except RateLimited as error:
        return _error(429, error.code, error.message, {"retry-after": str(error.whole_seconds)})
    except RequestError as error:
        return _error(503 if error.code == "SERVICE_UNAVAILABLE" else 400, error.code, error.message)


class _Refusal(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    return JSONResponse(body, status, {"tus-resumable": VERSION, "cache-control": "no-store", **(headers or {})})


def _about() -> dict[str, str]:
    return {
        "tus-resumable": VERSION,
        "tus-version": VERSION,
        "tus-extension": _EXTENSIONS,
        "tus-checksum-algorithm": ",".join(_ALGORITHMS),
    }


def _told(upload: Upload) -> dict[str, str]:
    return {
        "tus-resumable": VERSION,
        "upload-offset": str(upload.received),
        "upload-length": str(upload.size),
        "upload-expires": format_datetime(upload.expires_at, usegmt=True),
        "cache-control": "no-store",
    }


async def _serve(request: Request, door: Door) -> Response:
    await door.limiter.hit("uploads", one_address(door.address), door.requests_per_address)
    if request.headers.get("tus-resumable") != VERSION:
        raise _Refusal(_error(412, "BAD_REQUEST", f"This is tus {VERSION}.", {"tus-version": VERSION}))
    upload_id = str(request.path_params["id"])
    door.links.check(request.query_params.get("token", ""), "upload", upload_id)
    # For clients that cannot send the others.
    method = request.headers.get("x-http-method-override", "").upper() if request.method == "POST" else request.method
    match method:
        case "HEAD":
            return Response(status_code=200, headers=_told(await door.uploads.find(upload_id)))
        case "DELETE":
            await door.uploads.give_up(upload_id)
            return Response(status_code=204, headers={"tus-resumable": VERSION})
        case "PATCH":
            return await _patch(request, door, upload_id)
    raise _Refusal(_error(405, "BAD_REQUEST", "Uploads take HEAD, PATCH and DELETE.", {"allow": "HEAD, PATCH, DELETE"}))


async def _patch(request: Request, door: Door, upload_id: str) -> Response:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _CHUNK_TYPE:
        raise _Refusal(_error(415, "BAD_REQUEST", f"A chunk is {_CHUNK_TYPE}."))
    offset = _number(request, "upload-offset")
    if offset is None:
        raise _Refusal(_error(400, "BAD_REQUEST", "A chunk needs its Upload-Offset."))
    checksum = _checksum(request)
    length = _number(request, "content-length")
    if length is not None and length > MOST_CHUNK_BYTES:
        raise _Refusal(_too_large(f"A chunk has at most {MOST_CHUNK_BYTES} bytes."))
    try:
        turn = await door.uploads.take_turn(upload_id, offset)
    except WrongOffset as wrong:
        headers = {"upload-offset": str(wrong.received)}
        raise _Refusal(_error(409, "BAD_REQUEST", f"The next byte is number {wrong.received}.", headers)) from None
    except Busy:
        raise _Refusal(_error(423, "BAD_REQUEST", "Another request is writing to this upload.")) from None
    except TooManyChunks:
        raise _Refusal(_error(400, "BAD_REQUEST", "Too many chunks: begin anew with larger ones.")) from None
    upload = await _receive(request, door, turn, length, checksum)
    if upload.received == upload.size:
        await door.uploads.complete(upload_id)
    return Response(status_code=204, headers=_told(upload))


@dataclass(frozen=True, slots=True)
class _Checksum:
    algorithm: str
    digest: bytes


class _Chunk:
    """The body of a request as it comes, until it ends, breaks off, takes too long or is too large."""

    def __init__(self, request: Request, room: int, algorithm: str | None) -> None:
        self._request = request
        self._room = room
        self._digest = hashlib.new(algorithm, usedforsecurity=False) if algorithm else None
        self.received = 0
        self.too_large = False
        self.broken_off = False

    @property
    def digest(self) -> bytes:
        return self._digest.digest() if self._digest else b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = self._request.stream()
        deadline = asyncio.get_running_loop().time() + RECEIVING_SECONDS
        try:
            while True:
                # Around each piece: whoever reads them may go on in another task after each.
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces, b"")
                if not piece:
                    return
                if self.received + len(piece) > self._room:
                    self.too_large = True
                    return
                self.received += len(piece)
                if self._digest:
                    self._digest.update(piece)
                yield piece
        except (ClientDisconnect, TimeoutError):
            self.broken_off = True


async def _receive(request: Request, door: Door, turn: Turn, length: int | None, checksum: _Checksum | None) -> Upload:
    """Puts the chunk into the storage and counts it. Whatever happens, the turn ends."""
    upload = turn.upload
    room = min(upload.size - upload.received, MOST_CHUNK_BYTES)
    chunk = _Chunk(request, room, checksum.algorithm if checksum else None)
    counted = 0
    try:
        if length is not None and length > room:
            raise _Refusal(_too_large(f"The upload takes {room} bytes more at a time, and the chunk has {length}."))
        await door.storage.put(turn.key, chunk)
        if chunk.too_large:
            raise _Refusal(_too_large(f"The upload takes {room} bytes more at a time, and the chunk has more."))
        # A chunk that is checked counts as a whole or not at all.
        if checksum is not None and (chunk.broken_off or not compare_digest(chunk.digest, checksum.digest)):
            raise _Refusal(_error(_CHECKSUM_MISMATCH, "BAD_REQUEST", "The chunk arrived other than it was sent."))
        counted = chunk.received
    finally:
        # Also when the client has gone or the server stops: otherwise the next one waits for the turn's time to pass.
        upload = await asyncio.shield(_end(door, turn, counted))
    return upload


async def _end(door: Door, turn: Turn, counted: int) -> Upload:
    if not counted:
        await door.storage.delete(turn.key)
    try:
        return await door.uploads.end_turn(turn, counted)
    except NoUpload:
        await door.storage.delete(turn.key)
        raise


def _too_large(message: str) -> Response:
    return _error(413, "FILE_TOO_LARGE", message)


def _number(request: Request, header: str) -> int | None:
    value = request.headers.get(header)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise _Refusal(_error(400, "BAD_REQUEST", f"{header} has to be a number."))
    return int(value)


def _checksum(request: Request) -> _Checksum | None:
    value = request.headers.get("upload-checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.partition(" ")
    if algorithm not in _ALGORITHMS:
        raise _Refusal(_error(400, "BAD_REQUEST", f"A checksum is one of {', '.join(_ALGORITHMS)}."))
    try:
        return _Checksum(algorithm, base64.b64decode(encoded, validate=True))
    except ValueError:
        raise _Refusal(_error(400, "BAD_REQUEST", "A checksum is in Base64.")) from None
