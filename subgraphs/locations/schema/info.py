"""What every resolver gets."""

import strawberry

from shared.context import Context
from subgraphs.locations.loaders import Loaders

Info = strawberry.Info[Context[Loaders], None]
