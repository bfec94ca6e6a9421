"""Tables of bids: its own, and the local copies of what it needs to know of tasks and of people."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from shared.copies import BlockCopy, SuspensionCopy
from shared.database.models import bigint_field, enum_field, key_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.bids.rules import offers
from subgraphs.bids.rules.bids import DeclineReason, Side, Status

# `rules.bids.LIVE` as text: with parameters in its place PostgreSQL's generic plans do not find the index.
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
        Index("bids_by_amount", "task_id", "amount_minor", "id"),
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
    open_offer_side: Side | None = enum_field(Side)
    """Who made the offer that waits for an answer; null without one."""
    offers_made: int
    shortlisted_at: datetime | None = time_field()
    decline_reason: DeclineReason | None = enum_field(DeclineReason)
    decline_message: str | None = text_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Offer(Base, table=True):
    """Another amount for a bid. Written under the lock of the bid's row, as `open_offer_side` there is."""

    __tablename__ = "offers"
    __table_args__ = (
        Index("offers_by_bid", "bid_id", "id"),
        # For exports and erasures.
        Index("offers_by_author", "author_id"),
        Index("offers_by_recipient", "recipient_id"),
        Index("offers_one_open_per_bid", "bid_id", unique=True, postgresql_where=text("status = 'OPEN'")),
        CheckConstraint("amount_minor > 0", name="offers_amount_positive"),
    )

    id: str = key_field(primary_key=True)
    bid_id: str = key_field()
    side: Side = enum_field(Side)
    author_id: str = key_field()
    recipient_id: str = key_field()
    amount_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    message: str | None = text_field()
    status: offers.Status = enum_field(offers.Status)
    created_at: datetime = time_field()


class Invitation(Base, table=True):
    """A poster's wish for a tasker's bid. Whether it is still open follows from the task (`rules.invitations`)."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index("invitations_one_per_tasker", "task_id", "tasker_id", unique=True),
        Index("invitations_by_task", "task_id", "id"),
        Index("invitations_by_tasker", "tasker_id", "id"),
        # For exports and erasures.
        Index("invitations_by_poster", "poster_id"),
    )

    id: str = key_field(primary_key=True)
    task_id: str = key_field()
    poster_id: str = key_field()
    tasker_id: str = key_field()
    message: str | None = text_field()
    bid_id: str | None = key_field()
    """The newest bid that the tasker placed after it."""
    declined_at: datetime | None = time_field()
    created_at: datetime = time_field()


class Block(BlockCopy, Base, table=True):
    """Who blocked whom."""


class Suspension(SuspensionCopy, Base, table=True):
    """Who is suspended."""


class Tasker(Base, table=True):
    """The local copy of who looks for work, fed by `users.user.*`. `seq` is the place in the user's stream."""

    __tablename__ = "taskers"

    user_id: str = key_field(primary_key=True)
    is_tasker: bool
    seq: int = bigint_field()


class Task(Base, table=True):
    """The local copy of a task, fed by `tasks.task.*`. Its row lock orders all decisions about its bids."""

    __tablename__ = "tasks"

    id: str = key_field(primary_key=True)
    poster_id: str = key_field()
    title: str = text_field()
    category_id: str | None = key_field()
    """What its fee depends on; None for one that was copied before that was kept."""
    status: str = key_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    expires_at: datetime | None = time_field()
    version: int
