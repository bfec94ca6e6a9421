"""Tables of tasks."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Computed, DateTime, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from shared.models import bigint_field, enum_field, key_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.tasks.rules import Mode, Status


class Base(SQLModel, registry=registry()):
    """A registry of its own: other subgraphs have models and tables of the same names."""


class Category(Base, table=True):
    """A kind of work. Two levels: tasks belong to those that have a parent. Only migrations write here."""

    __tablename__ = "categories"
    __table_args__ = (ForeignKeyConstraint(["parent_id"], ["categories.id"]),)

    id: str = key_field(primary_key=True)
    parent_id: str | None = key_field()
    position: int
    slug: str = key_field(unique=True)
    name: str = text_field()
    name_th: str = text_field()


class Task(Base, table=True):
    """A piece of work that a poster wants done. `published_at` decides whether others may see it."""

    __tablename__ = "tasks"
    __table_args__ = (
        # These two are for PostgreSQL to write and for store.py to search and sort by, no attributes.
        Column(
            "search",
            TSVECTOR,
            Computed(
                "setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', description), 'B')",
                persisted=True,
            ),
        ),
        Column(
            "due_sort",
            DateTime(timezone=True),
            Computed("COALESCE(due_at, '3000-01-01 00:00:00+00'::timestamptz)", persisted=True),
            nullable=False,
        ),
        ForeignKeyConstraint(["category_id"], ["categories.id"]),
        CheckConstraint("budget_minor > 0", name="tasks_budget_positive"),
        Index("tasks_by_search", "search", postgresql_using="gin"),
        Index("tasks_by_publication", "status", "published_at", "id"),
        Index("tasks_by_category", "category_id", "status", "published_at", "id"),
        Index("tasks_by_budget", "status", "currency", "budget_minor", "id"),
        Index("tasks_by_due", "status", "due_sort", "id"),
        Index("tasks_by_poster", "poster_id", "id"),
        Index("tasks_by_tasker", "tasker_id", "id", postgresql_where=text("tasker_id IS NOT NULL")),
    )
    __mapper_args__ = {"exclude_properties": ["search", "due_sort"]}  # SQLAlchemy reads it once

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
    due_at: datetime | None = time_field()
    status: Status = enum_field(Status)
    version: int
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
    published_at: datetime | None = time_field()
    expires_at: datetime | None = time_field()
    cancelled_reason: str | None = text_field()
