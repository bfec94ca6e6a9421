import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from shared import telemetry
from shared.database.db import Database
from shared.telemetry import RequestMiddleware
from shared.telemetry.traces import configure_traces
from tests.conftest import SettingsFor
from tests.support.cpu import cpu_seconds

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"

# Run in a process of its own, since logging is set up once per process.
LOGGING_PROGRAM = """
import asyncio, enum, logging, sys, uuid, warnings
from dataclasses import dataclass
import structlog
from pydantic import BaseModel
from sqlalchemy import text
from shared import telemetry
from shared.config import Settings
from shared.database.db import Database

settings = Settings.model_validate_json(sys.stdin.read())
telemetry.configure(settings, "bids")
log = structlog.get_logger("shared.example")

class Signup(BaseModel):
    email: int

@dataclass
class Person:
    email: str = "alice@example.com"

log.debug("too_quiet")
log.info("outside")
telemetry.bind_request("request-0001")
telemetry.bind_actor("user_01alice")
log.info("inside", seconds=1.5, count=2, code="BID_TOO_LOW", id=uuid.UUID(int=1))
with telemetry.with_traceparent(sys.argv[1]):
    log.info("traced")
log.info(
    "personal", email="alice@example.com", phoneNumber="+66811111111", password="hunter2", refresh_token="r1",
    Authorization="Bearer abc", message="call me", body={"a": 1}, person=Person(), display_name="Alice",
    nested={"new_password": "hunter2", "list": ["alice@example.com", {"phone": "1"}], "id": "bid_1"},
    note="ask alice@example.com or Bearer abc.def eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln",
    url="postgresql+asyncpg://bids:hunter2@127.0.0.1:5432/bids", error=ValueError("bob@example.com\\nhunter2"),
    reason="UniqueViolationError('duplicate key\\nDETAIL:  Key (bio)=(hunter2\\nhunter2) exists')",
)
log.info("strange", lone="\\ud800", big=2**70, deep=[[[[[[["alice"]]]]]]])
try:
    secret_local = "hunter2"
    Signup(email="alice@example.com")
except ValueError:
    log.exception("invalid")

async def violate() -> None:
    database = Database(settings)
    try:
        async with database.transaction() as session:
            await session.execute(text("CREATE TEMP TABLE people (email text UNIQUE, bio text)"))
            for _ in range(2):
                await session.execute(
                    text("INSERT INTO people VALUES (:email, :bio)"),
                    {"email": "alice\\nof example", "bio": "hunter2"},
                )
    except Exception:
        log.exception("violated")
    finally:
        await database.close()

asyncio.run(violate())
logging.getLogger("uvicorn.error").info("started on %s", "alice@example.com")
logging.getLogger("uvicorn.access").info('"GET /graphql?query=hunter2"')
logging.getLogger("aiokafka.conn").debug("payload hunter2")
logging.getLogger("aiokafka.conn").warning("broker gone\\nhunter2")
try:
    raise ExceptionGroup("several", [ValueError("one\\nhunter2"), KeyError("two")])
except ExceptionGroup:
    logging.getLogger("asyncio").exception("failed")
warnings.warn("old")
"""


LogLines = dict[str, dict[str, object]]
_run_once: list[LogLines] = []


@pytest.fixture
def log_lines(settings_for: SettingsFor) -> LogLines:
    """What the program logs, by event."""
    if not _run_once:
        _run_once.append(_run_logging_program(settings_for))
    return {event: dict(line) for event, line in _run_once[0].items()}


def _run_logging_program(settings_for: SettingsFor) -> LogLines:
    settings = settings_for("platform", environment="production")
    dumped = settings.model_dump(mode="json") | {
        "database_url": settings.database_url.get_secret_value(),
        "redis_url": settings.redis_url.get_secret_value(),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOGGING_PROGRAM, TRACEPARENT],
        input=json.dumps(dumped), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    for personal in ("alice@", "bob@", "hunter2", "Alice", "+668", "call me", "of example"):
        assert personal not in done.stdout
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["event"].partition(":")[0] if line["logger"] == "py.warnings" else line["event"]: line
            for line in lines}  # fmt: skip


