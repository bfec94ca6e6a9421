"""Let people block each other"""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocks",
        sa.Column("blocker_id", sa.Text(collation="C"), nullable=False),
        sa.Column("blocked_id", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("blocker_id <> blocked_id", name="blocks_not_oneself"),
        sa.ForeignKeyConstraint(["blocked_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["blocker_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("blocker_id", "blocked_id"),
    )
    op.create_index("blocks_by_blocked", "blocks", ["blocked_id"], unique=False)
    op.create_index("blocks_by_blocker", "blocks", ["blocker_id", "created_at", "blocked_id"], unique=False)


def downgrade() -> None:
    op.drop_table("blocks")
