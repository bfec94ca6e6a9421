"""The application of one subgraph process: start, health, metrics, shutdown."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.federation import Schema

from shared import clock, telemetry
from shared.cache import Cache
from shared.config import Settings
from shared.context import Services
from shared.copies import Arrivals
from shared.database.db import Database
from shared.deadlines import DeadlineHandler, DeadlineWorker
from shared.errors import ServiceUnavailable
from shared.files import Addresses, Files
from shared.graphql.engine import Engine
from shared.graphql.view import GraphQLEndpoint
from shared.identity.addresses import Proxies
from shared.identity.auth import Revocations, TokenVerifier
from shared.limits.budget import OperationBudgets
from shared.limits.ratelimit import RateLimiter
from shared.limits.subscriptions import SubscriptionPlaces
from shared.messaging.consumer import Consumer, Handlers
from shared.messaging.outbox import Relay
from shared.messaging.streams import StreamHub

log = structlog.get_logger(__name__)

L = TypeVar("L")


class Runner(Protocol):
    """Something that works in the background for the life of the process."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Application(FastAPI):
    """Passes /graphql by FastAPI's middlewares and routing, which are a tenth of the CPU of a small request."""

    def __init__(self, graphql: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._graphql = graphql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and scope["path"] == "/graphql":
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(
    name: str,
    schema: Schema,
    *,
    loaders: Callable[[Database], L],
    topics: Sequence[str] = (),
    handlers: Handlers | None = None,
    deadlines: Mapping[str, DeadlineHandler] | None = None,
    runners: Callable[[Services[L]], Sequence[Runner]] = lambda services: (),
    settings: Settings | None = None,
) -> FastAPI:
    """The ASGI application of the subgraph `name`.

    `topics` are those that it publishes and whose streams its subscriptions follow; `handlers` and
    `deadlines` are its reactions to other subgraphs' events and to time; `runners` adds background
    work of its own. Settings come from the environment unless given.

    A start never waits for Kafka or Redis: their clients connect when they can, and `/readyz` tells
    whether requests can be served.
    """
    endpoint: GraphQLEndpoint[L] = GraphQLEndpoint()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configured = settings or Settings()
        if configured.clock_offset_seconds:
            clock.set_offset(timedelta(seconds=configured.clock_offset_seconds))
        telemetry.configure(configured, name)
        database = Database(configured)
        telemetry.watch_pools(database.pools())
        cache = Cache(configured)
        proxies = Proxies(configured.trusted_proxies)
        services = Services(
            settings=configured,
            database=database,
            arrivals=Arrivals(database),
            cache=cache,
            limiter=RateLimiter(configured, cache),
            proxies=proxies,
            budgets=OperationBudgets(configured, cache, proxies),
            places=SubscriptionPlaces(configured, cache, proxies, name),
            verifier=TokenVerifier(configured),
            revocations=Revocations(cache.client),
            hub=StreamHub(database, configured, topics),
            new_loaders=loaders,
            files=Files.of(configured),
            addresses=Addresses.of(configured, name),
        )
        async with AsyncExitStack() as stack:
            # Stopped in reverse: first what takes in work, last what the others still need.
            stack.push_async_callback(telemetry.shutdown)
            stack.push_async_callback(database.close)
            stack.push_async_callback(cache.close)
            started: list[Runner] = [
                Relay(database, configured, topics), services.revocations, services.budgets, services.places,
                services.arrivals, services.hub,
            ]  # fmt: skip
            if handlers is not None:
                started.append(Consumer(name, handlers, database, configured, services.arrivals.told))
            if deadlines:
                started.append(DeadlineWorker(database, deadlines))
            started.extend(runners(services))
            for runner in started:
                await runner.start()
                stack.push_async_callback(runner.stop)
            endpoint.start(services, Engine(schema, development=configured.environment == "development"))
            app.state.services = services
            yield

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        services = endpoint.services
        reasons = ["starting"] if services is None else await _unready_reasons(services)
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    # Its own telemetry would double the spans of ours, and log what exceptions say.
    app = _Application(
        telemetry.RequestMiddleware(endpoint),
        title=f"Service Exchange: {name}", openapi_url=None, lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )  # fmt: skip
    app.state.endpoint = endpoint
    app.router.routes.extend(
        [
            Route("/healthz", live),
            Route("/readyz", ready),
            Route("/metrics", telemetry.metrics_endpoint),
        ]
    )
    app.add_middleware(telemetry.RequestMiddleware)
    return app


async def _unready_reasons(services: Services[L]) -> list[str]:
    """Kafka and Redis are not among them: without them requests are still served, later and slower."""
    reasons = ["draining"] if services.draining else []
    try:
        await services.database.check()
    except ServiceUnavailable:
        reasons.append("database")
    return reasons


async def drain(app: FastAPI) -> None:
    """Prepares a running application for its end.

    Unready at once; every subscription ends with `SERVER_SHUTDOWN`; then waits for running requests,
    at most `drain_seconds`.
    """
    endpoint: GraphQLEndpoint[object] = app.state.endpoint
    services = endpoint.services
    if services is None:
        return
    services.draining = True
    await services.hub.shutdown()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(services.settings.drain_seconds):
            while endpoint.running:
                await asyncio.sleep(0.02)
    log.info("drained", left=endpoint.running)
