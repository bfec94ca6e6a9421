"""Create the tables of locations"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography
from sqlalchemy.dialects import postgresql

from shared.database.alembic import platform

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)
_OPEN = sa.text("status = 'OPEN'")
_POINT = "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography"
_X = "CASE WHEN longitude IS NOT NULL THEN LEAST(16777215, floor((longitude + 180) / 360 * 16777216))::integer END"
_Y = (
    "CASE WHEN latitude IS NOT NULL THEN LEAST(16777215, GREATEST(0, floor((0.5 - ln(tan(pi() / 4 + radians("
    "LEAST(85.05112877980659, GREATEST(-85.05112877980659, latitude))) / 2)) / (2 * pi())) * 16777216)))::integer END"
)

_EMPTIED = """
            DELETE FROM cells USING (
                SELECT DISTINCT level, x >> (24 - level) AS x, y >> (24 - level) AS y
                FROM removed, generate_series(2, 12) AS level WHERE status = 'OPEN' AND x IS NOT NULL
            ) AS left_by
            WHERE tasks = 0 AND cells.level = left_by.level AND cells.x = left_by.x AND cells.y = left_by.y;
"""


def _count(operation: str, tables: str, rows: str) -> None:
    """Has the cells follow what a statement does to open tasks.

    All its rows together, and in the order of the key, so that two transactions do not wait for each other crosswise.
    """
    emptied = "" if operation == "insert" else _EMPTIED
    op.execute(f"""
        CREATE FUNCTION count_open_tasks_on_{operation}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO cells AS kept (level, x, y, tasks, sum_x, sum_y, sum_number)
            SELECT level, changed.x >> (24 - level), changed.y >> (24 - level), sum(step),
                sum(step * changed.x::bigint), sum(step * changed.y::bigint), sum(step * number)
            FROM ({rows}) AS changed, generate_series(2, 12) AS level
            GROUP BY 1, 2, 3
            HAVING sum(step) <> 0 OR sum(step * changed.x::bigint) <> 0 OR sum(step * changed.y::bigint) <> 0
                OR sum(step * number) <> 0
            ORDER BY 1, 2, 3
            ON CONFLICT (level, x, y) DO UPDATE SET
                tasks = kept.tasks + excluded.tasks,
                sum_x = kept.sum_x + excluded.sum_x,
                sum_y = kept.sum_y + excluded.sum_y,
                sum_number = kept.sum_number + excluded.sum_number;
            {emptied}
            RETURN NULL;
        END $$
    """)  # noqa: S608 - nothing of it comes from outside
    op.execute(f"""
        CREATE TRIGGER tasks_count_open_on_{operation} AFTER {operation.upper()} ON tasks
        REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION count_open_tasks_on_{operation}()
    """)


def upgrade() -> None:
    op.create_table(
        "places",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("owner_id", _KEY, nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("locality", sa.Text(), nullable=True),
        sa.Column("country", _KEY, nullable=True),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("public_latitude", sa.Double(), nullable=False),
        sa.Column("public_longitude", sa.Double(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="places_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="places_longitude"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("places_by_owner", "places", ["owner_id", "id"])
    op.create_table(
        "displacements",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("owner_id", _KEY, nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("bearing_degrees", sa.Double(), nullable=False),
        sa.Column("meters", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("displacements_by_owner", "displacements", ["owner_id", "latitude"])
    op.create_table(
        "tasks",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("point", Geography("POINT", 4326, spatial_index=False), sa.Computed(_POINT, persisted=True)),
        sa.Column("x", sa.Integer(), sa.Computed(_X, persisted=True)),
        sa.Column("y", sa.Integer(), sa.Computed(_Y, persisted=True)),
        sa.Column("search", postgresql.TSVECTOR(), nullable=True),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("poster_id", _KEY, nullable=False),
        sa.Column("tasker_id", _KEY, nullable=True),
        sa.Column("place_id", _KEY, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category_id", _KEY, nullable=False),
        sa.Column("budget_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("mode", _KEY, nullable=False),
        sa.Column("status", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name="tasks_latitude"),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name="tasks_longitude"),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="tasks_whole_point"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("tasks_by_number", "tasks", ["number"], unique=True)
    op.create_index("tasks_open_by_point", "tasks", ["point"], postgresql_using="gist", postgresql_where=_OPEN)
    op.create_index("tasks_open_on_the_map", "tasks", ["x", "y", "number"], postgresql_where=_OPEN)
    op.create_index("tasks_by_place", "tasks", ["place_id"], postgresql_where=sa.text("place_id IS NOT NULL"))
    op.create_index("tasks_by_poster", "tasks", ["poster_id"])
    op.create_index("tasks_by_tasker", "tasks", ["tasker_id"], postgresql_where=sa.text("tasker_id IS NOT NULL"))
    op.create_table(
        "cells",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("y", sa.Integer(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("sum_x", sa.BigInteger(), nullable=False),
        sa.Column("sum_y", sa.BigInteger(), nullable=False),
        sa.Column("sum_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("level", "x", "y"),
    )
    added = "SELECT x, y, number, 1 AS step FROM added WHERE status = 'OPEN' AND x IS NOT NULL"
    removed = "SELECT x, y, number, -1 AS step FROM removed WHERE status = 'OPEN' AND x IS NOT NULL"
    _count("insert", "NEW TABLE AS added", added)
    _count("update", "OLD TABLE AS removed NEW TABLE AS added", f"{removed} UNION ALL {added}")
    _count("delete", "OLD TABLE AS removed", removed)
    platform.create_v1()
    platform.add_v2()


def downgrade() -> None:
    platform.drop_v1()
    for table in ("cells", "tasks", "displacements", "places"):
        op.drop_table(table)
    for operation in ("insert", "update", "delete"):
        op.execute(f"DROP FUNCTION count_open_tasks_on_{operation}()")