def without_common(line: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in line.items() if key not in ("timestamp", "service", "logger")}


def test_logs_are_json_with_ids_and_without_personal_data(log_lines: LogLines) -> None:
    ids = {"request_id": "request-0001", "actor_id": "user_01alice"}
    assert "too_quiet" not in log_lines
    assert str(log_lines["outside"].pop("timestamp")).endswith("Z")
    assert log_lines["outside"] == {
        "event": "outside", "level": "info", "logger": "shared.example", "service": "bids",
    }  # fmt: skip
    assert without_common(log_lines["inside"]) == ids | {
        "event": "inside", "level": "info", "seconds": 1.5, "count": 2, "code": "BID_TOO_LOW",
        "id": "00000000-0000-0000-0000-000000000001",
    }  # fmt: skip
    assert without_common(log_lines["traced"]) == ids | {
        "event": "traced", "level": "info", "trace_id": TRACE, "span_id": "b7ad6b7169203331",
    }  # fmt: skip
    hidden = "[hidden]"
    assert without_common(log_lines["personal"]) == ids | {
        "event": "personal", "level": "info", "email": hidden, "phoneNumber": hidden, "password": hidden,
        "refresh_token": hidden, "Authorization": hidden, "message": hidden, "body": hidden,
        "person": "<Person>", "display_name": hidden,
        "nested": {"new_password": hidden, "list": [hidden, {"phone": hidden}], "id": "bid_1"},
        "note": f"ask {hidden} or Bearer {hidden} {hidden}",
        "url": f"postgresql+asyncpg://{hidden}@127.0.0.1:5432/bids", "error": f"ValueError: {hidden}",
        "reason": f"UniqueViolationError('duplicate key\nDETAIL: {hidden}",
    }  # fmt: skip
    assert log_lines["strange"]["lone"] == "\ud800"


def test_exceptions_are_logged_by_place_type_and_first_line(log_lines: LogLines) -> None:
    invalid = str(log_lines["invalid"]["exception"])
    assert "in <module>" in invalid
    assert invalid.endswith("ValidationError: 1 validation error for Signup")
    violated = str(log_lines["violated"]["exception"])
    assert "in violate" in violated
    assert 'unique constraint "people_email_key"' in violated
    assert violated.count("caused by") == 2
    group = str(log_lines["failed"]["exception"])
    assert "several (2 sub-exceptions)" in group
    assert group.endswith("builtins.ValueError: one\nbuiltins.KeyError: 'two'")


def test_the_standard_library_logs_through_the_same_chain(log_lines: LogLines) -> None:
    started = log_lines["started on [hidden]"]
    assert (started["logger"], started["level"], started["request_id"]) == ("uvicorn.error", "info", "request-0001")
    assert log_lines["broker gone"]["logger"] == "aiokafka.conn"
    assert [line["level"] for line in log_lines.values() if line["logger"] == "py.warnings"] == ["warning"]


@dataclass
class App:
    """An ASGI application that does what a test says, and the answers of the middleware around it."""

    act: Callable[[], Awaitable[None]] | None = None
    status: int = 200
    seen_request_id: str = ""
    sent: list[Message] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen_request_id = telemetry.current_request_id()
        if self.act is not None:
            await self.act()
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": self.status, "headers": [(b"a", b"b")]})
            await send({"type": "http.response.body", "body": b""})

    async def request(self, path: str = "/graphql", method: str = "POST", kind: str = "http", **headers: str) -> None:
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": kind, "method": method, "path": path, "headers": raw}
        await RequestMiddleware(self)(scope, _receive, self._send)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def _receive() -> Message:
    return {"type": "http.request", "body": b""}


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize("id", ["a" * 8, "Az09._-Az09", "x" * 128])
async def test_a_request_id_of_the_client_is_kept(id: str) -> None:
    app = App()
    await app.request(x_request_id=id)
    assert app.seen_request_id == id
    assert app.sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", id.encode())]


