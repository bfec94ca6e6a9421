"""Prometheus metrics of the platform. Every label has a small, closed set of values."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Protocol

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from shared.telemetry.traces import span, tracing

log = structlog.get_logger(__name__)

# A second series beside each counter and histogram, which nothing here reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # not typed there

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

OPERATIONS = Counter(
    "exchange_operations_total", "GraphQL operations by root field and code.", ("type", "field", "code")
)
OPERATION_SECONDS = Histogram(
    "exchange_operation_duration_seconds", "Time per GraphQL operation.", ("type", "field"), buckets=_SECONDS
)
FIELD_SECONDS = Histogram(
    "exchange_field_duration_seconds", "Time in a field's resolver.", ("field",), buckets=_SECONDS
)
HTTP_REQUESTS = Counter("exchange_http_requests_total", "HTTP requests.", ("method", "path", "status"))
HTTP_SECONDS = Histogram(
    "exchange_http_request_duration_seconds", "Time per HTTP request.", ("path",), buckets=_SECONDS
)
SUBSCRIPTIONS = Gauge("exchange_live_subscriptions", "Subscriptions under way.")
WEBSOCKETS = Gauge("exchange_open_websockets", "WebSocket connections.")
POOL_SIZE = Gauge("exchange_database_pool_size", "Connections that the pool may have.", ("pool",))
POOL_IN_USE = Gauge("exchange_database_pool_in_use", "Connections that are taken.", ("pool",))
REDIS_UP = Gauge("exchange_redis_up", "Whether Redis answered when it was last asked.")
REFUSALS = Counter("exchange_refusals_total", "What was refused or cut off by a limit of how much.", ("limit",))
CACHE_REQUESTS = Counter("exchange_cache_requests_total", "Cached reads: hit, miss, unavailable …", ("result",))


class Outcome:
    """What became of an operation; `code` is set before the block ends."""

    __slots__ = ("code",)

    def __init__(self) -> None:
        self.code = "INTERNAL"


@contextmanager
def operation_metrics(type: str, fields: Sequence[str]) -> Iterator[Outcome]:
    """Counts, times, traces and logs one operation by its type and root field.

    The operation's name is the client's to choose and would be an unbounded label; `fields` must have
    been validated against the schema for the same reason.
    """
    distinct = set(fields)
    field = distinct.pop() if len(distinct) == 1 else "several"
    outcome = Outcome()
    started = perf_counter()
    try:
        with span(f"{type} {field}") as current:
            yield outcome
            if current is not None:
                current.set("graphql.operation.type", type)
                current.set("exchange.code", outcome.code)
            # What changes something leaves a line; queries are many, and their metrics tell enough.
            tell = log.info if type == "mutation" else log.debug
            tell("operation", type=type, field=field, code=outcome.code, seconds=round(perf_counter() - started, 6))
    finally:
        OPERATION_SECONDS.labels(type, field).observe(perf_counter() - started)
        OPERATIONS.labels(type, field, outcome.code).inc()


class _Timed(Protocol):
    def observe(self, amount: float) -> None: ...


class _FieldTimer:
    __slots__ = ("_histogram", "_started")

    def __init__(self, histogram: _Timed) -> None:
        self._histogram = histogram

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._histogram.observe(perf_counter() - self._started)


_fields: dict[str, _Timed] = {}


def field_span(name: str) -> "_FieldTimer | _TracedField":
    """Times and traces one resolver, `name` being its qualified name, such as `Task.bids`."""
    histogram = _fields.get(name)
    if histogram is None:
        histogram = _fields[name] = FIELD_SECONDS.labels(name)
    return _TracedField(name, histogram) if tracing() else _FieldTimer(histogram)


class _TracedField(_FieldTimer):
    __slots__ = ("_span",)

    def __init__(self, name: str, histogram: _Timed) -> None:
        super().__init__(histogram)
        self._span = span(name)

    def __enter__(self) -> None:
        super().__enter__()
        self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, traceback)
        super().__exit__(kind, error, traceback)


@contextmanager
def live_subscriptions() -> Iterator[None]:
    """Counts a subscription as live for the length of the block."""
    SUBSCRIPTIONS.inc()
    try:
        yield
    finally:
        SUBSCRIPTIONS.dec()


def watch_pools(engines: Mapping[str, AsyncEngine]) -> None:
    """Shows the pools of these engines, by name, at each scrape; a later engine of a name replaces the earlier."""
    for name, engine in engines.items():
        pool = engine.sync_engine.pool
        assert isinstance(pool, QueuePool)
        POOL_SIZE.labels(name).set_function(pool.size)
        POOL_IN_USE.labels(name).set_function(pool.checkedout)


def render_metrics() -> tuple[bytes, str]:
    """All metrics of the process in Prometheus' text format, and its media type."""
    return generate_latest(), CONTENT_TYPE_LATEST
