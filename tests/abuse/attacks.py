"""Ways to send something: as an operation, as a body, as bytes, as messages of a WebSocket."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.abuse import answers
from tests.abuse.arena import Attack, Target

JSON = "application/json"
PROTOCOL = "graphql-transport-ws"
# What a GET or another simple request needs behind the routers to be no cross-site request.
PREFLIGHTED = {"x-requested-with": "abuse"}
WAIT = object()


def operation(
    document: str,
    variables: Mapping[str, object] | None = None,
    *,
    who: str = "",
    shows: bool = False,
    fresh: bool = True,
    **more: object,
) -> Attack:
    """An operation by POST; `who` signs it, `<names>` are the scene's.

    `fresh`: each attempt is another document, so that none is answered from a cache of documents.
    """

    async def attack(target: Target) -> str:
        query = target.scene.fill(document) + (f"\n#{target.attempt}" if fresh else "")
        body: dict[str, object] = {"query": query, **more}
        if variables is not None:
            body["variables"] = json.loads(target.scene.fill(json.dumps(variables)))
        headers = {"authorization": f"Bearer {target.scene[f'{who} token']}"} if who else {}
        async with target.client() as client:
            return answers.of_response(await client.post(target.url, json=body, headers=headers), shows=shows)

    return attack


def body(
    content: bytes | str | Sequence[bytes], *, method: str = "POST", content_type: str | None = JSON, **headers: str
) -> Attack:
    """A request body as it is; a sequence is sent in chunks, without a length."""

    async def attack(target: Target) -> str:
        sent = {name.replace("_", "-"): target.scene.fill(value) for name, value in headers.items()}
        if content_type is not None:
            sent["content-type"] = content_type
        payload = content.encode() if isinstance(content, str) else content
        async with target.client() as client:
            response = await client.request(
                method, target.url, content=payload if isinstance(payload, bytes) else _chunks(payload), headers=sent
            )
            return answers.of_response(response)

    return attack


async def _chunks(parts: Sequence[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def get(params: Mapping[str, str], **headers: str) -> Attack:
    """A request by GET."""

    async def attack(target: Target) -> str:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        filled = {name: target.scene.fill(value) for name, value in params.items()}
        async with target.client() as client:
            return answers.of_response(await client.get(target.url, params=filled, headers=sent))

    return attack


def raw(content: bytes, *, responses: int = 1, ends: bool = False) -> Attack:
    """Bytes on a connection of their own; the answer is the status of each response, of `responses` at most.

    `HOST` stands for the target's address. `ends`: the sender closes its side behind them. `cut off`: the
    connection was closed without a response.
    """

    async def attack(target: Target) -> str:
        host, port = target.address
        reader, writer = await asyncio.open_connection(host, port)
        received = b""
        try:
            with contextlib.suppress(ConnectionError):
                writer.write(content.replace(b"HOST", f"{host}:{port}".encode()))
                await writer.drain()
                if ends:
                    writer.write_eof()
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(5):
                    while data := await reader.read(65_536):
                        received += data
                        if received.count(b"HTTP/1.1 ") >= responses and _is_whole(received):
                            break
        finally:
            writer.close()
        target.said.append(received.decode(errors="replace"))
        statuses = [line.split()[1].decode() for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.")]
        return " ".join(statuses) or "cut off"

    return attack


def _is_whole(received: bytes) -> bool:
    """Whether the last response is there as a whole, so that nobody has to wait for the end of a keep-alive."""
    head, found, rest = received.rpartition(b"HTTP/1.")[2].partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(rest) >= int(line.split(b":")[1])
        if line.startswith(b"transfer-encoding:"):
            return rest.endswith(b"0\r\n\r\n")
    return False


def handshake(protocol: str | None = PROTOCOL, *, origin: str | None = None, **headers: str) -> Attack:
    """A WebSocket opened and begun; the answer is the acknowledgement, or how it was refused."""

    async def attack(target: Target) -> str:
        try:
            async with _connected(target, protocol, origin, headers) as socket:
                await socket.send('{"type":"connection_init"}')
                return await _reaction(socket, target)
        except InvalidStatus as refused:
            target.said.append((refused.response.body or b"").decode(errors="replace"))
            return f"refused {refused.response.status_code}"
        except ConnectionClosed as closed:
            return _closed(closed)

    return attack


def talk(
    *messages: object, init: Mapping[str, object] | None = MappingProxyType({}), who: str = "", until: str = ""
) -> Attack:
    """Messages on a WebSocket; the answer is what comes back for the last one, or how it was closed.

    Texts and bytes are sent as they are, all else as JSON; WAIT awaits a message. `init`: the payload of
    `connection_init`, which is acknowledged first; None for none. `until`: what the answer begins with that counts.
    """

    async def attack(target: Target) -> str:
        async with _connected(target) as socket:
            try:
                if init is not None:
                    payload = {"authorization": f"Bearer {target.scene[f'{who} token']}"} if who else init or {}
                    await socket.send(json.dumps({"type": "connection_init", "payload": dict(payload)}))
                    acknowledged = await _reaction(socket, target)
                    assert acknowledged == "connection_ack", acknowledged
                for message in messages:
                    if message is WAIT:
                        await _reaction(socket, target)
                    else:
                        as_it_is = isinstance(message, str | bytes)
                        await socket.send(message if as_it_is else target.scene.fill(json.dumps(message)))
                while True:
                    reaction = await _reaction(socket, target)
                    if reaction.startswith((until, "closed", "silence")):
                        return reaction
            except ConnectionClosed as closed:
                return _closed(closed)

    return attack


def closes(attack: Attack) -> Attack:
    """The attack, if its answer is a close of any code: whoever still sends may be cut off before it reads one."""

    async def closing(target: Target) -> str:
        answer = await attack(target)
        return "closed" if answer.startswith("closed") else answer

    return closing


def subscribe(query: str, variables: Mapping[str, object] | None = None, id: str = "1") -> dict[str, object]:
    """A `subscribe` message."""
    return {"id": id, "type": "subscribe", "payload": {"query": query, "variables": dict(variables or {})}}


@contextlib.asynccontextmanager
async def _connected(
    target: Target, protocol: str | None = PROTOCOL, origin: str | None = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    async with connect(
        target.websocket_url,
        subprotocols=[Subprotocol(protocol)] if protocol is not None else None,
        origin=Origin(origin.replace("HOST", "{}:{}".format(*target.address))) if origin is not None else None,
        additional_headers=headers or {},
        open_timeout=10,
        close_timeout=0.2,
        compression=None,
    ) as socket:
        yield socket


async def _reaction(socket: ClientConnection, target: Target) -> str:
    """The next message of the protocol in short."""
    try:
        async with asyncio.timeout(5):
            text = await socket.recv()
    except TimeoutError:
        return "silence"
    except ConnectionClosed as closed:
        return _closed(closed)
    target.said.append(str(text))
    message = json.loads(text)
    match message["type"]:
        case "next":
            return f"next {answers.of_result(message['payload'])}"
        case "error":
            return f"error {answers.of_result({'errors': message['payload']})}"
    return str(message["type"])


def _closed(closed: ConnectionClosed) -> str:
    return f"closed {closed.rcvd.code if closed.rcvd else 1006}"
