"""The notifications subgraph."""

from fastapi import FastAPI

from shared.app import create_app
from shared.config import Settings
from shared.erasure import PASSES
from subgraphs.notifications.consumers import forget_again, handlers
from subgraphs.notifications.loaders import Loaders
from subgraphs.notifications.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return create_app(
        "notifications",
        schema,
        loaders=Loaders,
        topics=["notifications.notification"],
        handlers=handlers,
        deadlines=dict.fromkeys(PASSES, forget_again),
        settings=settings,
    )


app = build()
