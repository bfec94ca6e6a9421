"""Logs, traces and metrics of a subgraph process, without personal data."""

from starlette.requests import Request
from starlette.responses import Response

from shared.config import Settings
from shared.telemetry.context import bind_actor, bind_request, current_actor_id, current_request_id
from shared.telemetry.logs import configure_logs
from shared.telemetry.metrics import (
    CACHE_REQUESTS,
    REDIS_UP,
    REFUSALS,
    field_span,
    live_subscriptions,
    operation_metrics,
    render_metrics,
    watch_pools,
)
from shared.telemetry.middleware import RequestMiddleware
from shared.telemetry.traces import configure_traces, current_traceparent, shutdown, span, with_traceparent

__all__ = [
    "CACHE_REQUESTS",
    "REDIS_UP",
    "REFUSALS",
    "RequestMiddleware",
    "bind_actor",
    "bind_request",
    "configure",
    "current_actor_id",
    "current_request_id",
    "current_traceparent",
    "field_span",
    "live_subscriptions",
    "metrics_endpoint",
    "operation_metrics",
    "shutdown",
    "span",
    "watch_pools",
    "with_traceparent",
]


def configure(settings: Settings, service_name: str) -> None:
    """Sets up logs, and traces where an OTLP endpoint is configured; `shutdown` sends what is left of them."""
    configure_logs(settings, service_name)
    configure_traces(settings, service_name)


async def metrics_endpoint(request: Request) -> Response:
    """Answers GET /metrics in Prometheus' text format."""
    content, media_type = render_metrics()
    return Response(content, headers={"content-type": media_type})