@pytest.mark.parametrize("id", ["short", "x" * 129, "new\nline12", "spaces are bad", "<script>alert(1)"])
async def test_any_other_request_id_is_replaced(id: str) -> None:
    app = App()
    await app.request(x_request_id=id)
    assert len(app.seen_request_id) == 32
    assert app.sent[0]["headers"][-1] == (b"x-request-id", app.seen_request_id.encode())


async def test_a_websocket_has_an_id_too_and_is_counted_while_it_lasts() -> None:
    during: list[float] = []

    async def look() -> None:
        during.append(sample("exchange_open_websockets"))

    before = sample("exchange_open_websockets")
    app = App(look)
    await app.request(kind="websocket", x_request_id="websocket-1")
    assert app.seen_request_id == "websocket-1"
    assert during == [before + 1]
    assert sample("exchange_open_websockets") == before


async def test_requests_are_counted_and_timed_under_a_closed_set_of_labels() -> None:
    def counts() -> list[float]:
        return [
            sample("exchange_http_requests_total", method="POST", path="/graphql", status="200"),
            sample("exchange_http_request_duration_seconds_count", path="/graphql"),
            sample("exchange_http_requests_total", method="OTHER", path="other", status="404"),
            sample("exchange_http_requests_total", method="GET", path="/graphql", status="500"),
            sample("exchange_http_requests_total", method="GET", path="/graphql", status="499"),
        ]

    async def fail() -> None:
        raise ValueError

    async def cut_off() -> None:
        raise asyncio.CancelledError

    before = counts()
    await App().request()
    await App(status=404).request("/wp-login.php", "HACK")
    with pytest.raises(ValueError, match=r"^$"):
        await App(fail).request(method="GET")
    with pytest.raises(asyncio.CancelledError):
        await App(cut_off).request(method="GET")
    assert [after - earlier for earlier, after in zip(before, counts(), strict=True)] == [1, 3, 1, 1, 1]


async def test_operations_are_counted_by_root_field_and_code() -> None:
    def counts() -> list[float]:
        return [
            sample("exchange_operations_total", type="mutation", field="placeBid", code="OK"),
            sample("exchange_operations_total", type="query", field="several", code="FORBIDDEN"),
            sample("exchange_operations_total", type="query", field="task", code="INTERNAL"),
            sample("exchange_operation_duration_seconds_count", type="query", field="task"),
            sample("exchange_field_duration_seconds_count", field="Task.bids"),
        ]

    before = counts()
    with telemetry.operation_metrics("mutation", ("placeBid",)) as outcome:
        outcome.code = "OK"
    with telemetry.operation_metrics("query", ("task", "me")) as outcome:
        outcome.code = "FORBIDDEN"
    with pytest.raises(ValueError, match=r"^$"), telemetry.operation_metrics("query", ("task", "task")):
        raise ValueError
    with telemetry.field_span("Task.bids"):
        pass
    assert [after - earlier for earlier, after in zip(before, counts(), strict=True)] == [1, 1, 1, 1, 1]


async def test_live_subscriptions_and_pools_are_shown_at_each_scrape(settings_for: SettingsFor) -> None:
    database = Database(settings_for("platform", transaction_pool_size=3))
    telemetry.watch_pools(database.pools())
    try:
        before = sample("exchange_live_subscriptions")
        with telemetry.live_subscriptions():
            async with database.transaction() as session:
                await session.execute(text("SELECT 1"))
                content = (await telemetry.metrics_endpoint(Request({"type": "http"}))).body
        lines = bytes(content).decode().splitlines()
        assert f"exchange_live_subscriptions {before + 1}" in lines
        assert 'exchange_database_pool_size{pool="transaction"} 3.0' in lines
        assert 'exchange_database_pool_in_use{pool="transaction"} 1.0' in lines
        assert 'exchange_database_pool_in_use{pool="read"} 0.0' in lines
        assert sample("exchange_database_pool_in_use", pool="transaction") == 0
    finally:
        await database.close()


