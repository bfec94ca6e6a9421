"""The notifications subgraph."""

from fastapi import FastAPI

from shared.config import Settings
from shared.privacy.erasure import PASSES
from shared.process.app import create_app
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
