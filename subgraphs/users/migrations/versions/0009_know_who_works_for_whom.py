"""Know who works for whom, and count redactions"""

import sqlalchemy as sa
from alembic import op

from shared.database.alembic import platform

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "engagements",
        sa.Column("task_id", sa.Text(collation="C"), nullable=False),
        sa.Column("poster_id", sa.Text(collation="C"), nullable=False),
        sa.Column("tasker_id", sa.Text(collation="C"), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_index("engagements_open_of_poster", "engagements", ["poster_id"], postgresql_where=sa.text("open"))
    op.create_index("engagements_open_of_tasker", "engagements", ["tasker_id"], postgresql_where=sa.text("open"))
    platform.add_v2()


def downgrade() -> None:
    platform.drop_v2()
    op.drop_table("engagements")
