"""The locations subgraph."""

from fastapi import FastAPI

from shared.config import Settings
from shared.privacy.erasure import PASSES
from shared.process.app import create_app
from subgraphs.locations import geocoding
from subgraphs.locations.actions import alerts
from subgraphs.locations.consumers import forget_again, handlers
from subgraphs.locations.loaders import Loaders
from subgraphs.locations.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return create_app(
        "locations",
        schema,
        loaders=Loaders,
        topics=["locations.task", "locations.alert", "locations.service_area", "locations.place"],
        handlers=handlers,
        deadlines={**dict.fromkeys(PASSES, forget_again), **alerts.DEADLINES},
        runners=geocoding.runners,
        settings=settings,
    )


app = build()
