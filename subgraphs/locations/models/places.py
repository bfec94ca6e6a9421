"""The tables of places."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer
from sqlmodel import Field

from shared.database.models import enum_field, key_field, text_field, time_field
from subgraphs.locations.models.base import Base, number_field
from subgraphs.locations.rules.places import Precision


class Place(Base, table=True):
    """Somewhere that its owner has named. `latitude` and `longitude` are exact and for few; the others are public."""

    __tablename__ = "places"
    __table_args__ = (
        Index("places_by_owner", "owner_id", "id"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="places_latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="places_longitude"),
    )

    id: str = key_field(primary_key=True)
    owner_id: str = key_field()
    address: str | None = text_field()
    locality: str | None = text_field()
    country: str | None = key_field()
    precision: Precision = enum_field(Precision)
    latitude: float = number_field()
    longitude: float = number_field()
    public_latitude: float = number_field()
    public_longitude: float = number_field()
    created_at: datetime = time_field()


class Neighbourhood(Base, table=True):
    """One in which a person has been shown to others, by `rules.neighbourhoods`.

    It outlives their places: whoever deletes one and makes it again must not show a second sample.
    """

    __tablename__ = "neighbourhoods"
    # For PostgreSQL to write and for store/ to sort by: in which order a person was first shown in them.
    __table_args__ = (Column("number", BigInteger, Identity(always=True), nullable=False),)
    __mapper_args__: ClassVar[dict[str, list[str]]] = {"exclude_properties": ["number"]}  # SQLAlchemy reads it once

    owner_id: str = key_field(primary_key=True)
    north: int = Field(sa_type=Integer, primary_key=True)
    east: int = Field(sa_type=Integer, primary_key=True)
