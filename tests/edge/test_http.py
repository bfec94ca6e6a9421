"""Requests over HTTP: what reaches the router, what comes back, what is turned away."""

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from edge.render import Limits
from shared.bodies import MAX_BODY_BYTES
from tests.edge.conftest import FakeRouter, RunningEdge, StartEdge, wait_until
from tests.support.loopback import free_port

# One limit for all: what only the edge took would be refused by a router that does not read it.
MEGABYTE = MAX_BODY_BYTES


def post(
    edge: RunningEdge, content: bytes | Iterator[bytes] = b"{}", headers: dict[str, str] | None = None
) -> httpx.Response:
    return edge.client.post("/graphql", content=content, headers={"content-type": "application/json"} | (headers or {}))


def error(response: httpx.Response) -> dict[str, object]:
    """The one error of an answer that the edge made; it has to name the request."""
    body = response.json()
    assert list(body) == ["errors"]
    assert len(body["errors"]) == 1
    assert response.headers["content-type"] == "application/json"
    extensions: dict[str, object] = body["errors"][0]["extensions"]
    assert extensions.pop("requestId") == response.headers["x-request-id"]
    assert body["errors"][0]["message"]
    return extensions


def seen_headers(router: FakeRouter) -> dict[str, str]:
    headers = router.requests[-1]["headers"]
    assert isinstance(headers, dict)
    return headers


def test_a_query_reaches_the_router_and_its_answer_comes_back(edge: RunningEdge, router: FakeRouter) -> None:
    response = edge.client.post(
        "/graphql?a=b", json={"query": "{ me { id } }"}, headers={"authorization": "Bearer token"}
    )

    assert response.status_code == 200
    assert response.json()["data"]["method"] == "POST"
    assert response.json()["data"]["path"] == "/graphql?a=b"
    assert seen_headers(router)["authorization"] == "Bearer token"
    assert seen_headers(router)["host"] == f"127.0.0.1:{edge.port}"


def test_errors_of_the_router_pass_unchanged(edge: RunningEdge, router: FakeRouter) -> None:
    for status in (400, 403, 404, 413, 429, 500, 503):
        router.status = status
        response = post(edge)
        assert (response.status_code, response.json()["data"]["method"]) == (status, "POST")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "TRACE", "FOO"])
def test_other_methods_are_refused(edge: RunningEdge, router: FakeRouter, method: str) -> None:
    response = edge.client.request(method, "/graphql")

    assert response.status_code == 405
    assert router.requests == []
    # nginx answers TRACE before it looks at any location.
    if method not in ("HEAD", "TRACE"):
        assert error(response) == {"code": "BAD_REQUEST"}
        assert response.headers["allow"] == "GET, POST, OPTIONS"


def test_get_and_options_reach_the_router(edge: RunningEdge, router: FakeRouter) -> None:
    assert edge.client.get("/graphql", params={"query": "{ a }"}).status_code == 200
    assert edge.client.options("/graphql").status_code == 200
    assert [request["method"] for request in router.requests] == ["GET", "OPTIONS"]


# --- request ids and addresses ---------------------------------------------------------------------------------


def test_a_request_id_is_kept_passed_on_and_returned(edge: RunningEdge, router: FakeRouter) -> None:
    response = post(edge, headers={"x-request-id": "client-made.id_1"})

    assert response.headers.get_list("x-request-id") == ["client-made.id_1"]
    assert seen_headers(router)["x-request-id"] == "client-made.id_1"


@pytest.mark.parametrize("given", [None, "", "short", "x" * 129, 'quote"in-it', "with space", "ünïcödé-id"])
def test_a_missing_or_malformed_request_id_is_replaced(
    edge: RunningEdge, router: FakeRouter, given: str | None
) -> None:
    headers = {} if given is None else {"x-request-id": given.encode()}
    response = edge.client.get("/graphql", headers=headers)  # type: ignore[arg-type]  # bytes, for the umlauts

    (returned,) = response.headers.get_list("x-request-id")
    assert re.fullmatch(r"[0-9a-f]{32}", returned)
    assert seen_headers(router)["x-request-id"] == returned


