"""What operators see of one bid, in traces, metrics and logs, and what must be in none of them."""

import asyncio
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.live import Data
from deploy.local import routers
from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from shared.messaging import dead_letters
from tests.e2e.collector import Collector, Span
from tests.e2e.observing import EXPORTED_WITHIN, log_line, log_lines, operators_settings, refusing_rows
from tests.e2e.people import BID_EVENTS, PLACE_BID, UPDATE_BID, Person, euro, eventually, viewing
from tests.e2e.search import log_files, metrics_pages, page
from tests.support.loopback import NO_TLS

pytestmark = pytest.mark.e2e

_CONSUMER_LAG = "exchange_consumer_lag"

Sample = tuple[str, dict[str, str], float]


@dataclass
class Played:
    """What happened behind one router, and what is personal in it."""

    kind: str
    poster_id: str = ""
    tasker_id: str = ""
    sign_up_requests: list[str] = field(default_factory=list)
    bid_request: str = ""
    failed_request: str = ""
    failure: Data = field(default_factory=dict)
    letter: dead_letters.DeadLetter | None = None
    personal: dict[str, str] = field(default_factory=dict)
    live: dict[str, list[Sample]] = field(default_factory=dict)

    def secret(self, what: str) -> str:
        """Something personal that is like no other text."""
        return self.personal.setdefault(what, f"zz{uuid.uuid4().hex}")


@pytest.fixture(scope="module")
def all_played(stack: Stack, collector: Collector) -> dict[str, Played]:
    return {kind: asyncio.run(_play(stack, Played(kind), edge)) for kind, edge in stack.edges.items()}


@pytest.fixture(params=routers.installed())
def played(all_played: dict[str, Played], request: pytest.FixtureRequest) -> Played:
    return all_played[request.param]


async def _play(stack: Stack, played: Played, edge: str) -> Played:
    names = played.secret("poster's name"), played.secret("tasker's name")
    async with Person(edge, names[0]) as paula, Person(edge, names[1]) as tom, asyncio.timeout(120):
        for who, person, role in (("poster", paula, "POSTER"), ("tasker", tom, "TASKER")):
            email = f"{played.secret(who + ' e-mail')}@example.com"
            await person.sign_up(email, played.secret(f"{who}'s password"), [role])
            played.sign_up_requests.append(person.request_ids[-1])
            for token in ("accessToken", "refreshToken"):
                played.personal[f"{who}'s {token}"] = person.session[token].rpartition(".")[2]
            await person.answer(
                "mutation ($input: LogInInput!) { logIn(input: $input) { userErrors { code } } }",
                input={"email": email, "password": played.secret("wrong password")},
            )
        played.poster_id, played.tasker_id = paula.user_id, tom.user_id
        await _send(tom, "query { me { id } }", token=played.secret("forged token"))
        by_get = {"query": "query ($id: ID!) { user(id: $id) { id } }"}
        by_get["variables"] = json.dumps({"id": played.secret("variable in an address")})
        await tom._http.get("/graphql", params=by_get, headers={"x-requested-with": "tests"})

        task_id = await paula.post_task()
        async with viewing(paula.follow(BID_EVENTS, {"taskId": task_id})) as view:
            bid = {"taskId": task_id, "amount": euro("99.00"), "message": played.secret("message")}
            played.bid_request, answer = await _send_until_known(tom, PLACE_BID, {"input": bid})
            placed = answer["data"]["placeBid"]["bid"]
            await view.shows(1)
            played.live["bids"] = _samples(await page(stack.url("bids", "/metrics")))
            # Measured every five seconds.
            lag = {"consumer": "notifications", "topic": "bids.bid"}
            while not _values(played.live.get("notifications", ()), _CONSUMER_LAG, lag):
                await asyncio.sleep(0.2)
                played.live["notifications"] = _samples(await page(stack.url("notifications", "/metrics")))

        async with refusing_rows(stack, "notifications", "notifications"):
            change = {"bidId": placed["id"], "message": played.secret("changed message")}
            await _send(tom, UPDATE_BID, {"input": change})
            settings = operators_settings(stack)
            while played.letter is None:
                await asyncio.sleep(0.2)
                for letter in await dead_letters.list_dead_letters(settings, ["bids.bid"]):
                    if played.secret("changed message").encode() in (letter.value or b""):
                        played.letter = letter
        await dead_letters.replay(settings, "bids.bid", played.letter.partition, played.letter.offset)

        other_task = await paula.post_task()
        bid = {"taskId": other_task, "amount": euro("98.00"), "message": played.secret("refused message")}
        async with refusing_rows(stack, "bids", "bids"):
            played.failed_request, played.failure = await _send_until_known(tom, PLACE_BID, {"input": bid})
    return played


