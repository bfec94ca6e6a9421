"""Say where and when tasks are done, and what they ask for"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("place_id", sa.Text(collation="C"), nullable=True))
    op.add_column(
        "tasks", sa.Column("requirements", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'"))
    )
    op.add_column("tasks", sa.Column("due_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("tasks", sa.Column("time_zone", sa.Text(), nullable=False, server_default=sa.text("'UTC'")))


def downgrade() -> None:
    for column in ("time_zone", "due_from", "requirements", "place_id"):
        op.drop_column("tasks", column)
