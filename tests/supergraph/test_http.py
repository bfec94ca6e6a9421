"""What a router does with operations over HTTP: passes on, refuses, limits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from shared.bodies import MAX_BODY_BYTES
from supergraph import compose
from supergraph.router import command
from tests.supergraph.clients import Json, codes, post, socket
from tests.supergraph.conftest import (
    ALLOWED_ORIGIN,
    HIVE_ROUTER,
    Router,
    Subgraph,
    assert_serves_at_rest,
    only_hive_router,
    running,
)
from tests.support.loopback import NO_TLS

SEEN = "{ seen { authorization requestId traceparent } }"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
JSON = {"content-type": "application/json"}


def deep(levels: int) -> str:
    """A query of this depth."""
    return "{ task(id: 1) " + "{ parent " * (levels - 2) + "{ id }" + " }" * (levels - 2) + " }"


async def test_one_operation_gathers_what_both_subgraphs_know(router: Router) -> None:
    answer = await post(router.url, "{ task(id: 7) { id title bidCount } }")

    assert answer == {"data": {"task": {"id": "7", "title": "Task 7", "bidCount": 2}}}


async def test_token_and_trace_reach_the_subgraph(router: Router) -> None:
    answer = await post(router.url, SEEN, authorization="Bearer a", x_request_id="request-9", traceparent=TRACE)

    seen = answer["data"]["seen"]
    assert seen["authorization"] == "Bearer a"
    assert seen["requestId"] == "request-9"
    assert seen["traceparent"].split("-")[1] == TRACE.split("-")[1]


async def test_the_clients_address_reaches_each_subgraph_and_its_program_does_not(router: Router) -> None:
    sent = {"x-forwarded-for": "198.51.100.7", "x-user-agent": "real"}
    answer = await post(router.url, "{ seen { forwardedFor userAgent } }", **sent)

    assert answer["data"]["seen"]["forwardedFor"] == "198.51.100.7"
    assert answer["data"]["seen"]["userAgent"] != "real"


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query ($code: String!) { fail(code: $code) }", {"code": {"is": "secret"}}),
        ("query ($code: String!) { fail(code: $code) }", {"code": ["secret"]}),
        ("query ($id: ID!) { task(id: $id) { id } }", {"id": {"is": "secret"}}),
        ('{ fail(code: ["secret"]) }', None),
        ("{ fail(code: secret) }", None),
        ('{ fail("secret") }', None),
        # A variable that may be null, for what may not.
        ('query ($code: String = "a") { report(report: { code: $code, text: "secret" }) }', {"code": None}),
        ('query ($code: String = "a") { fail(code: $code) other: fail(code: "secret") }', {"code": None}),
        ('{ report(report: { code: "a", text: "secret", other: 1 }) }', None),
        ('{ report(report: { text: "secret" }) }', None),
    ],
)
async def test_errors_do_not_quote_what_was_sent(router: Router, document: str, variables: Json | None) -> None:
    answer = await post(router.url, document, variables)
    async with socket(router.url) as client:
        await client.subscribe(document, variables)
        message = await client.receive()

    assert codes(answer)
    assert message["type"] == "error" or codes(message["payload"])
    told = [answer]
    # No plugin of Hive Router is asked about errors on a WebSocket; see supergraph/README.md.
    if router.kind != "hive-router" or message["type"] == "next":
        told.append(message)
    assert "secret" not in " ".join(error["message"] for each in told for error in errors_of(each))


def errors_of(answer: Json) -> list[Json]:
    """The errors of an answer or of a message of a WebSocket."""
    payload = answer.get("payload", answer)
    return list(payload if isinstance(payload, list) else payload["errors"])


async def test_codes_and_extensions_of_subgraphs_pass_and_the_routers_own_do_not_show(router: Router) -> None:
    answer = await post(router.url, '{ fail(code: "RATE_LIMITED") task(id: 1) { id } }')

    assert answer["data"] == {"fail": None, "task": {"id": "1"}}
    [error] = answer["errors"]
    assert error["path"] == ["fail"]
    assert error["message"] == "Refused."
    assert error["extensions"] == {"code": "RATE_LIMITED", "requestId": "request-1", "retryAfterSeconds": 2.5}


async def test_identity_is_left_to_the_subgraphs(router: Router) -> None:
    signed_in = await post(router.url, "{ secret }", authorization="Bearer anything")
    anonymous = await post(router.url, "{ secret }")

    assert signed_in == {"data": {"secret": "secret"}}
    assert anonymous["data"] == {"secret": None}
    assert codes(anonymous) == ["UNAUTHENTICATED"]


async def test_requests_with_different_tokens_never_share_an_answer(router: Router) -> None:
    answers = await asyncio.gather(
        *(
            post(router.url, "{ seen { authorization } slow(seconds: 0.2) }", authorization=f"Bearer {n}")
            for n in "abab"
        )
    )

    assert [answer["data"]["seen"]["authorization"] for answer in answers] == [f"Bearer {n}" for n in "abab"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (deep(13), "MAX_DEPTH_EXCEEDED"),
        ("{ " + " ".join(f"a{n}: task(id: 1) {{ id }}" for n in range(31)) + " }", "MAX_ALIASES_EXCEEDED"),
        ("{ task(id: 1) { " + "id @skip(if: false) title @skip(if: false) " * 26 + "} }", "MAX_DIRECTIVES_EXCEEDED"),
        ("{ " + "task(id: 1) { id } " * 150 + "}", "TOKEN_LIMIT_EXCEEDED"),
        ("{ task(id: 1) { id } } #" + "x" * 30_000, "TOKEN_LIMIT_EXCEEDED"),
        ("{ task(id: 1) { " + "...f " * 70 + "} } fragment f on Task { " + "id " * 71 + "}", "MAX_FIELDS_EXCEEDED"),
        ("{ __schema { queryType { name } } }", "INTROSPECTION_DISABLED"),
    ],
)
async def test_an_operation_over_a_limit_is_refused_by_name(router: Router, query: str, code: str) -> None:
    assert code in codes(await post(router.url, query))


async def test_an_operation_at_the_limit_of_depth_runs(router: Router) -> None:
    assert "errors" not in await post(router.url, deep(12))


async def test_fragments_count_no_level(router: Router) -> None:
    def in_fragments(levels: int) -> str:
        parents = "parent { " * (levels - 2) + "id" + " }" * (levels - 2)
        return (
            "{ task(id: 1) { ...a } } fragment a on Task { ...b } "
            f"fragment b on Task {{ ... on Task {{ ... {{ {parents} }} }} }}"
        )

    assert "errors" not in await post(router.url, in_fragments(12))
    assert codes(await post(router.url, in_fragments(13))) == ["MAX_DEPTH_EXCEEDED"]


# The embedded router leaves cost to the subgraphs.
@only_hive_router
async def test_hive_router_refuses_what_costs_too_much(router: Router) -> None:
    assert codes(await post(router.url, "{ expensive }")) == ["COST_ESTIMATED_TOO_EXPENSIVE"]
    assert codes(await post(router.url, "{ tasks(first: 6000) { id } }")) == ["COST_ESTIMATED_TOO_EXPENSIVE"]
    assert codes(await post(router.url, "{ tasks(first: 100) { id } }")) == []


async def test_errors_make_no_suggestions(router: Router) -> None:
    answer = await post(router.url, "{ tusk(id: 1) { id } }")

    assert "errors" in answer
    assert "Did you mean" not in str(answer)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"text"', 400),
        (b"{", 400),
        (b'{"query": "\xff"}', 400),
        (b'{"query": 1}', 400),
        (b"{}", 400),
        (b'[{"query": "{ task(id: 1) { id } }"}]', 400),
        (b'{"query": "{ task(id: 1) { id } }", "variables": {"a": NaN}}', 400),
        (b'{"query": "{ task(id: 1) { id } }", "variables": []}', 400),
    ],
)
async def test_a_body_that_is_no_request_is_refused(router: Router, body: bytes, status: int) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        response = await client.post(router.url, content=body, headers=JSON)

    assert response.status_code == status
    assert codes(response.json())


async def test_a_body_over_one_megabyte_is_refused(router: Router) -> None:
    async def endless() -> AsyncIterator[bytes]:
        """A byte too much, and no more until it is refused: what is sent on then may meet a closed connection."""
        for size in (MAX_BODY_BYTES, 1):
            yield b" " * size
        await asyncio.Event().wait()

    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as client,
        client.post(router.url, data=endless(), headers=JSON) as answer,
    ):
        assert answer.status == 413
        assert codes(await answer.json())


@pytest.mark.parametrize("size", [40_000, 990_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_nested_json_does_not_stop_the_router(router: Router, size: int, opening: str, closing: str) -> None:
    """Without RUST_MIN_STACK 40 kB overflow the stack of a worker of Hive Router, which then spins for ever."""
    levels = size // (len(opening) + len(closing)) - 50
    nested = opening * levels + "1" + closing * levels
    body = f'{{"query": "{{ task(id: 1) {{ id }} }}", "variables": {{"a": {nested}}}}}'

    async with httpx.AsyncClient(timeout=20, verify=NO_TLS) as client:
        responses = await asyncio.gather(*(client.post(router.url, content=body, headers=JSON) for _ in range(4)))

    assert {response.status_code for response in responses} <= {200, 400}
    await assert_serves_at_rest(router)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"query=%7Btask(id:1)%7Bid%7D%7D"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n{x}\r\n--b--\r\n',
        ),
        ("text/plain", b'{"query": "{ task(id: 1) { id } }"}'),
        ("application/graphql", b"{ task(id: 1) { id } }"),
        ("application/xml", b"<query/>"),
    ],
)
async def test_only_json_is_taken(router: Router, content_type: str, body: bytes) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        response = await client.post(router.url, content=body, headers={"content-type": content_type})

    assert response.status_code in (403, 415)
    assert codes(response.json()) in (["CSRF_PREVENTION_FAILED"], ["UNSUPPORTED_CONTENT_TYPE"])


async def test_get_reads_only_and_only_where_no_form_could_have_sent_it(router: Router) -> None:
    query, mutation = {"query": "{ task(id: 1) { id } }"}, {"query": "mutation { count }"}
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        bare = await client.get(router.url, params=query)
        read = await client.get(router.url, params=query, headers={"x-requested-with": "test"})
        write = await client.get(router.url, params=mutation, headers={"x-requested-with": "test"})

    assert (bare.status_code, codes(bare.json())) == (403, ["CSRF_PREVENTION_FAILED"])
    assert (read.status_code, read.json()) == (200, {"data": {"task": {"id": "1"}}})
    assert (write.status_code, codes(write.json())) == (405, ["MUTATION_NOT_ALLOWED_OVER_HTTP_GET"])


async def test_only_configured_origins_get_cors_headers(router: Router) -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        ours = await client.options(router.url, headers={"origin": ALLOWED_ORIGIN, **preflight})
        foreign = await client.options(router.url, headers={"origin": "https://evil.example", **preflight})

    assert ours.headers["access-control-allow-origin"] == ALLOWED_ORIGIN
    # "null" is what Hive Router sends where nothing else is allowed; no credentials go with it.
    assert foreign.headers.get("access-control-allow-origin", "null") == "null"


async def test_nothing_is_served_that_loads_from_elsewhere(router: Router) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        page = await client.get(router.url, headers={"accept": "text/html"})

    assert "<script" not in page.text


# The embedded router has no metrics.
@only_hive_router
async def test_hive_router_has_metrics_on_a_listener_of_their_own(router: Router) -> None:
    await post(router.url, "{ task(id: 1) { id } }")
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        metrics = await client.get(f"http://127.0.0.1:{router.metrics_port}/metrics")
        main = await client.get(router.url.replace("/graphql", "/metrics"))

    assert "http_server_request_duration" in metrics.text
    assert "http_server_request_duration" not in main.text


@pytest.mark.parametrize("kind", HIVE_ROUTER)
async def test_persisted_documents_are_taken_and_can_be_required(
    kind: command.Router, graph: Path, subgraphs: dict[str, Subgraph], tmp_path: Path
) -> None:
    documents = tmp_path / "documents.json"
    documents.write_text('{"one": "{ task(id: 1) { id } }"}')
    options = {"supergraph": graph / compose.SUPERGRAPH, "persisted_documents": documents}
    optional = Router(kind, subgraphs, tmp_path, **options)
    required = Router(kind, subgraphs, tmp_path, persisted_documents_only=True, **options)
    with running(optional, required):
        async with httpx.AsyncClient(verify=NO_TLS) as client:
            for router in (optional, required):
                known = await client.post(router.url, json={"documentId": "one"})
                hashed = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "one"}}}
                as_apollo_sends_it = await client.post(router.url, json=hashed)
                unknown = await client.post(router.url, json={"documentId": "two"})
                assert known.json() == as_apollo_sends_it.json() == {"data": {"task": {"id": "1"}}}
                assert codes(unknown.json()) == ["PERSISTED_DOCUMENT_NOT_FOUND"]

            assert "errors" not in await post(optional.url, "{ task(id: 1) { id } }")
            assert codes(await post(required.url, "{ task(id: 1) { id } }")) == ["PERSISTED_DOCUMENT_ID_REQUIRED"]
            async with socket(required.url) as websocket:
                await websocket.subscribe("{ task(id: 1) { id } }")
                [refused] = await websocket.until_end()
                assert refused["payload"][0]["extensions"]["code"] == "PERSISTED_DOCUMENT_ID_REQUIRED"
            assert (await client.post(required.url, json={"documentId": "one"})).json()["data"]
