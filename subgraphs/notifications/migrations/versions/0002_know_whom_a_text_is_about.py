"""Know whom a text is about"""

import sqlalchemy as sa
from alembic import op

from shared.database.alembic import platform

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "notifications",
        sa.Column("about_ids", sa.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
    )
    op.create_index("notifications_about", "notifications", ["about_ids"], unique=False, postgresql_using="gin")
    op.add_column("users", sa.Column("erased", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("tasks", sa.Column("poster_id", sa.Text(collation="C"), nullable=True))
    op.create_index("ix_tasks_poster_id", "tasks", ["poster_id"], unique=False)
    platform.add_v2()


def downgrade() -> None:
    platform.drop_v2()
    op.drop_index("ix_tasks_poster_id", table_name="tasks")
    op.drop_column("tasks", "poster_id")
    op.drop_column("users", "erased")
    op.drop_index("notifications_about", table_name="notifications")
    op.drop_column("notifications", "about_ids")
