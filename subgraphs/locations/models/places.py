"""The tables of places."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index

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


class Displacement(Base, table=True):
    """How places of an owner around a point are moved for others.

    It outlives the places: whoever deletes one and makes it again must not show a second sample.
    """

    __tablename__ = "displacements"
    __table_args__ = (Index("displacements_by_owner", "owner_id", "latitude"),)

    id: str = key_field(primary_key=True)
    owner_id: str = key_field()
    latitude: float = number_field()
    longitude: float = number_field()
    bearing_degrees: float = number_field()
    meters: float = number_field()
