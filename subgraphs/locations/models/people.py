"""What is known of people: who blocked whom, and who is suspended."""

from sqlalchemy import Index

from shared.copies import BlockCopy, SuspensionCopy
from subgraphs.locations.models.base import Base


class Block(BlockCopy, Base, table=True):
    """Who blocked whom."""

    __table_args__ = (Index("blocks_by_blocked", "blocked_id"),)


class Suspension(SuspensionCopy, Base, table=True):
    """Who is suspended."""