@pytest.mark.timing
def test_what_every_request_pays_is_small() -> None:
    async def requests() -> None:
        app = RequestMiddleware(App())
        scope: Scope = {
            "type": "http", "method": "POST", "path": "/graphql",
            "headers": [(b"host", b"x"), (b"x-request-id", b"request-0001"), (b"traceparent", TRACEPARENT.encode())],
        }  # fmt: skip
        for _ in range(1000):
            await app(scope, _receive, _drop)

    assert cpu_seconds(lambda: asyncio.run(requests())) / 1000 < 50e-6


async def _drop(message: Message) -> None:
    return


@pytest.fixture
async def exported(settings_for: SettingsFor) -> AsyncIterator[Callable[[], Awaitable[list[ReadableSpan]]]]:
    """Turns traces on; a call ends them and answers with the spans."""
    exporter = InMemorySpanExporter()
    configure_traces(settings_for("platform"), "bids", exporter)

    async def finish() -> list[ReadableSpan]:
        await telemetry.shutdown()
        return list(exporter.get_finished_spans())

    yield finish
    await telemetry.shutdown()


async def test_a_trace_goes_from_the_request_to_the_statement_and_on(
    settings_for: SettingsFor, exported: Callable[[], Awaitable[list[ReadableSpan]]]
) -> None:
    database = Database(settings_for("platform"))
    handed_on: list[str | None] = []

    async def act() -> None:
        with telemetry.operation_metrics("query", ("task",)) as outcome:
            with telemetry.field_span("Query.task"):
                statement = text("SELECT 1 AS one WHERE 'hunter2' <> CAST(:secret AS text)")
                await database.fetch(statement.columns(), {"secret": "alice"})  # type: ignore[arg-type]  # text
                handed_on.append(telemetry.current_traceparent())
            outcome.code = "OK"

    await database.check()
    await App(act).request(traceparent=TRACEPARENT)
    await database.close()

    spans = {span.name: span for span in await exported()}
    chain = ["POST /graphql", "query task", "Query.task", "SELECT"]
    parents = [spans[name].parent for name in chain]
    assert [f"{parent.span_id:016x}" for parent in parents if parent] == [
        "b7ad6b7169203331",
        *(f"{spans[name].context.span_id:016x}" for name in chain[:-1]),
    ]
    assert {f"{spans[name].context.trace_id:032x}" for name in chain} == {TRACE}
    assert handed_on == [f"00-{TRACE}-{spans['Query.task'].context.span_id:016x}-01"]
    assert dict(spans["POST /graphql"].attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
    }
    assert "alice" not in "".join(span.to_json() for span in spans.values())


async def test_spans_of_failures_hold_no_messages(
    settings_for: SettingsFor, exported: Callable[[], Awaitable[list[ReadableSpan]]]
) -> None:
    database = Database(settings_for("platform"))

    async def place_bid() -> None:
        with telemetry.span("placeBid", bid="bid_1"):
            async with database.transaction() as session:
                await session.execute(text("CREATE TEMP TABLE people (email text UNIQUE)"))
                for _ in range(2):
                    await session.execute(text("INSERT INTO people VALUES (:email)"), {"email": "alice"})

    with pytest.raises(IntegrityError):
        await place_bid()
    await database.close()

    spans = await exported()
    assert {span.name: span.status.is_ok for span in spans if span.name in ("placeBid", "INSERT")} == {
        "placeBid": False,
        "INSERT": False,
    }
    assert "alice" not in "".join(span.to_json() for span in spans)
    assert [span.attributes for span in spans if span.name == "placeBid"] == [
        {"bid": "bid_1", "error.type": "IntegrityError"}
    ]


