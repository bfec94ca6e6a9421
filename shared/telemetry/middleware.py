"""What every request gets: an id, a span, a count and a duration."""

import re
import secrets
from time import perf_counter

import structlog
from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.telemetry.context import bind_request
from shared.telemetry.metrics import HTTP_REQUESTS, HTTP_SECONDS, WEBSOCKETS
from shared.telemetry.traces import span, with_traceparent

log = structlog.get_logger(__name__)

# As the edge takes them: an error tells the id that the client knows.
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,128}")
# Anything else is the client's to choose, and would be an unbounded label.
_PATHS = frozenset({"/graphql", "/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"})
_FOLDERS = ("/uploads", "/files")
_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
_CLIENT_CLOSED = 499


def _label(path: str) -> str:
    if path in _PATHS:
        return path
    return next((folder for folder in _FOLDERS if path.startswith(f"{folder}/")), "other")


class RequestMiddleware:
    """Pure ASGI middleware; the outermost one.

    Takes the request's id from `x-request-id` and its trace from `traceparent`, or makes new ones, and
    answers with `x-request-id`. The id stays bound when the request ends: the task ends with it, and
    what the server logs about a failure in between carries it too. A WebSocket gets no span, since it
    would last for hours; its operations have theirs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, connection or lifespan."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = traceparent = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = secrets.token_hex(16).encode()
        bind_request(request_id.decode())
        with with_traceparent(traceparent):
            if scope["type"] == "http":
                await self._serve_http(scope, receive, send, request_id)
            else:
                with WEBSOCKETS.track_inprogress():
                    await self._app(scope, receive, send)

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send, request_id: bytes) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        path = _label(scope["path"])
        # A request that ends without an answer was cut off; one that raises is answered by the server.
        status = _CLIENT_CLOSED
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        try:
            with span(f"{method} {path}", SpanKind.SERVER) as current:
                try:
                    await self._app(scope, receive, send_with_id)
                except Exception:
                    status = 500
                    raise
                finally:
                    if current is not None:
                        current.set("http.request.method", method)
                        current.set("http.response.status_code", status)
        finally:
            seconds = perf_counter() - started
            HTTP_SECONDS.labels(path).observe(seconds)
            HTTP_REQUESTS.labels(method, path, str(status)).inc()
            if status >= 500 and path != "/readyz":
                log.warning("request_failed", method=method, path=path, status=status, seconds=seconds)
