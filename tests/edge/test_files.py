"""Uploads and files: what reaches the subgraph, what comes back, what is turned away."""

import json
import socket

import httpx
import pytest

from edge.render import Limits
from shared.bodies import MAX_BODY_BYTES
from tests.edge.conftest import FakeRouter, RunningEdge, StartEdge, wait_until
from tests.edge.test_http import error, seen_headers

UPLOAD = "/uploads/tasks/attachment_01jd?token=1.abc"
FILE = "/files/tasks/attachment_01jd/Zaun%20hinten.png?token=1.abc"
CHUNK_BYTES = 5_242_880


def test_a_chunk_of_five_megabytes_passes_and_a_larger_one_does_not(edge: RunningEdge, router: FakeRouter) -> None:
    fits = edge.client.patch(UPLOAD, content=b"x" * CHUNK_BYTES, headers={"upload-offset": "0"})
    too_large = edge.client.patch(UPLOAD, content=b"x" * (CHUNK_BYTES + 1))

    assert (fits.status_code, router.requests[0]["path"]) == (200, UPLOAD)
    first = router.requests[0]["first"]
    assert isinstance(first, bytes)
    assert (len(first), router.requests[0]["bytes"]) == (len(first), CHUNK_BYTES - len(first))
    assert seen_headers(router)["upload-offset"] == "0"
    assert too_large.status_code == 413
    assert error(too_large) == {"code": "BAD_REQUEST"}
    assert f"{CHUNK_BYTES} bytes" in too_large.json()["errors"][0]["message"]
    assert len(router.requests) == 1


def test_what_is_posted_to_the_graph_stays_as_small_as_it_was(edge: RunningEdge) -> None:
    answer = edge.client.post("/graphql", content=b"x" * (MAX_BODY_BYTES + 1))

    assert answer.status_code == 413
    assert f"{MAX_BODY_BYTES} bytes" in answer.json()["errors"][0]["message"]


def test_a_chunk_is_passed_on_while_it_comes(edge: RunningEdge, router: FakeRouter) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as client:
        client.sendall(
            f"PATCH {UPLOAD} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\n".encode()
            + b"begins"
        )
        wait_until(lambda: bool(router.requests and router.requests[0]["first"]))
        assert router.requests[0]["first"] == b"begins"
        client.sendall(b"x" * 94)
        assert client.recv(100).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("address", [UPLOAD, FILE])
def test_no_browser_takes_an_answer_for_a_page(edge: RunningEdge, address: str) -> None:
    answer = edge.client.get(address)

    assert answer.status_code == 200
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'; sandbox"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    # How long it is kept, the subgraph says.
    assert answer.headers.get_list("cache-control") == ["private, max-age=600"]


@pytest.mark.parametrize(
    "address",
    [
        "/uploads/users/attachment_01jd",
        "/uploads/tasks/",
        "/uploads/tasks/a/b",
        "/uploads/tasks/..%2f..%2fmetrics",
        "/files/tasks/attachment_01jd",
        "/files/bids/a/b",
        "/files/tasks/%2e%2e/metrics",
        "/files/tasks/a/../../../metrics",
    ],
)
def test_nothing_else_of_a_subgraph_is_reached(edge: RunningEdge, router: FakeRouter, address: str) -> None:
    with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as client:
        client.sendall(f"GET {address} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = client.recv(100)

    assert answer.startswith(b"HTTP/1.1 404")
    assert router.requests == []


def test_uploads_count_among_the_requests_of_an_address(start_edge: StartEdge) -> None:
    edge = start_edge(limits=Limits(requests_per_second=1, request_burst=2))

    answers = [edge.client.head(UPLOAD) for _ in range(6)] + [edge.client.get(FILE) for _ in range(2)]

    assert 429 in {each.status_code for each in answers[:6]}
    assert {each.status_code for each in answers[6:]} == {429}


def test_web_apps_of_other_origins_upload_if_they_are_allowed(start_edge: StartEdge) -> None:
    edge = start_edge(allowed_origins=("https://app.example.com",))

    def asked(address: str, origin: str) -> dict[str, str]:
        answer = edge.client.options(address, headers={"origin": origin, "access-control-request-method": "PATCH"})
        assert isinstance(answer, httpx.Response)
        return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}

    allowed = asked(UPLOAD, "https://app.example.com")
    assert allowed["access-control-allow-origin"] == "https://app.example.com"
    assert "PATCH" in allowed["access-control-allow-methods"]
    assert "Upload-Offset" in allowed["access-control-allow-headers"]
    assert "Upload-Offset" in allowed["access-control-expose-headers"]
    assert asked(FILE, "https://app.example.com") == {"access-control-allow-origin": "https://app.example.com"}
    assert asked(UPLOAD, "https://evil.example.com") == {}


def test_tokens_and_names_of_files_stay_out_of_the_log(edge: RunningEdge) -> None:
    edge.client.get(FILE)
    edge.client.head(UPLOAD)

    entries = edge.access_log(2)

    assert [entry["path"] for entry in entries] == ["/files/tasks/attachment_01jd", "/uploads/tasks/attachment_01jd"]
    assert "abc" not in json.dumps(entries)
