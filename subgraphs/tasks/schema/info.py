"""What every resolver of tasks is given."""

import strawberry

from shared.context import Context
from subgraphs.tasks.loaders import Loaders

Info = strawberry.Info[Context[Loaders], None]
