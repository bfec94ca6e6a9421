"""The bids subgraph."""

from shared.app import create_app
from subgraphs.bids.actions import EXPIRY
from subgraphs.bids.consumers import bid_expired, handlers
from subgraphs.bids.loaders import Loaders
from subgraphs.bids.schema import schema

app = create_app(
    "bids",
    schema,
    loaders=Loaders,
    topics=["bids.bid"],
    handlers=handlers,
    deadlines={EXPIRY: bid_expired},
)
