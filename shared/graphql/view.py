"""The /graphql endpoint: GraphQL over HTTP (JSON) and the graphql-transport-ws protocol."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Generic, TypeVar, cast
from urllib.parse import parse_qs

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.http.async_base_view import AsyncBaseHTTPView, AsyncWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import SubscribeMessage
from strawberry.types.unset import UNSET, UnsetType

from shared.bodies import MAX_BODY_BYTES, read_body
from shared.context import Context, Services
from shared.errors import BadRequest, RateLimited, RequestError, ServerShutdown
from shared.graphql.engine import EncodedResponse, Engine, GraphQLRequest, Response, refuse
from shared.graphql.json import decode
from shared.telemetry import REFUSALS, current_request_id, live_subscriptions

log = structlog.get_logger(__name__)

L = TypeVar("L")
_INIT_TIMEOUT = timedelta(seconds=10)
_RETRY_AFTER_SECONDS = 5.0


class GraphQLEndpoint(Generic[L]):
    """The ASGI application behind /graphql. `running` counts operations and subscriptions under way."""

    def __init__(self) -> None:
        self.services: Services[L] | None = None
        self._engine: Engine | None = None
        self.running = 0

    def start(self, services: Services[L], engine: Engine) -> None:
        """Opens the endpoint; the server takes no request before."""
        self.services, self._engine = services, engine

    @property
    def limit_per_connection(self) -> int:
        """How many operations may run on one WebSocket."""
        assert self.services is not None, "the application has not started"
        return self.services.settings.max_subscriptions_per_connection

    @property
    def engine(self) -> Engine:
        assert self._engine is not None, "the application has not started"
        return self._engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.services is not None, "the application has not started"
        address = (scope.get("client") or ("",))[0]
        context = Context(self.services, current_request_id(), address, user_agent=_user_agent(scope))
        if scope["type"] == "websocket":
            await self._serve_websocket(WebSocket(scope, receive, send), context)
            return
        self.running += 1
        try:
            status, response = await self._answer(scope, receive, context)
        except ClientDisconnect:
            return
        finally:
            self.running -= 1
        body = orjson.dumps(response)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if status == 405:
            headers.append((b"allow", b"GET, POST"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive, context: Context[L]) -> tuple[int, Response]:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        authorization = headers.get(b"authorization")
        context.authenticate(authorization.decode("latin-1") if authorization is not None else None)
        method = scope["method"]
        try:
            if method == "POST":
                # Anything but JSON could be sent by a form of another site without a CORS preflight.
                if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
                    return 415, refuse(BadRequest("The content type must be application/json."), context)
                body = await read_body(receive, headers)
                if body is None:
                    return 413, refuse(BadRequest(f"The body exceeds {MAX_BODY_BYTES} bytes."), context)
                request = GraphQLRequest.of(decode(body))
            elif method == "GET":
                request = GraphQLRequest.of(_query_string(scope["query_string"]))
            else:
                return 405, refuse(BadRequest("GraphQL is served by POST and GET."), context)
        except RequestError as error:
            return 400, refuse(error, context)
        return 200, await self.engine.execute(request, context, reads_only=method == "GET")

    async def _serve_websocket(self, websocket: WebSocket, context: Context[L]) -> None:
        if GRAPHQL_TRANSPORT_WS_PROTOCOL not in websocket.scope["subprotocols"]:
            # The protocol's own code for it, which only an accepted connection can carry.
            await websocket.accept()
            await websocket.close(4406, "Subprotocol not acceptable")
            return
        await websocket.accept(GRAPHQL_TRANSPORT_WS_PROTOCOL)
        await _Connection(self, websocket, context).handle()


class _Socket(AsyncWebSocketAdapter):
    """Reads and writes the protocol's messages; refuses those whose shape is not the protocol's."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        with contextlib.suppress(WebSocketDisconnect):
            while self._websocket.application_state is not WebSocketState.DISCONNECTED:
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                yield _protocol_message(message)

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await self._websocket.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is not WebSocketState.DISCONNECTED:
            # A close frame holds at most 123 bytes of reason (RFC 6455, section 5.5).
            await self._websocket.close(code, reason.encode()[:120].decode(errors="ignore"))


