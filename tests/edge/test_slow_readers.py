"""Clients that do not read are cut off at the edge, and others are served meanwhile."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from edge.render import Limits
from tests.edge.conftest import FakeRouter, RunningEdge, StartEdge, wait_until

SHORT = Limits(send_timeout=1)
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)


@contextlib.contextmanager
def connected(edge: RunningEdge, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    with socket.socket() as connection:
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(30)
        connection.connect(("127.0.0.1", edge.port))
        yield connection


@contextlib.contextmanager
def honest_client(edge: RunningEdge) -> Iterator[None]:
    """Somebody who asks all the while and is answered."""
    answers: list[int] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            answers.append(edge.client.get("/graphql").status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join(10)
    assert set(answers) == {200}


def test_whoever_does_not_read_a_websocket_is_cut_off(start_edge: StartEdge, router: FakeRouter) -> None:
    edge = start_edge(limits=SHORT)
    with connected(edge, receive_buffer=4_096) as connection, honest_client(edge):
        connection.sendall(HANDSHAKE)
        assert connection.recv(1_000).startswith(b"HTTP/1.1 101")
        # The router echoes, and its answers are not read.
        payload = b"y" * 60_000
        mask = b"\x00" * 4
        frame = b"\x81\xfe" + len(payload).to_bytes(2) + mask + payload
        started = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - started < 30:
                connection.sendall(frame)
        assert time.monotonic() - started < 30
    wait_until(lambda: router.open_websockets == 0)


def test_whoever_does_not_read_an_answer_is_cut_off(start_edge: StartEdge, router: FakeRouter) -> None:
    router.padding = 20_000_000
    edge = start_edge(limits=SHORT)
    with connected(edge, receive_buffer=4_096) as connection, honest_client_of_pages(edge):
        connection.sendall(b"GET /graphql HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(3 * SHORT.send_timeout)
        received = 0
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(1_000_000):
                received += len(chunk)
        assert received < 20_000_000


@contextlib.contextmanager
def honest_client_of_pages(edge: RunningEdge) -> Iterator[None]:
    assert edge.client.get("/healthz").status_code == 200
    yield
    assert edge.client.get("/healthz").status_code == 200
