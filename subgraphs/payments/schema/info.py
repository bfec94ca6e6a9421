"""What the resolvers of payments are given."""

import strawberry

from shared.context import Context
from subgraphs.payments.loaders import Loaders

Info = strawberry.Info[Context[Loaders], None]
