"""OpenTelemetry traces: from the router's request through resolver and SQL to Kafka and the consumer.

Without an OTLP endpoint nothing is recorded, and spans cost a comparison; the trace that a caller
began is passed on all the same, so that its ids stand in the logs and reach the next service.

Spans carry no exception messages: PostgreSQL quotes the offending row in them.
"""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Token
from types import TracebackType
from typing import Any, Self

from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.util.types import Attributes, AttributeValue

from shared.config import Settings
from shared.telemetry.seldom import Seldom

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_EXPORT_TIMEOUT_SECONDS = 3.0

# While nobody listens, each of its attempts in vain writes two lines, every few seconds.
logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").addFilter(Seldom(300))

_provider: TracerProvider | None = None
_tracer: trace.Tracer | None = None
_NO_TRACER = trace.NoOpTracer()
_NOTHING: AbstractContextManager[None] = nullcontext()


def configure_traces(settings: Settings, service_name: str, exporter: SpanExporter | None = None) -> None:
    """Records traces if there is an OTLP endpoint (or an `exporter`, for tests); replaces an earlier set-up."""
    global _provider, _tracer
    _stop()
    if exporter is None and not settings.otlp_endpoint:
        return
    exporter = exporter or OTLPSpanExporter(
        f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_TIMEOUT_SECONDS
    )
    _provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.trace_sample_ratio)),
        resource=Resource.create({"service.name": service_name, "deployment.environment.name": settings.environment}),
        shutdown_on_exit=False,
    )
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("exchange")
    if not isinstance(trace.get_tracer_provider(), _GlobalProvider):
        trace.set_tracer_provider(_GlobalProvider())
    _asyncpg().instrument()


async def shutdown() -> None:
    """Sends the spans that are left, for a few seconds at most, and records no more."""
    await asyncio.to_thread(_stop)


def _stop() -> None:
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        _asyncpg().uninstrument()
        provider.force_flush(int(_EXPORT_TIMEOUT_SECONDS * 1000))
        provider.shutdown()


def _asyncpg() -> AsyncPGInstrumentor:
    return AsyncPGInstrumentor(capture_parameters=False)  # type: ignore[no-untyped-call]  # not typed there


def tracing() -> bool:
    """Whether spans are recorded."""
    return _tracer is not None


def span(
    name: str, kind: trace.SpanKind = trace.SpanKind.INTERNAL, **attributes: AttributeValue
) -> AbstractContextManager["_Span | None"]:
    """A span around the block, below the current one; nothing where traces are off.

    `name` is one of a few; what varies goes into `attributes`, which hold no personal data. The block
    gets the span, or None, to add attributes to.
    """
    if _tracer is None:
        return _NOTHING
    return _Span(_tracer.start_span(name, kind=kind, attributes=attributes))


class _Span:
    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._token: Token[otel.Context] | None = None

    def set(self, key: str, value: AttributeValue) -> None:
        self._span.set_attribute(key, value)

    def __enter__(self) -> Self:
        self._token = otel.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(kind, Exception):
            _mark_failed(self._span, kind)
        self._span.end()
        if self._token is not None:
            otel.detach(self._token)


def current_span_context() -> trace.SpanContext | None:
    """The ids of the current span, or None outside of a trace."""
    context = trace.get_current_span().get_span_context()
    return context if context.is_valid else None


def current_traceparent() -> str | None:
    """The current span as a W3C `traceparent`, to hand on; None outside of a trace."""
    context = current_span_context()
    if context is None:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def with_traceparent(value: str | None) -> AbstractContextManager[None]:
    """Makes the spans of the block children of the caller's; a malformed or missing `traceparent` is ignored."""
    context = _remote(value) if value else None
    return _attached(context) if context is not None else _NOTHING


@contextmanager
def _attached(context: otel.Context) -> Iterator[None]:
    token = otel.attach(context)
    try:
        yield
    finally:
        otel.detach(token)


def _remote(value: str) -> otel.Context | None:
    match = _TRACEPARENT.fullmatch(value)
    if match is None:
        return None
    context = trace.SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=trace.TraceFlags(int(match[3], 16))
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(context)) if context.is_valid else None


class _GlobalProvider(trace.TracerProvider):
    """What `opentelemetry.trace.get_tracer` answers with, in our modules and in instrumented libraries."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> trace.Tracer:
        return _GlobalTracer(instrumenting_module_name, instrumenting_library_version)


class _GlobalTracer(trace.Tracer):
    """Follows the set-up of the moment; its spans keep the types of exceptions, not their messages."""

    def __init__(self, module: str, version: str | None) -> None:
        self._identity = (module, version)
        self._made: tuple[TracerProvider, trace.Tracer] | None = None

    def start_span(self, name: str, *args: Any, **options: Any) -> trace.Span:
        return self._current().start_span(name, *args, **options)

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # the options pass through, whichever there are
        self, name: str, *args: Any, **options: Any
    ) -> Iterator[trace.Span]:
        options |= {"record_exception": False, "set_status_on_exception": False}
        with self._current().start_as_current_span(name, *args, **options) as started:
            try:
                yield started
            except Exception as error:
                _mark_failed(started, type(error))
                raise

    def _current(self) -> trace.Tracer:
        provider = _provider
        if provider is None:
            return _NO_TRACER
        if self._made is None or self._made[0] is not provider:
            self._made = (provider, provider.get_tracer(*self._identity))
        return self._made[1]


def _mark_failed(span: trace.Span, kind: type[BaseException]) -> None:
    span.set_attribute("error.type", kind.__qualname__)
    span.set_status(trace.StatusCode.ERROR)
