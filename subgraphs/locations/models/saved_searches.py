"""The tables of saved searches and of the tasks that they found."""

from datetime import datetime
from typing import ClassVar

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, Column, Computed, Index, text
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.database.models import bigint_field, enum_field, key_field, keys_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.locations.models.base import Base, number_field
from subgraphs.locations.rules.maps import POINT_SQL
from subgraphs.locations.rules.saved_searches import Mode


class SavedSearch(Base, table=True):
    """Which tasks a person wants to hear of."""

    __tablename__ = "saved_searches"
    __table_args__ = (
        # For PostgreSQL to write and for store/ to search by, no attributes. `reach` is the centre with the box around
        # its circle as PostGIS indexes it: a radius that differs from row to row cannot be searched for otherwise.
        Column("center", Geography("POINT", 4326, spatial_index=False), Computed(POINT_SQL, persisted=True)),
        Column(
            "reach",
            Geography("POINT", 4326, spatial_index=False),
            Computed(f"_st_expand({POINT_SQL}, radius_meters)", persisted=True),
        ),
        # Of `words`, for store/ to write and to search by.
        Column("query", TSQUERY),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="saved_searches_latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="saved_searches_longitude"),
        CheckConstraint("num_nulls(latitude, longitude, radius_meters) IN (0, 3)", name="saved_searches_whole_circle"),
        Index("saved_searches_by_owner", "owner_id", "id"),
        Index("saved_searches_by_reach", "reach", postgresql_using="gist"),
        # Without its list of pending entries, which every search would have to read through.
        Index(
            "saved_searches_by_keys",
            "keys",
            postgresql_using="gin",
            postgresql_where=text("latitude IS NULL"),
            postgresql_with={"fastupdate": "off"},
        ),
    )
    __mapper_args__: ClassVar[dict[str, list[str]]] = {
        "exclude_properties": ["center", "reach", "query"]
    }  # SQLAlchemy reads it once

    id: str = key_field(primary_key=True)
    owner_id: str = key_field()
    name: str = text_field()
    latitude: float | None = number_field()
    longitude: float | None = number_field()
    radius_meters: float | None = number_field()
    words: str | None = text_field()
    category_ids: list[str] = keys_field()
    """Any of these; all if there are none."""
    mode: Mode | None = enum_field(Mode)
    budget_minor: int | None = bigint_field()
    currency: CurrencyCode | None = enum_field(CurrencyCode)
    keys: list[str] = keys_field()
    """What a task has at least one of if the search finds it; for searches without an area."""
    created_at: datetime = time_field()


class Alert(Base, table=True):
    """A task that a saved search found: its person hears of it, and never again of the same task."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("alerts_pending", "task_id", "user_id", postgresql_where=text("is_pending")),
        Index("alerts_by_user", "user_id"),
    )

    task_id: str = key_field(primary_key=True)
    user_id: str = key_field(primary_key=True)
    search_id: str = key_field()
    is_near: bool
    """Whether the search has an area."""
    is_pending: bool
    """Whether it is still to be told."""
    found_at: datetime = time_field()