def test_a_client_cannot_choose_its_address(edge: RunningEdge, router: FakeRouter) -> None:
    spoofed = {
        "x-forwarded-for": "203.0.113.7",
        "x-real-ip": "203.0.113.7",
        "forwarded": "for=203.0.113.7",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "elsewhere.example",
    }
    response = post(edge, headers=spoofed)

    headers = seen_headers(router)
    assert headers["x-forwarded-for"] == headers["x-real-ip"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == f"127.0.0.1:{edge.port}"
    assert "forwarded" not in headers
    assert "strict-transport-security" not in response.headers


def test_what_the_clients_program_calls_itself_has_a_name_that_routers_do_not_trace(
    edge: RunningEdge, router: FakeRouter
) -> None:
    post(edge, headers={"user-agent": "a browser", "x-user-agent": "another one"})

    assert seen_headers(router)["x-user-agent"] == "a browser"
    assert "user-agent" not in seen_headers(router)


def test_a_trusted_proxy_tells_the_clients_address(start_edge: StartEdge, router: FakeRouter) -> None:
    edge = start_edge(trusted_proxies=("127.0.0.0/8",))
    # The client sent the first address itself; the proxy appended the one it saw.
    forwarded = {"x-forwarded-for": "198.51.100.1, 203.0.113.7", "x-forwarded-proto": "https"}
    response = post(edge, headers=forwarded)

    assert seen_headers(router)["x-forwarded-for"] == "203.0.113.7"
    assert seen_headers(router)["x-forwarded-proto"] == "https"
    assert response.headers["strict-transport-security"] == "max-age=31536000"


# --- limits -----------------------------------------------------------------------------------------------------


def test_a_body_of_one_megabyte_passes_and_one_byte_more_does_not(edge: RunningEdge, router: FakeRouter) -> None:
    assert post(edge, b"x" * MEGABYTE).json()["data"]["bytes"] == MEGABYTE
    router.requests.clear()

    response = post(edge, b"x" * (MEGABYTE + 1))

    assert response.status_code == 413
    assert error(response) == {"code": "BAD_REQUEST"}
    assert router.requests == []


def test_a_body_of_unknown_length_is_limited_too(edge: RunningEdge, router: FakeRouter) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(MEGABYTE // 65_536 + 1):
            yield b"x" * 65_536

    response = post(edge, chunks())

    assert response.status_code == 413
    assert error(response) == {"code": "BAD_REQUEST"}
    assert router.requests == []


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_reaches_the_router(edge: RunningEdge, router: FakeRouter, content_type: str) -> None:
    response = post(edge, headers={"content-type": content_type, "content-encoding": "identity"})

    assert response.status_code == 200
    assert seen_headers(router)["content-type"] == content_type


@pytest.mark.parametrize("size", [2, MEGABYTE])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("POST", {"content-type": "text/plain"}),
        ("POST", {"content-type": "text/plain; application/json"}),
        ("POST", {"content-type": "application/jsonp"}),
        ("POST", {"content-type": "application/x-www-form-urlencoded"}),
        ("POST", {"content-type": "multipart/form-data; boundary=b"}),
        ("POST", {"content-type": "application/json", "content-encoding": "gzip"}),
        ("POST", {"content-type": "application/json", "content-encoding": "identity, br"}),
        ("GET", {"content-type": "application/json"}),
        ("GET", {"content-type": "application/json", "connection": "upgrade", "upgrade": "websocket"}),
        ("OPTIONS", {"content-type": "application/json", "transfer-encoding": "chunked"}),
    ],
)
def test_a_body_that_a_router_would_refuse_unread_does_not_reach_it(
    edge: RunningEdge, router: FakeRouter, method: str, headers: dict[str, str], size: int
) -> None:
    """Closing a connection before all is read loses the answer, here to a client that sends on for a while."""
    body = iter([b" " * size]) if "transfer-encoding" in headers else b" " * size
    response = edge.client.request(method, "/graphql", content=body, headers=headers)

    assert response.status_code == 415
    assert error(response) == {"code": "BAD_REQUEST"}
    assert router.requests == []


def test_only_a_get_upgrades(edge: RunningEdge, router: FakeRouter) -> None:
    response = post(edge, headers={"connection": "upgrade", "upgrade": "websocket"})

    assert response.status_code == 200
    assert "upgrade" not in seen_headers(router)


