"""Tables of bids: its own, and the local copies of what it needs to know of tasks and of people."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from shared.copies import BlockCopy, SuspensionCopy
from shared.database.models import bigint_field, enum_field, key_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.bids.rules import Status

# `rules.LIVE` as text: with parameters in its place PostgreSQL's generic plans do not find the index.
IS_LIVE = text("status IN ('PENDING', 'ACCEPTED', 'AWARDED')")


class Base(SQLModel, registry=registry()):
    """A registry of its own: other subgraphs have models and tables of the same names."""


class Bid(Base, table=True):
    """A tasker's offer to do a task. `poster_id` is the task's, kept here since it decides who sees what."""

    __tablename__ = "bids"
    __table_args__ = (
        Index(
            "bids_one_live_per_tasker",
            "task_id",
            "tasker_id",
            unique=True,
            postgresql_where=IS_LIVE,
        ),
        Index(
            "bids_one_winner_per_task",
            "task_id",
            unique=True,
            postgresql_where=text("status IN ('ACCEPTED', 'AWARDED')"),
        ),
        Index("bids_by_task", "task_id", "id"),
        Index("bids_by_tasker", "tasker_id", "id"),
        CheckConstraint("amount_minor > 0", name="bids_amount_positive"),
    )

    id: str = key_field(primary_key=True)
    task_id: str = key_field()
    poster_id: str = key_field()
    tasker_id: str = key_field()
    amount_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    message: str = text_field()
    estimated_minutes: int | None
    status: Status = enum_field(Status)
    expires_at: datetime = time_field()
    version: int
    last_step: str | None = text_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Block(BlockCopy, Base, table=True):
    """Who blocked whom."""


class Suspension(SuspensionCopy, Base, table=True):
    """Who is suspended."""


class Task(Base, table=True):
    """The local copy of a task, fed by `tasks.task.*`. Its row lock orders all decisions about its bids."""

    __tablename__ = "tasks"

    id: str = key_field(primary_key=True)
    poster_id: str = key_field()
    title: str = text_field()
    status: str = key_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    expires_at: datetime | None = time_field()
    version: int
