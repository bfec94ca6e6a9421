"""Save searches and remember alerts"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)
_POINT = "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography"


def upgrade() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("center", Geography("POINT", 4326, spatial_index=False), sa.Computed(_POINT, persisted=True)),
        sa.Column(
            "reach",
            Geography("POINT", 4326, spatial_index=False),
            sa.Computed(f"_st_expand({_POINT}, radius_meters)", persisted=True),
        ),
        sa.Column(
            "query",
            postgresql.TSQUERY(),
            sa.Computed("websearch_to_tsquery('english'::regconfig, words)", persisted=True),
        ),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("owner_id", _KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("radius_meters", sa.Double(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("category_ids", sa.ARRAY(_KEY), nullable=False),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("budget_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("keys", sa.ARRAY(_KEY), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="saved_searches_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="saved_searches_longitude"),
        sa.CheckConstraint(
            "num_nulls(latitude, longitude, radius_meters) IN (0, 3)", name="saved_searches_whole_circle"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("saved_searches_by_owner", "saved_searches", ["owner_id", "id"])
    op.create_index("saved_searches_by_reach", "saved_searches", ["reach"], postgresql_using="gist")
    op.create_index(
        "saved_searches_by_keys",
        "saved_searches",
        ["keys"],
        postgresql_using="gin",
        postgresql_where=sa.text("latitude IS NULL"),
        postgresql_with={"fastupdate": "off"},
    )
    op.create_table(
        "alerts",
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("search_id", _KEY, nullable=False),
        sa.Column("is_near", sa.Boolean(), nullable=False),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.Column("found_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "user_id"),
    )
    op.create_index("alerts_pending", "alerts", ["task_id", "user_id"], postgresql_where=sa.text("is_pending"))
    op.create_index("alerts_by_user", "alerts", ["user_id"])
    op.create_table(
        "blocks",
        sa.Column("blocker_id", _KEY, nullable=False),
        sa.Column("blocked_id", _KEY, nullable=False),
        sa.Column("is_blocked", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id"),
    )
    op.create_index("blocks_by_blocked", "blocks", ["blocked_id"])
    op.create_table(
        "suspensions",
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("is_suspended", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )


def downgrade() -> None:
    for table in ("suspensions", "blocks", "alerts", "saved_searches"):
        op.drop_table(table)