async def _send(
    person: Person, document: str, variables: Data | None = None, token: str | None = None
) -> tuple[str, Data]:
    """Sends an operation with a request id of its own. Returns that and the answer."""
    request_id = f"observed.{uuid.uuid4().hex}"
    headers = {"authorization": f"Bearer {token or await person.token()}", "x-request-id": request_id}
    body = {"query": document, "variables": variables or {}}
    response = await person._http.post("/graphql", json=body, headers=headers)
    assert response.headers["x-request-id"] == request_id
    return request_id, response.json()


async def _send_until_known(person: Person, document: str, variables: Data) -> tuple[str, Data]:
    """Sends it until `bids` knows of the task."""
    for _ in range(200):
        request_id, answer = await _send(person, document, variables)
        if "NOT_FOUND" not in json.dumps(answer):
            return request_id, answer
        await asyncio.sleep(0.05)
    raise AssertionError(answer)


# --- traces -----------------------------------------------------------------------------------------------------


async def test_one_trace_goes_from_the_router_to_the_notification(
    stack: Stack, collector: Collector, played: Played
) -> None:
    trace = log_line(stack, "bids", "operation", played.bid_request)["trace_id"]
    assert isinstance(trace, str)

    def spans() -> list[Span]:
        return collector.trace(trace)

    def find(service: str, name: str, text: str = "") -> list[Span]:
        return [
            span
            for span in spans()
            if (span.service, span.name) == (service, name) and text in span.attributes.get("db.statement", "")
        ]

    # A trace is whole when each service has sent what ended last in it.
    last = [("notifications", "COMMIT;"), ("bids", "POST /graphql")]
    if played.kind == routers.HIVE_ROUTER:
        last.append(("router", "http.server"))
    await eventually(
        lambda: all(find(*each) for each in last),
        EXPORTED_WITHIN,
        lambda: [(span.service, span.name) for span in spans()],
    )

    [written] = find("notifications", "INSERT", "INTO notifications")
    by_id = {span.id: span for span in spans()}
    chain = [written]
    while chain[-1].parent in by_id:
        chain.append(by_id[chain[-1].parent])
    behind_the_router = [
        ("notifications", "INSERT", "client"),
        ("notifications", "consume bids.bid.placed", "consumer"),
        ("bids", "BiddingMutation.place_bid", "internal"),
        ("bids", "mutation placeBid", "internal"),
        ("bids", "POST /graphql", "server"),
    ]
    in_the_router = [
        ("router", "http.client", "client"),
        ("router", "graphql.subgraph.operation", "client"),
        ("router", "graphql.execute", "internal"),
        ("router", "graphql.operation", "server"),
        ("router", "http.server", "server"),
    ]
    expected = behind_the_router + (in_the_router if played.kind == routers.HIVE_ROUTER else [])
    assert [(span.service, span.name, span.kind) for span in chain] == expected
    # The embedded router begins the trace without a span of its own.
    assert bool(chain[-1].parent) == (played.kind == routers.EMBEDDED)

    resolver = chain[2]
    statements = [span for span in spans() if span.parent == resolver.id and span.kind == "client"]
    assert [span.name for span in statements][:1] + [span.name for span in statements][-1:] == ["BEGIN;", "COMMIT;"]
    [bid] = find("bids", "INSERT", "INTO bids")
    assert bid in statements
    assert "VALUES ($1" in bid.attributes["db.statement"]
    assert any("INTO outbox" in span.attributes["db.statement"] for span in statements)
    # One server span a hop, and nobody else's.
    assert len(find("bids", "POST /graphql")) == 1
    assert {span.service for span in spans()} == {span.service for span in chain}
    assert not any(span.failed for span in spans())


