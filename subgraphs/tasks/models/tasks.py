"""Tasks."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlmodel import Field

from shared.database.models import bigint_field, enum_field, key_field, text_field, texts_field, time_field
from shared.money import CurrencyCode
from shared.text_search.sql import vector
from subgraphs.tasks.models.base import Base
from subgraphs.tasks.rules.tasks import Mode, Status

_FILES: Any = JSONB


class Task(Base, table=True):
    """A piece of work that a poster wants done. `published_at` decides whether others may see it."""

    __tablename__ = "tasks"
    __table_args__ = (
        # These two are for PostgreSQL to write and for store.py to search and sort by, no attributes.
        Column("search", TSVECTOR, Computed(vector("title", "description"), persisted=True)),
        Column(
            "due_sort",
            DateTime(timezone=True),
            Computed("COALESCE(due_at, '3000-01-01 00:00:00+00'::timestamptz)", persisted=True),
            nullable=False,
        ),
        ForeignKeyConstraint(["category_id"], ["categories.id"]),
        CheckConstraint("budget_minor > 0", name="tasks_budget_positive"),
        Index("tasks_by_search", "search", "category_id", "status", postgresql_using="gin"),
        Index(
            "tasks_by_terms",
            text("terms_of_task(search, published_at, status, category_id, mode, currency, budget_minor)"),
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},
        ),
        Index("tasks_by_publication", "status", "published_at", "id"),
        Index("tasks_by_category", "category_id", "status", "published_at", "id"),
        Index("tasks_by_budget", "status", "currency", "budget_minor", "id"),
        Index("tasks_by_due", "status", "due_sort", "id"),
        Index("tasks_by_poster", "poster_id", "id"),
        Index("tasks_by_tasker", "tasker_id", "id", postgresql_where=text("tasker_id IS NOT NULL")),
    )
    __mapper_args__: ClassVar[dict[str, object]] = {
        "exclude_properties": ["search", "due_sort"]
    }  # SQLAlchemy reads it once

    id: str = key_field(primary_key=True)
    poster_id: str = key_field()
    tasker_id: str | None = key_field()
    bid_id: str | None = key_field()
    title: str = text_field()
    description: str = text_field()
    category_id: str = key_field()
    budget_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    mode: Mode = enum_field(Mode)
    place_id: str | None = key_field()
    requirements: list[str] = texts_field(may_be_left_out=True)
    attachments: list[dict[str, str | int]] = Field(sa_type=_FILES, sa_column_kwargs={"server_default": text("'[]'")})
    """Those of its files that are ready, as events and pages show them; the table `attachments` is what counts."""
    due_from: datetime | None = time_field()
    due_at: datetime | None = time_field()
    time_zone: str = Field(sa_type=Text, sa_column_kwargs={"server_default": text("'UTC'")})
    status: Status = enum_field(Status)
    version: int
    last_step: str | None = text_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
    published_at: datetime | None = time_field()
    expires_at: datetime | None = time_field()
    price_minor: int | None = Field(default=None, sa_type=BigInteger)
    """What was agreed on for the whole task, in its currency; between poster and tasker."""
    funding_seq: int | None = Field(default=None, sa_type=BigInteger)
    """The number of the newest event about its funding in the stream of `payments`."""
    started_at: datetime | None = time_field()
    delivered_at: datetime | None = time_field()
    completed_at: datetime | None = time_field()
    cancelled_by_id: str | None = key_field()
    cancelled_reason: str | None = text_field()
