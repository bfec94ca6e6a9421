"""Handing files out: to whoever has a link, as something to keep and never as a page of ours.

Some lie in the storage, others are made when they are asked for.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from shared.files.links import Links, made_subject
from shared.files.storage import MissingObject, ObjectStorage
from shared.files.uploads import NoUpload, answered

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_NOT_ASCII = re.compile(r"[^ !#-\[\]-~]")
_NO_PAGE = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is there."""

    key: str
    filename: str
    content_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Source:
    """What the route of files needs of a process. `find` answers None for a file that is not there."""

    storage: ObjectStorage
    links: Links
    find: Callable[[str], Awaitable[Download | None]]


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made as it was asked for, or is made while it is read."""

    filename: str
    content_type: str
    content: bytes | AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Maker:
    """What a route of made files needs of a process. `make` is given an id and what was said, signed, in the address
    that `Addresses.made_url` gave; it answers None for what is not there."""

    links: Links
    make: Callable[[str, Mapping[str, str]], Awaitable[Made | None]]


def download_route(path: str, source: Callable[[Request], Source]) -> Route:
    """The route of a subgraph's files at `path`, with `{id}` in it; the file's name behind it is for people alone."""

    async def serve(request: Request) -> Response:
        return await answered(lambda: _serve(request, source(request)))

    return Route(path, serve, methods=["GET"])


def made_route(subgraph: str, kind: str, said: Collection[str], maker: Callable[[Request], Maker]) -> Route:
    """The route of a subgraph's made files of one kind; `said` are the names of what their addresses may say."""

    async def serve(request: Request) -> Response:
        return await answered(lambda: _serve_made(request, kind, said, maker(request)))

    return Route(f"/files/{subgraph}/{kind}/{{id}}/{{filename}}", serve, methods=["GET"])


async def _serve_made(request: Request, kind: str, said: Collection[str], maker: Maker) -> Response:
    file_id, query = str(request.path_params["id"]), request.query_params
    told = {name: query[name] for name in said if name in query}
    maker.links.check(query.get("token", ""), kind, made_subject(file_id, told))
    file = await maker.make(file_id, told)
    if file is None:
        raise NoUpload
    headers = {
        "cache-control": "private, no-cache",
        "content-type": file.content_type,
        "content-disposition": disposition(file.filename),
        **_NO_PAGE,
    }
    if request.method == "HEAD":
        return Response(headers=headers)
    if isinstance(file.content, bytes):
        return Response(file.content, headers=headers)
    return StreamingResponse(file.content, headers=headers)


async def _serve(request: Request, source: Source) -> Response:
    file_id = str(request.path_params["id"])
    source.links.check(request.query_params.get("token", ""), "download", file_id)
    file = await source.find(file_id)
    if file is None:
        raise NoUpload
    headers = {
        # A file never changes; an id is used once.
        "etag": f'"{file_id}"',
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=600",
        "content-type": file.content_type,
        "content-disposition": disposition(file.filename),
        **_NO_PAGE,
    }
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    start, end, status = 0, file.size, 200
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", headers["etag"]) == headers["etag"]:
        asked = _range(wanted, file.size)
        if asked == (0, 0):
            return Response(status_code=416, headers={**headers, "content-range": f"bytes */{file.size}"})
        if asked is not None:
            start, end = asked
            status = 206
            headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["content-length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    try:
        pieces = await source.storage.read(file.key, start, end)
    except MissingObject:
        raise NoUpload from None
    return StreamingResponse(pieces, status, headers)


def disposition(filename: str) -> str:
    """To be kept under this name (RFC 6266), whatever stands in it."""
    plain = _NOT_ASCII.sub("_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The one range that is asked for, from and up to (RFC 9110, 14.2); None to answer the whole, (0, 0) if it lies
    behind the end."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:
        length = min(int(last), size)
        return (size - length, size) if length else (0, 0)
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return (start, end) if start < size else (0, 0)
