"""WebSockets through the edge."""

import contextlib
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from edge.render import Limits
from tests.edge.conftest import FakeRouter, RunningEdge, StartEdge

TRANSPORT = Subprotocol("graphql-transport-ws")


@contextlib.contextmanager
def opened(edge: RunningEdge, path: str = "/graphql", origin: str | None = None) -> Iterator[ClientConnection]:
    # Without pings of its own, so that a test decides what flows.
    with connect(
        f"ws://127.0.0.1:{edge.port}{path}",
        subprotocols=[TRANSPORT],
        origin=Origin(origin) if origin is not None else None,
        ping_interval=None,
        open_timeout=30,
        close_timeout=1,
    ) as websocket:
        yield websocket


def refusal(edge: RunningEdge, origin: str | None = None) -> tuple[int, str]:
    """Status and body with which the edge refuses to open a WebSocket."""
    with pytest.raises(InvalidStatus) as caught, opened(edge, origin=origin):
        pass
    return caught.value.response.status_code, (caught.value.response.body or b"").decode()


def test_a_websocket_reaches_the_router(edge: RunningEdge, router: FakeRouter) -> None:
    with opened(edge, "/graphql?a=b") as websocket:
        websocket.send('{"type":"connection_init"}')
        assert websocket.recv(timeout=30) == '{"type":"connection_init"}'
        assert websocket.subprotocol == TRANSPORT

    (request,) = router.requests
    assert request["path"] == "/graphql?a=b"
    headers = request["headers"]
    assert isinstance(headers, dict)
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert len(headers["x-request-id"]) == 32


def test_a_foreign_origin_is_refused(start_edge: StartEdge, router: FakeRouter) -> None:
    edge = start_edge(allowed_origins=("https://app.example.com",))

    for origin in (
        "https://evil.example",
        "null",
        f"http://127.0.0.1:{edge.port}.evil.example",
        f"https://127.0.0.1:{edge.port}",
        "https://app.example.com.evil.example",
        "https://appXexample.com",
        "http://app.example.com",
    ):
        status, body = refusal(edge, origin)
        assert status == 403, origin
        assert '"code":"FORBIDDEN"' in body

    assert router.requests == []


def test_the_own_origin_a_configured_one_and_none_are_welcome(start_edge: StartEdge) -> None:
    edge = start_edge(allowed_origins=("https://app.example.com",))

    for origin in (f"http://127.0.0.1:{edge.port}", "https://app.example.com", None):
        with opened(edge, origin=origin) as websocket:
            websocket.send("hello")
            assert websocket.recv(timeout=30) == "hello"


@pytest.mark.timing
def test_pings_keep_a_websocket_open_and_silence_does_not(start_edge: StartEdge) -> None:
    edge = start_edge(limits=Limits(websocket_idle=2, send_timeout=1, router_timeout=1, client_timeout=1))
    with opened(edge) as silent, opened(edge) as pinging:
        started = time.monotonic()
        while time.monotonic() - started < 3.5:
            assert pinging.ping().wait(timeout=2)
            time.sleep(0.3)
        pinging.send("still here")
        assert pinging.recv(timeout=30) == "still here"

        with pytest.raises(ConnectionClosed):
            silent.recv(timeout=30)


def test_websockets_at_once_are_limited_per_address(start_edge: StartEdge) -> None:
    edge = start_edge(limits=Limits(websockets=2, connections=1))

    with opened(edge), opened(edge):
        status, body = refusal(edge)
        # Open WebSockets do not count as requests.
        assert edge.client.get("/graphql").status_code == 200

    assert status == 429
    assert '"code":"RATE_LIMITED","retryAfterSeconds":1' in body


def test_opening_websockets_is_limited_per_address(start_edge: StartEdge) -> None:
    edge = start_edge(limits=Limits(websockets_per_second=1, websocket_burst=1))

    for _ in range(2):
        with opened(edge):
            pass

    assert refusal(edge)[0] == 429


def test_the_inner_address_of_websockets_is_not_served(edge: RunningEdge, router: FakeRouter) -> None:
    with pytest.raises(InvalidStatus) as caught, opened(edge, "/-/websocket"):
        pass

    assert caught.value.response.status_code == 404
    assert router.requests == []