async def test_modules_that_use_opentelemetry_directly_follow_the_set_up(settings_for: SettingsFor) -> None:
    tracer = trace.get_tracer("shared.messaging.consumer")
    names: list[list[tuple[str, object]]] = []
    for _ in range(2):
        exporter = InMemorySpanExporter()
        configure_traces(settings_for("platform"), "bids", exporter)
        with pytest.raises(ValueError, match="alice"), tracer.start_as_current_span("consume"):
            raise ValueError("alice")
        await telemetry.shutdown()
        with tracer.start_as_current_span("nobody looks"):
            pass
        spans = exporter.get_finished_spans()
        names.append([(span.name, (span.attributes or {}).get("error.type")) for span in spans])
        assert "alice" not in "".join(span.to_json() for span in spans)
    assert names == [[("consume", "ValueError")]] * 2


async def test_without_an_endpoint_the_callers_trace_is_handed_on_unchanged() -> None:
    handed_on: list[str | None] = []

    async def act() -> None:
        with telemetry.span("x") as current:
            assert current is None
            handed_on.append(telemetry.current_traceparent())

    await App(act).request(traceparent=TRACEPARENT)
    await App(act).request()
    assert handed_on == [TRACEPARENT, None]


@pytest.mark.parametrize(
    "value", [None, "", "00-" + "0" * 32 + "-b7ad6b7169203331-01", TRACEPARENT.upper(), TRACEPARENT + "-x", "\ud800"]
)
def test_a_malformed_traceparent_is_ignored(value: str | None) -> None:
    with telemetry.with_traceparent(value):
        assert telemetry.current_traceparent() is None


class _Collector(BaseHTTPRequestHandler):
    received: ClassVar[list[tuple[str, bytes]]]

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["content-length"]))
        type(self).received.append((self.path, content))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    class Collector(_Collector):
        received: ClassVar[list[tuple[str, bytes]]] = []

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", Collector.received
    server.shutdown()
    thread.join()
    server.server_close()


async def test_spans_reach_the_collector(
    settings_for: SettingsFor, collector: tuple[str, list[tuple[str, bytes]]]
) -> None:
    address, received = collector
    configure_traces(settings_for("platform", otlp_endpoint=address), "bids")
    with telemetry.span("relay"):
        pass
    await telemetry.shutdown()

    assert [path for path, _ in received] == ["/v1/traces"]
    resources = ExportTraceServiceRequest.FromString(received[0][1]).resource_spans
    names = {item.key: item.value.string_value for item in resources[0].resource.attributes}
    assert names["service.name"] == "bids"
    assert [span.name for span in resources[0].scope_spans[0].spans] == ["relay"]


@pytest.mark.timing
async def test_a_dead_collector_holds_nothing_up(settings_for: SettingsFor) -> None:
    configure_traces(settings_for("platform", otlp_endpoint="http://127.0.0.1:1"), "bids")
    with telemetry.span("relay"):
        pass
    started = time.monotonic()
    await telemetry.shutdown()
    assert time.monotonic() - started < 8


def test_a_share_of_the_traces_is_kept(settings_for: SettingsFor) -> None:
    exporter = InMemorySpanExporter()
    configure_traces(settings_for("platform", trace_sample_ratio=0.0), "bids", exporter)
    with telemetry.span("new trace"):
        pass
    # The caller decided already.
    with telemetry.with_traceparent(TRACEPARENT), telemetry.span("kept"):
        pass
    with telemetry.with_traceparent(TRACEPARENT[:-1] + "0"), telemetry.span("not kept"):
        pass
    asyncio.run(telemetry.shutdown())
    assert [span.name for span in exporter.get_finished_spans()] == ["kept"]
