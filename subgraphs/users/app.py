"""The users subgraph."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.config import Settings
from shared.privacy.erasure import PASSES
from shared.process.app import create_app
from subgraphs.users import revocations, tokens
from subgraphs.users.actions.exports import DEADLINE as DATA_EXPORT
from subgraphs.users.actions.verification import EXPIRY as IDENTITY_EXPIRY
from subgraphs.users.consumers import export_time_is_up, forget_again, handlers, identity_expired
from subgraphs.users.loaders import Loaders
from subgraphs.users.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    app = create_app(
        "users",
        schema,
        loaders=Loaders,
        topics=["users.user"],
        handlers=handlers,
        deadlines={
            DATA_EXPORT: export_time_is_up,
            IDENTITY_EXPIRY: identity_expired,
            **dict.fromkeys(PASSES, forget_again),
        },
        runners=revocations.runners,
        settings=settings,
    )
    app.router.routes.append(Route("/.well-known/jwks.json", jwks))
    return app


async def jwks(request: Request) -> Response:
    """The public keys of access tokens (RFC 7517)."""
    keys = tokens.signing_keys(request.app.state.services.settings)
    return JSONResponse(keys.public(), headers={"cache-control": "public, max-age=60"})


app = build()
