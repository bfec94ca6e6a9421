"""The provider as an application, with what it does by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox import api, pages
from sandbox.context import Options, Sandbox
from sandbox.state import State
from sandbox.webhooks import run_timers, send_webhooks

_HOSTS = ("127.0.0.1", "localhost", "sandbox")


def build(state: State, options: Options) -> Starlette:
    """The application; it ends its own work, and lets the file go, when the server ends."""
    sandbox = Sandbox(state, options)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        work = [asyncio.create_task(each(sandbox)) for each in (send_webhooks, run_timers)]
        yield
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        state.close()

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    # A page of another site could otherwise have its own name lead here, and read all of it.
    hosts = [*_HOSTS, urlsplit(options.public_url).hostname or ""]
    return Starlette(
        routes=[Route("/readyz", ready), *api.routes(sandbox), *pages.routes(sandbox)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
        exception_handlers={HTTPException: api.unknown},
        lifespan=running,
    )
