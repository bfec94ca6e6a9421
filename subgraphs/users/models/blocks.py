"""The table of blocks."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from shared.database.models import time_field
from subgraphs.users.models.base import KEY, Base


class Block(Base, table=True):
    """`blocker_id` wants nothing to do with `blocked_id`."""

    __tablename__ = "blocks"
    __table_args__ = (
        Index("blocks_by_blocker", "blocker_id", "created_at", "blocked_id"),
        Index("blocks_by_blocked", "blocked_id"),
        CheckConstraint("blocker_id <> blocked_id", name="blocks_not_oneself"),
    )

    blocker_id: str = Field(sa_type=KEY, foreign_key="users.id", primary_key=True)
    blocked_id: str = Field(sa_type=KEY, foreign_key="users.id", primary_key=True)
    created_at: datetime = time_field()
