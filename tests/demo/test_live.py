"""The client that loses nothing, against a server that does what routers and networks do at their worst."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from deploy.demo import live
from deploy.demo.live import Data, Refused, SignedOut, follow

DOCUMENT = "subscription ($after: Int) { events(after: $after) { seq previousSeq } }"


def event(seq: int, previous: int | None) -> Data:
    return {"type": "next", "id": "1", "payload": {"data": {"events": {"seq": seq, "previousSeq": previous}}}}


def failed(code: str) -> Data:
    errors = [{"message": "No.", "extensions": {"code": code}}]
    return {"type": "next", "id": "1", "payload": {"data": None, "errors": errors}}


def refused(code: str) -> Data:
    return {"type": "error", "id": "1", "payload": [{"message": "No.", "extensions": {"code": code}}]}


COMPLETE: Data = {"type": "complete", "id": "1"}
PING: Data = {"type": "ping"}
CLOSE: Data = {"close": 1001}
ABORT: Data = {"close": None}


@dataclass
class Server:
    """Plays one script per connection, and notes what it was asked for."""

    scripts: list[Sequence[Data]]
    url: str = ""
    asked: list[tuple[str, int | None]] = field(default_factory=list)
    pongs: int = 0

    async def serve(self, socket: ServerConnection) -> None:
        init = json.loads(await socket.recv())
        await socket.send('{"type": "connection_ack"}')
        subscribe = json.loads(await socket.recv())
        self.asked.append((init["payload"]["authorization"], subscribe["payload"]["variables"]["after"]))
        for message in self.scripts.pop(0):
            if "close" not in message:
                await socket.send(json.dumps(message))
            elif message["close"] is None:
                socket.transport.abort()
            else:
                await socket.close(cast("int", message["close"]))
        async for text in socket:
            self.pongs += json.loads(text)["type"] == "pong"


@asynccontextmanager
async def server(*scripts: Sequence[Data]) -> AsyncIterator[Server]:
    playing = Server(list(scripts))
    protocols = [Subprotocol("graphql-transport-ws")]
    async with serve(playing.serve, "127.0.0.1", 0, subprotocols=protocols) as listening:
        (bound,) = (each.getsockname() for each in listening.sockets)
        playing.url = f"ws://127.0.0.1:{bound[1]}"
        yield playing


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_FIRST_DELAY_SECONDS", 0.001)


async def one_token(refused: str = "") -> str:
    return "one"


async def seen(playing: Server, count: int, after: int | None = 0) -> list[int]:
    async with asyncio.timeout(30), aclosing(follow(playing.url, one_token, DOCUMENT, {}, after)) as events:
        return [(await anext(events))["seq"] for _ in range(count)]


@pytest.mark.parametrize(
    "end",
    [
        COMPLETE,
        CLOSE,
        ABORT,
        failed("SERVER_SHUTDOWN"),
        failed("SUBGRAPH_WEBSOCKET_CLIENT_FAILURE"),
        refused("SUBSCRIPTION_SCHEMA_RELOAD"),
        refused("SOME_NEW_CODE"),
    ],
    ids=json.dumps,
)
async def test_it_comes_back_behind_the_last_event_after_any_end(end: Data) -> None:
    async with server([event(1, 0), event(4, 1), end], [end], [event(6, 4)]) as playing:
        assert await seen(playing, 3) == [1, 4, 6]

    assert [after for _, after in playing.asked] == [0, 4, 4]


async def test_an_event_behind_a_dropped_one_is_not_used_but_asked_for_again() -> None:
    async with server([event(1, 0), event(3, 2)], [event(2, 1), event(3, 2)]) as playing:
        assert await seen(playing, 3) == [1, 2, 3]

    assert [after for _, after in playing.asked] == [0, 1]


async def test_an_event_that_comes_again_is_not_given_twice() -> None:
    async with server([event(1, 0), event(1, 0)], [event(2, 1)]) as playing:
        assert await seen(playing, 2) == [1, 2]


async def test_without_after_it_begins_with_whatever_comes_first() -> None:
    async with server([event(7, None), COMPLETE], [event(9, 7)]) as playing:
        assert await seen(playing, 2, after=None) == [7, 9]

    assert [after for _, after in playing.asked] == [None, 7]


async def test_an_event_with_errors_beside_it_is_an_event() -> None:
    partial = event(1, 0)
    partial["payload"]["errors"] = failed("SERVICE_UNAVAILABLE")["payload"]["errors"]
    async with server([partial, event(2, 1)]) as playing:
        assert await seen(playing, 2) == [1, 2]


async def test_pings_are_answered() -> None:
    async with server([PING, event(1, 0)]) as playing:
        assert await seen(playing, 1) == [1]

    assert playing.pongs == 1


@pytest.mark.parametrize("code", sorted(live.FINAL_CODES))
@pytest.mark.parametrize("answer", [failed, refused])
async def test_it_gives_up_where_asking_again_is_of_no_use(answer: Callable[[str], Data], code: str) -> None:
    async with server([event(1, 0), answer(code)]) as playing:
        with pytest.raises(Refused) as refusal:
            await seen(playing, 2)

    assert refusal.value.codes == [code]


async def test_a_refused_token_is_renewed() -> None:
    asked: list[str] = []

    async def token_source(refused: str = "") -> str:
        asked.append(refused)
        return "two" if refused else "one"

    async with (
        server([event(1, 0), failed("UNAUTHENTICATED")], [event(2, 1)]) as playing,
        aclosing(follow(playing.url, token_source, DOCUMENT, {}, 0)) as events,
    ):
        assert [(await anext(events))["seq"] for _ in range(2)] == [1, 2]

    assert asked == ["", "one"]
    assert playing.asked == [("Bearer one", 0), ("Bearer two", 1)]


async def test_it_waits_for_a_token_that_cannot_be_had_yet_and_ends_with_the_session() -> None:
    answers: Iterator[str | Exception] = iter([OSError(), "one", OSError(), SignedOut("over")])

    async def token_source(refused: str = "") -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with (
        server([event(1, 0), COMPLETE]) as playing,
        aclosing(follow(playing.url, token_source, DOCUMENT, {}, 0)) as events,
    ):
        assert (await anext(events))["seq"] == 1
        with pytest.raises(SignedOut):
            await anext(events)


async def test_a_server_that_is_not_there_is_waited_for() -> None:
    async with server() as gone:
        pass
    waiting = asyncio.create_task(seen(gone, 1))
    await asyncio.sleep(0.05)
    gone.scripts.append([event(1, 0)])
    port = int(gone.url.rpartition(":")[2])
    async with serve(gone.serve, "127.0.0.1", port, subprotocols=[Subprotocol("graphql-transport-ws")]):
        assert await waiting == [1]
