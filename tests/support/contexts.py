"""The context of operations on a schema that stands alone, without a subgraph's services."""

from types import SimpleNamespace
from unittest.mock import create_autospec

from shared.copies import Arrivals
from shared.database.db import Database


def of_nobody() -> SimpleNamespace:
    """What a mutation asks for by itself; its resolver misses no copy, so that no database is asked."""
    return SimpleNamespace(services=SimpleNamespace(arrivals=Arrivals(create_autospec(Database))), caller="nobody")
