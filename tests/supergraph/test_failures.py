"""What clients see when a subgraph dies, hangs or comes back, when the graph changes, when the router ends."""

import asyncio
import contextlib
import signal
import socket as sockets
import time
import uuid
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from supergraph import compose
from supergraph.router import command
from tests.supergraph.clients import Json, Socket, codes, post, socket
from tests.supergraph.conftest import HIVE_ROUTER, TIMEOUT_SECONDS, Router, Subgraph, System, running
from tests.supergraph.test_websocket import EVENTS, TOKEN, end_code, seq
from tests.support.loopback import NO_TLS

BOTH = "{ task(id: 7) { id title bidCount } }"
WITHOUT_BIDS = {"task": {"id": "7", "title": "Task 7", "bidCount": None}}
UNAVAILABLE = {
    "embedded": {"SERVICE_UNAVAILABLE"},
    "hive-router": {"SUBREQUEST_HTTP_ERROR", "SUBGRAPH_REQUEST_TIMEOUT", "SUBGRAPH_CIRCUIT_BREAKER_REJECTED"},
}

CUT_OFF: dict[str, tuple[type[Exception], ...]] = {"embedded": (), "hive-router": (httpx.RemoteProtocolError,)}


async def asked(query: str, system: System) -> Json:
    """The answer; with a request id of its own, as the edge gives it to each request."""
    return await post(system.router.url, query, x_request_id=uuid.uuid4().hex)


async def seconds_for(query: str, system: System) -> float:
    """How long the answer takes."""
    started = time.monotonic()
    await asked(query, system)
    return time.monotonic() - started


def assert_hides_where(system: System, text: object) -> None:
    assert str(system.subgraphs["bids"].port) not in str(text)


async def ending(client: Socket, seconds: float = 30) -> str:
    """The code that a subscription ends with, or CLOSED for a connection that closes."""
    messages: list[Json] = []
    try:
        while not messages or messages[-1]["type"] not in ("complete", "error"):
            messages.append(await client.receive(seconds))
    except ConnectionClosed:
        return "CLOSED"
    return end_code(messages)


async def test_a_dead_subgraph_costs_nulls(system: System) -> None:
    assert "errors" not in await post(system.router.url, BOTH)
    bids = system.subgraphs["bids"]

    bids.kill()
    for _ in range(10):
        answer = await asked(BOTH, system)
        assert answer["data"] == WITHOUT_BIDS
        assert set(codes(answer)) <= UNAVAILABLE[system.router.kind]
        assert len(codes(answer)) == 1
        assert_hides_where(system, answer)

    system.heal()


async def test_a_hanging_subgraph_costs_nulls(system: System) -> None:
    assert "errors" not in await post(system.router.url, BOTH)
    bids = system.subgraphs["bids"]

    bids.signal(signal.SIGSTOP)
    for answer in await asyncio.gather(*(asked(BOTH, system) for _ in range(8))):
        assert answer["data"] == WITHOUT_BIDS
        assert set(codes(answer)) <= UNAVAILABLE[system.router.kind]
    if system.router.kind == "hive-router":
        assert codes(await asked(BOTH, system)) == ["SUBGRAPH_CIRCUIT_BREAKER_REJECTED"]


@pytest.mark.timing
async def test_a_dead_subgraph_costs_little_time_and_a_hanging_one_its_timeout_and_soon_nothing(system: System) -> None:
    bids = system.subgraphs["bids"]
    bids.kill()
    assert await seconds_for(BOTH, system) < TIMEOUT_SECONDS + 1
    system.heal()

    bids.signal(signal.SIGSTOP)
    for seconds in await asyncio.gather(*(seconds_for(BOTH, system) for _ in range(8))):
        assert seconds < TIMEOUT_SECONDS + 1
    if system.router.kind == "hive-router":
        assert await seconds_for(BOTH, system) < 0.5


async def test_a_subgraph_that_is_killed_ends_its_subscriptions_with_an_error(system: System) -> None:
    async with socket(system.router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 2, "end": "KILLED"})
        assert seq(await client.receive()) == 1
        end = await ending(client)
    assert end in {"CLOSED", "SERVICE_UNAVAILABLE", "SUBGRAPH_WEBSOCKET_CLIENT_FAILURE"}

    system.heal()
    async with socket(system.router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 1})
        assert seq(await client.receive()) == 1