async def test_a_failed_resolver_is_found_by_the_request_id_of_its_error(
    stack: Stack, collector: Collector, played: Played
) -> None:
    [error] = played.failure["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert error["path"] == ["placeBid"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["requestId"] == played.failed_request

    line = log_line(stack, "bids", "resolver_failed", played.failed_request)
    assert (line["level"], line["actor_id"], line["path"]) == ("error", played.tasker_id, ["placeBid"])
    assert "place_bid" in str(line["exception"])
    assert "CheckViolation" in str(line["exception"])

    def failed() -> set[tuple[str, str]]:
        spans = collector.trace(str(line["trace_id"]))
        return {(span.name, span.attributes["error.type"]) for span in spans if span.failed and span.service == "bids"}

    await eventually(lambda: ("BiddingMutation.place_bid", "IntegrityError") in failed(), EXPORTED_WITHIN, failed)
    assert ("INSERT", "CheckViolationError") in failed()


# --- metrics ----------------------------------------------------------------------------------------------------

_CLOSED_LABELS = {
    "type", "field", "kind", "code", "method", "path", "status", "pool", "result", "consumer", "topic", "partition",
    "outcome", "template", "le", "generation", "implementation", "major", "minor", "patchlevel", "version",
}  # fmt: skip
_ANY_ID = re.compile(r"\b[a-z]+_[0-9a-hjkmnp-tv-z]{26}\b|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{32}|@")


async def test_the_bid_shows_in_the_metrics_of_the_subgraphs(played: Played) -> None:
    bids, notifications = played.live["bids"], played.live["notifications"]

    placed = {"type": "mutation", "field": "placeBid"}
    assert _sum(bids, "exchange_operations_total", **placed, code="OK") >= 1
    assert _sum(bids, "exchange_operation_duration_seconds_count", **placed) >= 1
    assert _sum(bids, "exchange_field_duration_seconds_count", field="BiddingMutation.place_bid") >= 1
    assert _sum(bids, "exchange_http_requests_total", method="POST", path="/graphql", status="200") >= 1
    assert _sum(bids, "exchange_live_subscriptions") >= 1
    assert _sum(bids, "exchange_relay_leader") == 1
    assert 0 <= _sum(bids, "exchange_relay_lag_seconds") < 20
    assert 0 <= _sum(bids, "exchange_relay_unpublished") < 20
    for pool in ("transaction", "read"):
        assert _sum(bids, "exchange_database_pool_size", pool=pool) > 0
        assert 0 <= _sum(bids, "exchange_database_pool_in_use", pool=pool) <= 5

    handled = {"consumer": "notifications", "type": "bids.bid.placed", "outcome": "handled"}
    assert _sum(notifications, "exchange_consumed_total", **handled) >= 1
    assert 0 <= _sum(notifications, _CONSUMER_LAG, consumer="notifications", topic="bids.bid") < 100


async def test_dead_letters_and_refusals_are_counted(stack: Stack, all_played: dict[str, Played]) -> None:
    notifications = _samples(await page(stack.url("notifications", "/metrics")))
    bids = _samples(await page(stack.url("bids", "/metrics")))
    runs = len(all_played)
    assert _sum(notifications, "exchange_dead_letters_total", consumer="notifications", topic="bids.bid") >= runs
    assert _sum(notifications, "exchange_consumed_total", type="bids.bid.updated", outcome="failed") >= runs
    assert _sum(bids, "exchange_operations_total", type="mutation", field="placeBid", code="INTERNAL") >= runs


async def test_no_label_is_a_clients_to_choose(stack: Stack, all_played: dict[str, Played]) -> None:
    chosen = "Zz" + uuid.uuid4().hex
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        query = {"query": f"query {chosen} {{ {chosen}: __typename }}", "operationName": chosen}
        for edge in stack.edges.values():
            assert (await client.post(f"{edge}/graphql", json=query)).json()["data"] == {chosen: "Query"}
            await client.post(f"{edge}/graphql", json={"query": f"{{ {chosen} }}"})
        for name in built_subgraphs():
            assert (await client.post(stack.url(name, "/graphql"), json=query)).json()["data"] == {chosen: "Query"}
            await client.post(stack.url(name, "/graphql"), json={"query": f"{{ {chosen} }}"})
            await client.request(chosen.upper(), stack.url(name, f"/{chosen}?{chosen}={chosen}"))

    for name in built_subgraphs():
        text = await page(stack.url(name, "/metrics"))
        samples = _samples(text)
        labels = {label for sample in samples for label in sample[1]}
        assert labels <= _CLOSED_LABELS
        assert not [sample for sample in samples if any(_ANY_ID.search(value) for value in sample[1].values())]
        assert chosen.lower() not in text.lower()
    if routers.HIVE_ROUTER in stack.edges:
        text = await page(metrics_pages(stack)["the router"])
        assert "http_server_request_duration_seconds_count" in text
        assert "graphql_operation_name" not in text
        assert chosen.lower() not in text.lower()


# --- logs, and what is in none of all -----------------------------------------------------------------------------


def test_every_line_of_a_subgraphs_log_is_json_with_the_ids_of_its_request(
    stack: Stack, all_played: dict[str, Played]
) -> None:
    for name in built_subgraphs():
        lines = log_lines(stack, name)
        assert lines
        for line in lines:
            assert line["service"] == name
            assert line["level"] in {"debug", "info", "warning", "error", "critical"}
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", str(line["timestamp"]))
            assert isinstance(line["event"], str)
            if line["event"] in ("operation", "resolver_failed"):
                assert re.fullmatch(r"[A-Za-z0-9._-]{8,128}", str(line["request_id"]))
                assert re.fullmatch(r"[0-9a-f]{32}", str(line["trace_id"]))
                assert re.fullmatch(r"[0-9a-f]{16}", str(line["span_id"]))

    for played in all_played.values():
        line = log_line(stack, "bids", "operation", played.bid_request)
        assert (line["type"], line["field"], line["code"]) == ("mutation", "placeBid", "OK")
        assert line["actor_id"] == played.tasker_id
        failed = log_line(stack, "bids", "operation", played.failed_request)
        assert (failed["code"], failed["actor_id"]) == ("INTERNAL", played.tasker_id)
        # Who signs up is nobody yet. Lines of other tests do not count: some send a token beside it.
        sign_ups = [log_line(stack, "users", "operation", request) for request in played.sign_up_requests]
        assert [line["field"] for line in sign_ups] == ["signUp", "signUp"]
        assert not any("actor_id" in line for line in sign_ups)


async def test_nothing_personal_is_in_logs_spans_metrics_or_dead_letters(
    stack: Stack, collector: Collector, all_played: dict[str, Played]
) -> None:
    def exported(request: str) -> list[Span]:
        return collector.trace(str(log_line(stack, "bids", "operation", request)["trace_id"]))

    await eventually(lambda: all(exported(played.failed_request) for played in all_played.values()), EXPORTED_WITHIN)

    seen = {f"log {path.name}": path.read_bytes() for path in log_files(stack)}
    seen["spans"] = b"".join(collector.bodies)
    for process, url in metrics_pages(stack).items():
        seen[f"metrics of {process}"] = (await page(url)).encode()
    assert len(seen["spans"]) > 10_000
    assert {"log bids.log", "log router.log", "log postgres.log"} <= seen.keys()

    for played in all_played.values():
        found = [
            (what, where)
            for what, text in played.personal.items()
            for where, content in seen.items()
            if text.encode() in content
        ]
        assert found == []

        letter = played.letter
        assert letter
        assert (letter.consumer, letter.event_type, letter.error_type) == (
            "notifications",
            "bids.bid.updated",
            "IntegrityError",
        )
        told = f"{letter.error} {letter.error_type} {letter.key!r} {letter.headers!r}"
        assert [what for what, text in played.personal.items() if text in told] == []
        # The event itself lies there as it was: of what people wrote it carries the bid's message, nothing else.
        value = (letter.value or b"").decode()
        assert {what for what, text in played.personal.items() if text in value} == {"changed message"}


def _samples(page: str) -> list[Sample]:
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]


def _values(samples: Iterable[Sample], name: str, labels: Mapping[str, str]) -> list[float]:
    return [value for each, found, value in samples if each == name and labels.items() <= found.items()]


def _sum(samples: Iterable[Sample], name: str, **labels: str) -> float:
    """The sum of the series of this name with these labels, of which there must be one."""
    values = _values(samples, name, labels)
    assert values, f"no series {name} {labels}"
    return sum(values)
