"""Following a subscription so that no event is lost or seen twice, whatever breaks on the way.

docs/subscriptions.md explains the rules; this is all that a client has to do about them.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

# What the API answers; the schema says what is in it, and mypy cannot.
Data: TypeAlias = dict[str, Any]

PROTOCOL = Subprotocol("graphql-transport-ws")

# Asking the same again would be answered the same. All other ends of a subscription pass.
FINAL_CODES = frozenset({"FORBIDDEN", "CURSOR_EXPIRED", "BAD_REQUEST", "INVALID_ID", "TOO_COMPLEX"})

_ACKNOWLEDGE_SECONDS = 10.0
# How a connection ends whose token does not hold, where a router can tell.
_FORBIDDEN = 4403
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 5.0


class SignedOut(Exception):
    """The session is over: the user has to sign in anew."""


class TokenSource(Protocol):
    """Gives an access token that is not `refused`, the one that was answered with UNAUTHENTICATED.

    Raises SignedOut, or OSError when it is worth asking again.
    """

    async def __call__(self, refused: str = "") -> str: ...


class Refused(Exception):
    """The API refused; `codes` say why."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        # Errors have their code in the extensions, userErrors have it beside the message.
        self.codes = [str((error.get("extensions") or error).get("code")) for error in errors]
        self.errors = errors
        texts = (f"{code} {error.get('message')}" for code, error in zip(self.codes, errors, strict=True))
        super().__init__("; ".join(texts))


class _Ended(Exception):
    """The subscription is over, for a reason that passes."""


async def follow(
    url: str, token_source: TokenSource, document: str, variables: Mapping[str, object], after: int | None = None
) -> AsyncGenerator[Data, None]:
    """The events behind `after`, each once and in order, without end.

    `url`: of the WebSocket. `document`: a subscription with the variable `$after: Int` that selects `seq` and
    `previousSeq`. `after`: the last `seq` seen; 0 for all from the beginning; None for what happens from now
    on, where what happens while the connection is cut before the first event is not made up for.

    Raises Refused for one of FINAL_CODES, and SignedOut.
    """
    last, failures, token, refused = after, 0, "", ""
    while True:
        try:
            token = await token_source(refused)
            refused = ""
            async with aclosing(_subscribe(url, token, document, {**variables, "after": last})) as events:
                async for event in events:
                    if last is not None and event["previousSeq"] != last:
                        raise _Ended("an event was dropped on the way")
                    last, failures = event["seq"], 0
                    yield event
        except Refused as refusal:
            if FINAL_CODES.intersection(refusal.codes):
                raise
            if "UNAUTHENTICATED" in refusal.codes:
                refused = token
            # Other codes tell of a part of the system that goes away or is down: come back.
        except (_Ended, OSError, TimeoutError, WebSocketException) as end:
            # Cut off, out of reach, completed although such a stream has no end: come back.
            if isinstance(end, ConnectionClosed) and end.rcvd is not None and end.rcvd.code == _FORBIDDEN:
                refused = token
        # At random, so that all clients of a server that went away do not come back in the same moment.
        await asyncio.sleep(random.uniform(0.5, 1) * min(_FIRST_DELAY_SECONDS * 2**failures, _LONGEST_DELAY_SECONDS))
        failures = min(failures + 1, 10)


async def _subscribe(url: str, token: str, document: str, variables: Data) -> AsyncGenerator[Data, None]:
    """The events of one subscription over one connection of its own. Raises Refused or _Ended at its end."""
    # Pings every 20 s find a connection that is dead without having been closed.
    async with connect(url, subprotocols=[PROTOCOL], proxy=None) as socket:
        await _send(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
        async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
            if (await _receive(socket))["type"] != "connection_ack":
                raise _Ended
        await _send(socket, type="subscribe", id="1", payload={"query": document, "variables": variables})
        while True:
            match await _receive(socket):
                case {"type": "next", "payload": {"data": dict(fields)}} if all(fields.values()):
                    # With errors besides, some nullable field is null because a part of the system is down.
                    yield next(iter(fields.values()))
                case {"type": "next", "payload": {"errors": errors}} | {"type": "error", "payload": errors}:
                    raise Refused(errors)
                case {"type": "complete"}:
                    raise _Ended


async def _receive(socket: ClientConnection) -> Data:
    """The next message of graphql-transport-ws that is not a ping, which it answers."""
    while True:
        message: Data = json.loads(await socket.recv())
        if message["type"] != "ping":
            return message
        await _send(socket, type="pong")


async def _send(socket: ClientConnection, **message: object) -> None:
    await socket.send(json.dumps(message))
