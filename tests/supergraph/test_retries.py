"""Hive Router asks a subgraph once more whose connection broke, for queries alone: the plugin `retry_reads`."""

import asyncio
import json
import socket as sockets
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from supergraph import compose
from tests.supergraph.clients import Json, codes, post, socket
from tests.supergraph.conftest import HIVE_ROUTER, Router, free_port, running
from tests.supergraph.test_websocket import EVENTS, TOKEN, end_code

BID = "{ bid(id: 1) }"
ANSWER = {"data": {"bid": "Bid 1"}}
WITHOUT_ANSWER = {"bid": None}
TIMEOUT_SECONDS = 3.0
LATE_SECONDS = 2.5
PATIENT_SECONDS = 2
# As in hive-router.yaml.
PAUSE_SECONDS = 0.05
VOLUME_THRESHOLD = 5
# An answer that waits for the pause alone.
QUICK_SECONDS = 0.5

# What becomes of a request. After `close`, `late close` and `reset` the connection is gone, without an answer.
Fate = Literal["answer", "close", "late close", "reset", "hang", "503", "half an answer"]


@dataclass
class Fake:
    """A subgraph that has requests meet their fates one after the other, and answers all after those."""

    answer: Json
    fates: list[Fate] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    """The body of each request."""
    times: list[float] = field(default_factory=list)
    """When each request came."""
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql/"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", self.port):
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                lengths = [line.split()[1] for line in head.splitlines() if line.startswith("content-length:")]
                self.received.append((await reader.readexactly(int(lengths[0]) if lengths else 0)).decode())
                self.times.append(time.monotonic())
                fate = self.fates.pop(0) if self.fates else "answer"
                if fate == "hang":
                    await reader.read()
                if not await self._meet(fate, writer):
                    break
        writer.close()

    async def _meet(self, fate: Fate, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays."""
        status = "503 Service Unavailable" if fate == "503" else "200 OK"
        text = json.dumps(self.answer)
        answer = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
        match fate:
            case "answer" | "503":
                writer.write(answer.encode())
            case "half an answer":
                writer.write(answer.encode()[: -len(text) // 2])
            case "late close":
                await asyncio.sleep(LATE_SECONDS)
            case "reset":
                # What is closed without any time to linger is reset.
                connection: sockets.socket = writer.get_extra_info("socket")
                connection.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
        return fate in ("answer", "503")


@pytest.fixture
def tasks() -> Fake:
    return Fake({"data": {"count": 1}})


@pytest.fixture
def bids() -> Fake:
    return Fake(ANSWER)


@pytest.fixture(params=HIVE_ROUTER)
def unstarted(request: pytest.FixtureRequest, tasks: Fake, bids: Fake, graph: Path) -> Router:
    """A router whose circuit breakers have seen nothing yet."""
    return Router(
        request.param,
        {"tasks": tasks, "bids": bids},
        graph,
        supergraph=graph / compose.SUPERGRAPH,
        subgraph_timeout_seconds=TIMEOUT_SECONDS,
    )


@pytest.fixture
def router(unstarted: Router) -> Iterator[Router]:
    with running(unstarted):
        yield unstarted


@pytest.fixture
def patient_router(unstarted: Router) -> Iterator[Router]:
    """One that pauses for long enough that a subgraph can surely come meanwhile."""
    configuration = Path(unstarted.env["ROUTER_CONFIG_FILE_PATH"])
    configured = configuration.read_text()
    assert configured.count("after: 50ms") == 1
    configuration.write_text(configured.replace("after: 50ms", f"after: {round(PATIENT_SECONDS * 1000)}ms"))
    unstarted.env["ROUTER_SUBGRAPH_TIMEOUT"] = f"{PATIENT_SECONDS * 3}s"
    with running(unstarted):
        yield unstarted


async def timed(router: Router, query: str) -> tuple[Json, float]:
    started = time.monotonic()
    answer = await post(router.url, query)
    return answer, time.monotonic() - started


@pytest.mark.parametrize("fate", ["close", "reset"])
async def test_a_query_whose_connection_breaks_is_answered_by_the_second_attempt(
    router: Router, bids: Fake, fate: Fate
) -> None:
    bids.fates = [fate]
    async with bids.serving():
        answer = await post(router.url, BID, authorization="Bearer a")

    assert answer == ANSWER
    first, second = bids.received
    assert first == second
    assert bids.times[1] - bids.times[0] >= PAUSE_SECONDS


async def test_a_query_on_a_connection_that_served_before_is_tried_again_too(router: Router, bids: Fake) -> None:
    bids.fates = ["answer", "close"]
    async with bids.serving():
        answers = [await post(router.url, BID), await post(router.url, BID)]

    assert answers == [ANSWER, ANSWER]
    assert len(bids.received) == 3


async def test_a_query_that_was_refused_is_answered_by_a_subgraph_that_came_meanwhile(
    patient_router: Router, bids: Fake
) -> None:
    answer = asyncio.create_task(post(patient_router.url, BID))
    await asyncio.sleep(PATIENT_SECONDS / 2)
    assert not answer.done()
    async with bids.serving():
        assert await answer == ANSWER

    assert len(bids.received) == 1


async def test_what_a_query_asks_of_entities_is_asked_again(router: Router, tasks: Fake, bids: Fake) -> None:
    tasks.answer = {"data": {"task": {"__typename": "Task", "id": "7"}}}
    bids.answer = {"data": {"_entities": [{"__typename": "Task", "bidCount": 2}]}}
    bids.fates = ["close"]
    async with tasks.serving(), bids.serving():
        answer = await post(router.url, "{ task(id: 7) { id bidCount } }")

    assert answer == {"data": {"task": {"id": "7", "bidCount": 2}}}
    assert len(tasks.received) == 1
    first, second = bids.received
    assert first == second
    assert json.loads(second)["variables"] == {"representations": [{"__typename": "Task", "id": "7"}]}


async def test_a_query_over_websocket_is_tried_again(router: Router, bids: Fake) -> None:
    bids.fates = ["close"]
    async with bids.serving(), socket(router.url, TOKEN) as client:
        await client.subscribe(BID)
        messages = await client.until_end()

    assert messages[0]["payload"] == ANSWER
    assert len(bids.received) == 2


async def test_a_mutation_is_sent_once(router: Router, tasks: Fake) -> None:
    tasks.fates = ["close"]
    async with tasks.serving():
        answer = await post(router.url, "mutation { count }")

    assert (answer["data"], codes(answer)) == (None, ["SUBREQUEST_HTTP_ERROR"])
    assert len(tasks.received) == 1


async def test_a_subscription_is_sent_once(router: Router, bids: Fake) -> None:
    bids.fates = ["close"]
    async with bids.serving(), socket(router.url, TOKEN) as client:
        await client.subscribe(EVENTS)
        messages = await client.until_end()

    assert end_code(messages) == "SUBGRAPH_WEBSOCKET_CONNECT_FAILURE"
    assert len(bids.received) == 1


async def test_after_two_failures_comes_the_error(router: Router, bids: Fake) -> None:
    bids.fates = ["close", "close"]
    async with bids.serving():
        answer = await post(router.url, BID)

    assert (answer["data"], codes(answer)) == (WITHOUT_ANSWER, ["SUBREQUEST_HTTP_ERROR"])
    assert len(bids.received) == 2


async def test_a_subgraph_that_is_not_there_costs_a_pause(router: Router) -> None:
    answer, seconds = await timed(router, BID)

    assert (answer["data"], codes(answer)) == (WITHOUT_ANSWER, ["SUBREQUEST_HTTP_ERROR"])
    assert seconds > PAUSE_SECONDS


async def test_a_query_that_is_not_answered_in_time_is_not_tried_again(router: Router, bids: Fake) -> None:
    bids.fates = ["hang"]
    async with bids.serving():
        answer = await post(router.url, BID)

    assert (answer["data"], codes(answer)) == (WITHOUT_ANSWER, ["SUBGRAPH_REQUEST_TIMEOUT"])
    assert len(bids.received) == 1


async def test_both_attempts_together_have_the_subgraphs_timeout(router: Router, bids: Fake) -> None:
    bids.fates = ["late close", "hang"]
    async with bids.serving():
        answer, seconds = await timed(router, BID)

    assert (answer["data"], codes(answer)) == (WITHOUT_ANSWER, ["SUBGRAPH_REQUEST_TIMEOUT"])
    assert len(bids.received) == 2
    assert seconds > TIMEOUT_SECONDS - 0.1


@pytest.mark.timing
async def test_two_attempts_take_a_pause_or_the_timeout_and_no_more(router: Router, bids: Fake) -> None:
    assert (await timed(router, BID))[1] < QUICK_SECONDS
    async with bids.serving():
        bids.fates = ["close", "close"]
        assert (await timed(router, BID))[1] < QUICK_SECONDS
        bids.fates = ["hang"]
        assert (await timed(router, BID))[1] < TIMEOUT_SECONDS + QUICK_SECONDS
        bids.fates = ["late close", "hang"]
        assert (await timed(router, BID))[1] < TIMEOUT_SECONDS + LATE_SECONDS * 0.75


@pytest.mark.parametrize("fate", ["503", "half an answer"])
async def test_a_query_that_was_answered_somehow_is_not_tried_again(router: Router, bids: Fake, fate: Fate) -> None:
    bids.fates = [fate]
    async with bids.serving():
        await post(router.url, BID)

    assert len(bids.received) == 1


async def test_the_circuit_breaker_counts_both_attempts_as_one(router: Router, bids: Fake) -> None:
    bids.fates = ["close"] * 100
    failed = 0
    async with bids.serving():
        while (code := codes(await post(router.url, BID))) == ["SUBREQUEST_HTTP_ERROR"]:
            failed += 1

    assert code == ["SUBGRAPH_CIRCUIT_BREAKER_REJECTED"]
    # It counts what is configured and opens with the next failure; then neither attempt passes.
    assert failed == VOLUME_THRESHOLD + 1
    assert len(bids.received) == 2 * failed


async def test_a_second_attempt_that_succeeds_is_no_failure_for_the_circuit_breaker(router: Router, bids: Fake) -> None:
    requests = 3 * VOLUME_THRESHOLD
    bids.fates = ["close", "answer"] * requests
    async with bids.serving():
        answers = [await post(router.url, BID) for _ in range(requests)]

    assert answers == [ANSWER] * requests
    assert len(bids.received) == 2 * requests