@pytest.mark.parametrize(
    ("accepted", "passed_on"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html, application/graphql-response+json;q=0.9", "application/graphql-response+json"),
        ("text/event-stream", "application/json"),
        ("multipart/mixed", "application/json"),
        ("image/png", "application/json"),
        ("nonsense", "application/json"),
    ],
)
def test_a_router_is_asked_for_what_it_can_answer(
    edge: RunningEdge, router: FakeRouter, accepted: str, passed_on: str
) -> None:
    assert post(edge, headers={"accept": accepted}).status_code == 200
    assert seen_headers(router)["accept"] == passed_on


def test_a_head_that_is_too_large_is_refused(edge: RunningEdge, router: FakeRouter) -> None:
    response = post(edge, headers={"authorization": "x" * 40_000})

    assert response.status_code == 400
    assert error(response) == {"code": "BAD_REQUEST"}
    assert router.requests == []


def test_too_many_requests_are_told_when_to_come_back(start_edge: StartEdge, router: FakeRouter) -> None:
    edge = start_edge(limits=Limits(requests_per_second=1, request_burst=2))

    responses = [post(edge) for _ in range(6)]

    assert [response.status_code for response in responses[:3]] == [200, 200, 200]
    assert responses[-1].status_code == 429
    assert error(responses[-1]) == {"code": "RATE_LIMITED", "retryAfterSeconds": 1}
    assert responses[-1].headers["retry-after"] == "1"
    assert len(router.requests) == sum(response.status_code == 200 for response in responses)
    # Probes are not the client's affair.
    assert edge.client.get("/healthz").status_code == 200
    assert edge.client.get("/readyz").status_code == 200


def test_one_ipv6_network_counts_as_one_address(start_edge: StartEdge) -> None:
    edge = start_edge(limits=Limits(requests_per_second=1, request_burst=2), trusted_proxies=("127.0.0.1",))

    def statuses(*addresses: str) -> list[int]:
        return [post(edge, headers={"x-forwarded-for": address}).status_code for address in addresses]

    assert statuses(*(f"2001:db8:1:2::{host}" for host in range(1, 5)))[-1] == 429
    assert statuses(*(f"2001:db8:1:{network}::1" for network in range(10, 14))) == [200, 200, 200, 200]
    assert statuses(*(f"192.0.2.{host}" for host in range(1, 5))) == [200, 200, 200, 200]
    networks = {entry["network"] for entry in edge.access_log(lines=12)}
    assert networks == {"2001:db8:1::", "192.0.2.0"}


def test_requests_at_once_are_limited(start_edge: StartEdge, router: FakeRouter) -> None:
    edge = start_edge(limits=Limits(connections=1))
    router.delay_seconds = 1.0
    with socket.create_connection(("127.0.0.1", edge.port)) as first:
        first.sendall(b"GET /graphql HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: len(router.requests) == 1)

        second = post(edge)

    assert second.status_code == 429
    assert error(second) == {"code": "RATE_LIMITED", "retryAfterSeconds": 1}


SLOW = pytest.mark.parametrize(
    "beginning",
    [
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ],
    ids=["head", "body"],
)


def slow_senders(edge: RunningEdge, beginning: bytes) -> list[socket.socket]:
    slow = [socket.create_connection(("127.0.0.1", edge.port), timeout=30) for _ in range(50)]
    for connection in slow:
        connection.sendall(beginning)
    return slow


@SLOW
def test_a_slow_sender_is_cut_off(start_edge: StartEdge, router: FakeRouter, beginning: bytes) -> None:
    edge = start_edge(limits=Limits(client_timeout=1))
    slow = slow_senders(edge, beginning)

    assert post(edge).status_code == 200

    for connection in slow:
        with connection:
            assert is_closed_by_peer(connection)
    assert len(router.requests) == 1


@pytest.mark.timing
@SLOW
def test_a_slow_sender_is_cut_off_in_time_and_delays_nobody(start_edge: StartEdge, beginning: bytes) -> None:
    edge = start_edge(limits=Limits(client_timeout=1))
    started = time.monotonic()
    slow = slow_senders(edge, beginning)

    post(edge)
    assert time.monotonic() - started < 0.9

    for connection in slow:
        with connection:
            is_closed_by_peer(connection)
    assert time.monotonic() - started < 4


def is_closed_by_peer(connection: socket.socket) -> bool:
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


# --- a router in trouble ------------------------------------------------------------------------------------------


def test_a_router_that_is_down(start_edge: StartEdge) -> None:
    edge = start_edge(router_url=f"http://127.0.0.1:{free_port()}")

    response = post(edge)

    assert response.status_code == 502
    assert error(response) == {"code": "SERVICE_UNAVAILABLE"}
    assert response.headers["retry-after"] == "2"
    ready = edge.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "unready", "reasons": ["router"]})
    assert edge.client.get("/healthz").json() == {"status": "ok"}


