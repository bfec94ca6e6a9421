"""Webhooks of the payment provider: what reaches the subgraph and how, and what is turned away."""

import pytest

from edge.render import Limits
from tests.edge.conftest import FakeRouter, RunningEdge, StartEdge
from tests.edge.test_http import error, seen_headers

WEBHOOK = "/webhooks/stripe"


def test_a_webhook_gets_there_as_it_was_signed(edge: RunningEdge, router: FakeRouter) -> None:
    router.status = 204
    body = b'{ "type": "charge.succeeded",\n  "odd": "\xc3\xa9" }'
    signed = {"stripe-signature": "t=1,v1=abc", "content-type": "application/json; charset=utf-8"}

    answer = edge.client.post(WEBHOOK, content=body, headers=signed)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (router.requests[0]["path"], router.requests[0]["body"]) == (WEBHOOK, body)
    headers = seen_headers(router)
    assert {name: headers[name] for name in signed} == signed


def test_a_webhook_of_a_megabyte_passes_and_a_larger_one_does_not(edge: RunningEdge, router: FakeRouter) -> None:
    fits = edge.client.post(WEBHOOK, content=b"x" * 1_000_000)
    too_large = edge.client.post(WEBHOOK, content=b"x" * 1_000_001)

    assert fits.status_code == 200
    assert (too_large.status_code, error(too_large)) == (413, {"code": "BAD_REQUEST"})
    assert len(router.requests) == 1


def test_what_the_subgraph_refuses_it_refuses_itself(edge: RunningEdge, router: FakeRouter) -> None:
    router.status = 503

    assert (edge.client.post(WEBHOOK, content=b"{}").status_code, len(router.requests)) == (503, 1)


@pytest.mark.parametrize(
    "address", ["/webhooks/", "/webhooks", "/webhooks/stripe/", "/webhooks/a/b", "/webhooks/%2e%2e"]
)
def test_nothing_else_of_the_subgraph_is_reached(edge: RunningEdge, router: FakeRouter, address: str) -> None:
    answer = edge.client.post(address, content=b"{}")

    assert answer.status_code in (404, 405)
    assert router.requests == []


def test_webhooks_count_among_the_requests_of_an_address(start_edge: StartEdge) -> None:
    edge = start_edge(limits=Limits(requests_per_second=1, request_burst=2))

    answers = [edge.client.post(WEBHOOK, content=b"{}") for _ in range(6)]

    assert 429 in {each.status_code for each in answers}