class _Connection(BaseGraphQLTransportWSHandler[Context[L], None]):
    """One client's connection: Strawberry's state machine of the protocol around our engine."""

    def __init__(self, endpoint: GraphQLEndpoint[L], websocket: WebSocket, context: Context[L]) -> None:
        assert endpoint.services is not None
        super().__init__(
            view=cast("AsyncBaseHTTPView[Any, Any, Any, Any, Any, Context[L], None]", self),
            websocket=_Socket(websocket),
            context=context,
            root_value=None,
            schema=cast("BaseSchema", None),
            connection_init_wait_timeout=_INIT_TIMEOUT,
        )
        self._endpoint = endpoint

    async def on_ws_connect(self, context: Context[L]) -> UnsetType:
        return cast("UnsetType", UNSET)

    async def handle_connection_init(self, message: Any) -> None:
        payload = message.get("payload")
        if isinstance(payload, dict):
            lowered = {str(key).lower(): value for key, value in payload.items()}
            self.context.authenticate(lowered.get("authorization"))
            self.context.forwarded_for(lowered.get("x-forwarded-for"))
        await super().handle_connection_init(message)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        limit = self._endpoint.limit_per_connection
        if self.connection_acknowledged and len(self.operations) >= limit and message["id"] not in self.operations:
            REFUSALS.labels("subscriptions").inc()
            error = RateLimited(_RETRY_AFTER_SECONDS, f"At most {limit} operations on one connection; end one first.")
            payload = cast("Any", refuse(error, self.context)["errors"])
            await self.send_message({"id": message["id"], "type": "error", "payload": payload})
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context[L], None]) -> None:
        context = self.context.fork()
        try:
            if context.services.draining:
                raise ServerShutdown("The server is going away; connect again.")
            request = GraphQLRequest.of(
                {
                    "query": operation.query,
                    "variables": operation.variables,
                    "operationName": operation.operation_name,
                }
            )
            outcome = await self._endpoint.engine.stream(request, context)
        except RequestError as error:
            outcome = refuse(error, context)
        try:
            if isinstance(outcome, dict):
                await self._answer_once(operation, outcome)
            else:
                await self._answer_all(operation, outcome)
        except WebSocketDisconnected:
            return
        except Exception:
            log.exception("operation_failed")
            with contextlib.suppress(Exception):
                await self.websocket.close(1011, "Internal error")

    async def _answer_once(self, operation: Operation[Context[L], None], response: Response) -> None:
        if response.get("data") is None and "errors" in response:
            await operation.send_operation_message({"id": operation.id, "type": "error", "payload": response["errors"]})
            return
        await self._next(operation, response)
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _answer_all(
        self, operation: Operation[Context[L], None], responses: AsyncIterator[Response | EncodedResponse]
    ) -> None:
        self._endpoint.running += 1
        with live_subscriptions():
            try:
                async for response in responses:
                    await self._next(operation, response)
            finally:
                self._endpoint.running -= 1
                await cast("AsyncGenerator[object, None]", responses).aclose()
            await operation.send_operation_message({"id": operation.id, "type": "complete"})

    @staticmethod
    async def _next(operation: Operation[Context[L], None], response: Response | EncodedResponse) -> None:
        await operation.send_operation_message({"id": operation.id, "type": "next", "payload": cast("Any", response)})


def _protocol_message(message: Message) -> dict[str, Any]:
    text = message.get("text")
    if text is None:
        raise NonTextMessageReceived
    if len(text) > MAX_BODY_BYTES:
        raise NonJsonMessageReceived
    try:
        parsed: dict[str, Any] = decode(text.encode("utf-8", "surrogatepass"))
    except RequestError as error:
        raise NonJsonMessageReceived from error
    if not isinstance(parsed.get("type"), str):
        raise NonJsonMessageReceived
    if parsed["type"] in ("subscribe", "complete") and not isinstance(parsed.get("id"), str):
        raise NonJsonMessageReceived
    if parsed["type"] == "subscribe" and not (isinstance(parsed.get("payload"), dict) and "query" in parsed["payload"]):
        raise NonJsonMessageReceived
    if parsed["type"] == "connection_init" and parsed.get("payload") is None:
        # Null is what some clients send for "no payload".
        parsed["payload"] = {}
    return parsed


def _query_string(raw: bytes) -> dict[str, object]:
    try:
        values = parse_qs(raw.decode("ascii"), keep_blank_values=True, strict_parsing=False, max_num_fields=10)
    except ValueError as error:
        raise BadRequest("The query string is not valid.") from error
    body: dict[str, object] = {name: value[0] for name, value in values.items()}
    if body.get("variables"):
        body["variables"] = decode(str(body["variables"]).encode("utf-8", "surrogatepass"))
    else:
        body.pop("variables", None)
    return body


def _user_agent(scope: Scope) -> str:
    """What the client's program calls itself; behind the edge, under the name that routers put into no span."""
    headers = dict(scope["headers"])
    return str(headers.get(b"x-user-agent", headers.get(b"user-agent", b"")).decode("latin-1"))
