"""Let taskers say where they work"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_CENTER = "ST_SetSRID(ST_MakePoint(public_longitude, public_latitude), 4326)::geography"
_REACH = (
    "CASE WHEN radius_meters IS NULL THEN ST_GeomFromGeoJSON(public_outline)::geography "
    f"ELSE _st_expand({_CENTER}, radius_meters) END"
)


def upgrade() -> None:
    op.create_table(
        "service_areas",
        sa.Column("center", Geography("POINT", 4326, spatial_index=False), sa.Computed(_CENTER, persisted=True)),
        sa.Column("reach", Geography("GEOMETRY", 4326, spatial_index=False), sa.Computed(_REACH, persisted=True)),
        sa.Column("tasker_id", _KEY, nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("radius_meters", sa.Double(), nullable=True),
        sa.Column("outline", postgresql.JSONB(), nullable=True),
        sa.Column("public_latitude", sa.Double(), nullable=False),
        sa.Column("public_longitude", sa.Double(), nullable=False),
        sa.Column("public_outline", postgresql.JSONB(), nullable=True),
        sa.Column("category_ids", sa.ARRAY(_KEY), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="service_areas_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="service_areas_longitude"),
        sa.CheckConstraint("num_nulls(radius_meters, outline) = 1", name="service_areas_one_shape"),
        sa.CheckConstraint("num_nulls(outline, public_outline) IN (0, 2)", name="service_areas_whole_outline"),
        sa.PrimaryKeyConstraint("tasker_id"),
    )
    op.create_index("service_areas_by_reach", "service_areas", ["reach"], postgresql_using="gist")


def downgrade() -> None:
    op.drop_table("service_areas")
