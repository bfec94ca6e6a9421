"""What every resolver of bids is given."""

import strawberry

from shared.context import Context
from subgraphs.bids.loaders import Loaders

Info = strawberry.Info[Context[Loaders], None]
