"""Take tasks of suspended people off the map"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geography

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None

_OPEN = sa.text("status = 'OPEN'")
_POINT = "ST_SetSRID(ST_MakePoint(longitude, latitude), 4326)::geography"
_X = "CASE WHEN longitude IS NOT NULL THEN LEAST(16777215, floor((longitude + 180) / 360 * 16777216))::integer END"
_Y = (
    "CASE WHEN latitude IS NOT NULL THEN LEAST(16777215, GREATEST(0, floor((0.5 - ln(tan(pi() / 4 + radians("
    "LEAST(85.05112877980659, GREATEST(-85.05112877980659, latitude))) / 2)) / (2 * pi())) * 16777216)))::integer END"
)


def _compute(form: str) -> None:
    """Has the columns by which a task is found computed anew, and their indexes made again."""
    for column in ("point", "x", "y"):
        # With its index.
        op.drop_column("tasks", column)
    point = Geography("POINT", 4326, spatial_index=False)
    for name, kind, expression in (("point", point, _POINT), ("x", sa.Integer(), _X), ("y", sa.Integer(), _Y)):
        op.add_column("tasks", sa.Column(name, kind, sa.Computed(form.format(expression), persisted=True)))
    op.create_index("tasks_open_by_point", "tasks", ["point"], postgresql_using="gist", postgresql_where=_OPEN)
    op.create_index("tasks_open_on_the_map", "tasks", ["x", "y", "number"], postgresql_where=_OPEN)


def upgrade() -> None:
    op.add_column("tasks", sa.Column("is_hidden", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("tasks", "is_hidden", server_default=None)
    _compute("CASE WHEN NOT is_hidden THEN {} END")
    # The trigger counts what that takes off the map.
    op.execute(
        "UPDATE tasks SET is_hidden = true WHERE poster_id IN (SELECT user_id FROM suspensions WHERE is_suspended)"
    )


def downgrade() -> None:
    op.execute("UPDATE tasks SET is_hidden = false WHERE is_hidden")
    _compute("{}")
    op.drop_column("tasks", "is_hidden")
