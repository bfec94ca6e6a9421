"""What is known of people: who blocked whom, and who is suspended."""

from shared.copies import BlockCopy, SuspensionCopy
from subgraphs.tasks.models.base import Base


class Block(BlockCopy, Base, table=True):
    """Who blocked whom."""


class Suspension(SuspensionCopy, Base, table=True):
    """Who is suspended."""