def test_a_router_that_does_not_answer(start_edge: StartEdge, router: FakeRouter) -> None:
    edge = start_edge(limits=Limits(router_timeout=1))
    router.delay_seconds = 3.0

    response = post(edge)

    assert response.status_code == 504
    assert error(response) == {"code": "SERVICE_UNAVAILABLE"}
    # A mutation must not be sent a second time.
    assert len(router.requests) == 1


def test_readiness_is_the_routers(edge: RunningEdge, router: FakeRouter) -> None:
    assert edge.client.get("/readyz").status_code == 200

    router.ready_status = 503

    ready = edge.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "unready", "reasons": ["router"]})


def test_an_edges_own_error_can_be_read_by_an_allowed_web_app(start_edge: StartEdge) -> None:
    edge = start_edge(
        limits=Limits(requests_per_second=1, request_burst=1), allowed_origins=("https://app.example.com",)
    )
    for _ in range(2):
        post(edge)

    own = post(edge, headers={"origin": "https://app.example.com"})
    foreign = post(edge, headers={"origin": "https://evil.example"})

    assert (own.status_code, foreign.status_code) == (429, 429)
    assert own.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in foreign.headers


# --- pages, headers, log --------------------------------------------------------------------------------------------


def test_pages_are_served_with_their_policies(start_edge: StartEdge, tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<p>console</p>")
    (tmp_path / "assets" / "console-ABC.js").write_text("run()")
    edge = start_edge(console_dir=tmp_path)

    landing = edge.client.get("/")
    console = edge.client.get("/console/")
    script = edge.client.get("/console/assets/console-ABC.js")

    assert '<a href="/console/">' in landing.text
    assert edge.client.get("/console").headers["location"] == "/console/"
    assert (console.text, console.headers["cache-control"]) == ("<p>console</p>", "no-cache")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    policy = dict(part.split(" ", 1) for part in console.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["worker-src"] == "'self'"
    assert policy["connect-src"] == f"'self' ws://127.0.0.1:{edge.port} wss://127.0.0.1:{edge.port}"
    assert "script-src" not in landing.headers["content-security-policy"]
    assert edge.client.get("/nowhere").status_code == 404


@pytest.mark.parametrize("path", ["/", "/console/", "/graphql", "/healthz", "/readyz", "/nowhere", "/-/websocket"])
def test_every_answer_carries_the_security_headers(edge: RunningEdge, path: str) -> None:
    response = edge.client.get(path)

    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert response.headers.get_list("referrer-policy") == ["no-referrer"]
    assert response.headers.get_list("x-frame-options") == ["DENY"]
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert len(response.headers.get_list("x-request-id")) == 1
    assert "strict-transport-security" not in response.headers
    assert "x-powered-by" not in response.headers
    assert response.headers["server"] == "nginx"


def test_files_outside_the_folders_are_out_of_reach(edge: RunningEdge) -> None:
    for path in (b"/console/../nginx.conf", b"/console..%2fnginx.conf", b"/%2e%2e/render.py", b"/..%2frender.py"):
        with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as connection:
            connection.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert connection.recv(4096).split(b" ")[1] in (b"400", b"404"), path


def test_the_log_is_json_without_queries_tokens_and_addresses(edge: RunningEdge) -> None:
    edge.client.get(
        "/graphql?query=secret-query",
        headers={"authorization": "Bearer secret-token", "x-request-id": "known-id-1", "user-agent": "secret-agent"},
    )
    edge.client.get('/nowhere"with-quotes?secret-query')

    first, second = edge.access_log(lines=2)

    assert first["requestId"] == "known-id-1"
    assert (first["method"], first["path"], first["status"]) == ("GET", "/graphql", 200)
    assert first["network"] == "127.0.0.0"
    assert second["status"] == 404
    written = json.dumps([first, second]) + (edge.state_dir / "error.log").read_text()
    assert "secret" not in written
    assert not re.search(r"127\.0\.0\.1\b(?!:)", written)
