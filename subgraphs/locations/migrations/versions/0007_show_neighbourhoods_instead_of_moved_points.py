"""Show neighbourhoods instead of moved points"""

import json
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from shared.geo import Point

# Where others see a place is by one rule for all places, so by that of the code that runs from now on: whoever changes
# the rule again moves all places again.
from subgraphs.locations.rules import neighbourhoods, service_areas

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_AT_ONCE = 5_000
# Numbered by people, and of each in the order in which they came. What was there and is gone counts too.
_EXACT = """
    CREATE TEMPORARY TABLE exact ON COMMIT DROP AS
    SELECT row_number() OVER (ORDER BY owner_id, turn, since) AS number, owner_id, id, latitude, longitude, outline
    FROM (
        SELECT owner_id, NULL AS id, latitude, longitude, NULL AS outline, 1 AS turn, id AS since FROM displacements
        UNION ALL SELECT owner_id, id, latitude, longitude, NULL, 2, id FROM places
        UNION ALL SELECT tasker_id, tasker_id, latitude, longitude, outline::text, 3, NULL FROM service_areas
    ) AS rows
"""
_PAGE = sa.text("SELECT * FROM exact WHERE number > :after AND number <= :after + :size ORDER BY number")


def upgrade() -> None:
    neighbourhood = op.create_table(
        "neighbourhoods",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_id", _KEY, nullable=False),
        sa.Column("north", sa.Integer(), nullable=False),
        sa.Column("east", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "north", "east"),
    )
    op.execute(_EXACT)
    op.execute("CREATE UNIQUE INDEX ON exact (number)")
    op.execute(
        "CREATE TEMPORARY TABLE shown (id text PRIMARY KEY, latitude float8, longitude float8, outline text)"
        " ON COMMIT DROP"
    )
    shown = sa.table("shown", *map(sa.column, ("id", "latitude", "longitude", "outline")))
    points_of_all = _public_points(op.get_bind())
    while rows := list(islice(points_of_all, _AT_ONCE)):
        used = [row for row, _ in rows if row is not None]
        points = [row for _, row in rows if row is not None]
        if used:
            op.bulk_insert(neighbourhood, used)
        if points:
            op.get_bind().execute(sa.insert(shown), points)
    op.execute("""
        UPDATE places SET public_latitude = shown.latitude, public_longitude = shown.longitude
        FROM shown WHERE shown.id = places.id
    """)
    op.execute("""
        UPDATE service_areas SET public_latitude = shown.latitude, public_longitude = shown.longitude,
            public_outline = shown.outline::jsonb
        FROM shown WHERE shown.id = service_areas.tasker_id
    """)
    op.execute("""
        UPDATE tasks SET latitude = places.public_latitude, longitude = places.public_longitude
        FROM places WHERE places.id = tasks.place_id AND tasks.latitude IS NOT NULL
    """)
    # At once, although processes of before may still run: they must not move a place by the old rule any more.
    op.drop_table("displacements")


def downgrade() -> None:
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
    # Places stay where others see them; new ones are moved anew.
    op.drop_table("neighbourhoods")


_Row = dict[str, object]


def _exact(bind: sa.Connection) -> Iterator[sa.Row[Any]]:
    after = 0
    while rows := bind.execute(_PAGE, {"after": after, "size": _AT_ONCE}).all():
        yield from rows
        after += _AT_ONCE


def _public_points(bind: sa.Connection) -> Iterator[tuple[_Row | None, _Row | None]]:
    """A neighbourhood in which somebody is shown for the first time, and where a place or an area is shown."""
    for owner_id, theirs in groupby(_exact(bind), key=lambda row: row.owner_id):
        known: list[neighbourhoods.Neighbourhood] = []
        for row in theirs:
            exact = Point(row.latitude, row.longitude)
            shown = neighbourhoods.shown_in(exact, known)
            used = None
            if shown not in known:
                known.append(shown)
                used = {"owner_id": owner_id, "north": shown.north, "east": shown.east}
            point = None
            if row.id is not None:
                public = neighbourhoods.public_point(owner_id, shown)
                outline = _moved(row.outline, exact, public) if row.outline is not None else None
                point = {"id": row.id, "latitude": public.latitude, "longitude": public.longitude, "outline": outline}
            yield used, point


def _moved(outline: str, center: Point, public: Point) -> str:
    polygon = service_areas.Polygon(tuple(service_areas.corners_of(json.loads(outline))), center)
    return json.dumps(service_areas.geojson_of(polygon.around(public)))
