"""The table of service areas."""

from datetime import datetime
from typing import Any, ClassVar

from geoalchemy2 import Geography
from sqlalchemy import CheckConstraint, Column, Computed, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from shared.database.models import key_field, keys_field, time_field
from subgraphs.locations.models.base import Base, number_field

_JSON: Any = JSONB(none_as_null=True)
_CENTER = "ST_SetSRID(ST_MakePoint(public_longitude, public_latitude), 4326)::geography"
_REACH = (
    f"CASE WHEN radius_meters IS NULL THEN ST_GeomFromGeoJSON(public_outline)::geography "
    f"ELSE _st_expand({_CENTER}, radius_meters) END"
)


class ServiceArea(Base, table=True):
    """Where a tasker works: a circle, which has a radius, or a polygon, which has an outline (GeoJSON).

    `latitude` and `longitude` are those of the centre; they and the outline are exact, and for its tasker alone. What
    others are told goes by the public ones, which are where the tasker's places are shown.
    """

    __tablename__ = "service_areas"
    __table_args__ = (
        # For PostgreSQL to write and for store/ to search by, no attributes. `reach` is the polygon, or the centre with
        # the box around its circle as PostGIS indexes it: what a tree of radii that differ could not be searched for.
        Column("center", Geography("POINT", 4326, spatial_index=False), Computed(_CENTER, persisted=True)),
        Column("reach", Geography("GEOMETRY", 4326, spatial_index=False), Computed(_REACH, persisted=True)),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="service_areas_latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="service_areas_longitude"),
        CheckConstraint("num_nulls(radius_meters, outline) = 1", name="service_areas_one_shape"),
        CheckConstraint("num_nulls(outline, public_outline) IN (0, 2)", name="service_areas_whole_outline"),
        Index("service_areas_by_reach", "reach", postgresql_using="gist"),
    )
    __mapper_args__: ClassVar[dict[str, list[str]]] = {
        "exclude_properties": ["center", "reach"]
    }  # SQLAlchemy reads it once

    tasker_id: str = key_field(primary_key=True)
    latitude: float = number_field()
    longitude: float = number_field()
    radius_meters: float | None = number_field()
    outline: dict[str, Any] | None = Field(sa_type=_JSON)
    public_latitude: float = number_field()
    public_longitude: float = number_field()
    public_outline: dict[str, Any] | None = Field(sa_type=_JSON)
    category_ids: list[str] = keys_field()
    """Any of these; all if there are none."""
    updated_at: datetime = time_field()
