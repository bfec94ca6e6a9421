"""The copies of tasks."""

from datetime import datetime
from typing import ClassVar

from geoalchemy2 import Geography
from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Identity, Index, Integer, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field

from shared.database.models import bigint_field, enum_field, key_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.locations.models.base import Base, number_field
from subgraphs.locations.rules.maps import POINT_SQL, X_SQL, Y_SQL

# As text: with a parameter in its place PostgreSQL's generic plans do not find the indexes.
IS_OPEN = text("status = 'OPEN'")

# What is hidden is nowhere for lists and the map, and not counted there.
_POINT, _X, _Y = (f"CASE WHEN NOT is_hidden THEN {sql} END" for sql in (POINT_SQL, X_SQL, Y_SQL))


class Task(Base, table=True):
    """The local copy of a task that was published, fed by `tasks.task.*`, with the public point of its place."""

    __tablename__ = "tasks"
    __table_args__ = (
        # For PostgreSQL to write and for store/ to search by, no attributes. A trigger counts by `x`, `y` and `number`
        # (models/maps.py).
        Column("number", BigInteger, Identity(always=True), nullable=False),
        Column("point", Geography("POINT", 4326, spatial_index=False), Computed(_POINT, persisted=True)),
        Column("x", Integer, Computed(_X, persisted=True)),
        Column("y", Integer, Computed(_Y, persisted=True)),
        Column("search", TSVECTOR),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="tasks_latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="tasks_longitude"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="tasks_whole_point"),
        Index("tasks_by_number", "number", unique=True),
        Index("tasks_open_by_point", "point", postgresql_using="gist", postgresql_where=IS_OPEN),
        Index("tasks_open_on_the_map", "x", "y", "number", postgresql_where=IS_OPEN),
        Index("tasks_by_place", "place_id", postgresql_where=text("place_id IS NOT NULL")),
        Index("tasks_by_poster", "poster_id"),
        Index("tasks_by_tasker", "tasker_id", postgresql_where=text("tasker_id IS NOT NULL")),
    )
    __mapper_args__: ClassVar[dict[str, list[str]]] = {
        "exclude_properties": ["number", "point", "x", "y", "search"]
    }  # SQLAlchemy reads it once

    id: str = key_field(primary_key=True)
    poster_id: str = key_field()
    tasker_id: str | None = key_field()
    place_id: str | None = key_field()
    title: str = text_field()
    category_id: str = key_field()
    budget_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    mode: str = key_field()
    status: str = key_field()
    is_hidden: bool
    """Whether it is in no list, not on the map and told to nobody while it is open: its poster is suspended."""
    version: int = Field(sa_type=Integer)
    published_at: datetime = time_field()
    expires_at: datetime | None = time_field()
    latitude: float | None = number_field()
    longitude: float | None = number_field()