async def test_subscribing_to_a_dead_subgraph_ends_with_an_error_that_hides_its_address(system: System) -> None:
    system.subgraphs["bids"].kill()
    async with socket(system.router.url, TOKEN) as client:
        await client.subscribe(EVENTS)
        messages = await client.until_end()
    assert end_code(messages) in {
        "SERVICE_UNAVAILABLE", "SUBGRAPH_WEBSOCKET_CONNECT_FAILURE", "SUBGRAPH_WEBSOCKET_HANDSHAKE_FAILURE",
    }  # fmt: skip
    assert_hides_where(system, messages)


async def test_a_new_supergraph_is_taken_up_and_subscribers_are_told(system: System) -> None:
    source = system.root / "sample" / "bids.py"
    source.write_text(
        source.read_text().replace(
            "@strawberry.type\nclass Subscription:",
            '    @strawberry.field(description="New.")\n    def fresh(self) -> int | None:\n        return 1\n\n\n'
            "@strawberry.type\nclass Subscription:",
        )
    )
    changed = compose.compose(system.root)
    assert "fresh" in changed[compose.SUPERGRAPH]
    system.subgraphs["bids"].kill()
    system.heal()
    assert "errors" in await post(system.router.url, "{ fresh }")

    async with socket(system.router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 1, "end": "IDLE"})
        assert seq(await client.receive()) == 1
        compose.write(system.root, changed)
        assert await ending(client) == "SUBSCRIPTION_SCHEMA_RELOAD"
        assert await post(system.router.url, "{ fresh }") == {"data": {"fresh": 1}}

    # Hive Router refuses new operations on a connection from before; a client connects anew.
    async with socket(system.router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 1})
        assert seq(await client.receive()) == 1


async def test_a_supergraph_that_is_none_is_not_taken_up(system: System) -> None:
    supergraph = system.root / compose.SUPERGRAPH
    before = supergraph.read_text()
    supergraph.write_text("type Query { nonsense")
    await asyncio.sleep(3)

    assert "errors" not in await post(system.router.url, BOTH)
    supergraph.write_text(before)
    # Hive Router takes it up again, which ends the subscriptions of whoever comes too soon.
    await asyncio.sleep(2)


async def test_a_router_that_ends_never_makes_it_look_like_a_completion(system: System) -> None:
    async with socket(system.router.url, TOKEN) as client, httpx.AsyncClient(timeout=20, verify=NO_TLS) as http:
        await client.subscribe(EVENTS, {"count": 1, "end": "IDLE"})
        assert seq(await client.receive()) == 1
        request = asyncio.create_task(http.post(system.router.url, json={"query": "{ slow(seconds: 1) }"}))
        await asyncio.sleep(0.7)

        system.router.signal(signal.SIGTERM)
        # Hive Router cuts requests off while it holds WebSockets; see supergraph/README.md.
        with contextlib.suppress(*CUT_OFF[system.router.kind]):
            assert (await request).json()["data"]["slow"] >= 1
        assert await ending(client) in {"CLOSED", "SERVER_SHUTDOWN"}
    assert system.router.running is not None
    assert await asyncio.to_thread(system.router.running.wait, 15) == 0


@pytest.mark.parametrize("kind", HIVE_ROUTER)
async def test_who_reads_no_metrics_does_not_keep_a_router_from_ending(
    kind: command.Router, graph: Path, subgraphs: dict[str, Subgraph]
) -> None:
    router = Router(kind, subgraphs, graph, supergraph=graph / compose.SUPERGRAPH)
    with running(router), sockets.socket() as scraper:
        scraper.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        scraper.connect(("127.0.0.1", router.metrics_port))
        scraper.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                scraper.send(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # Until the answers fill what the kernel holds for a reader.
        await asyncio.sleep(1)

        router.signal(signal.SIGTERM)
        assert router.running is not None
        # What starts it would kill it after 20 s.
        assert await asyncio.to_thread(router.running.wait, 20) == 0
