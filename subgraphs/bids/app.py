"""The bids subgraph."""

from fastapi import FastAPI

from shared.config import Settings
from shared.privacy.erasure import PASSES
from shared.process.app import create_app
from subgraphs.bids.actions.steps import EXPIRY
from subgraphs.bids.consumers import bid_expired, forget_again, handlers
from subgraphs.bids.loaders import Loaders
from subgraphs.bids.schema import schema


def build(settings: Settings | None = None) -> FastAPI:
    """The application; settings come from the environment unless given."""
    return create_app(
        "bids",
        schema,
        loaders=Loaders,
        topics=["bids.bid"],
        handlers=handlers,
        deadlines={EXPIRY: bid_expired, **dict.fromkeys(PASSES, forget_again)},
        settings=settings,
    )


app = build()
