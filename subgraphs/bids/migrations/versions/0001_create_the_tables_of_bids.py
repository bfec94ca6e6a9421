"""Create the tables of bids"""

import sqlalchemy as sa
from alembic import op

from shared.database.alembic import platform

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bids",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("task_id", sa.Text(collation="C"), nullable=False),
        sa.Column("poster_id", sa.Text(collation="C"), nullable=False),
        sa.Column("tasker_id", sa.Text(collation="C"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("estimated_minutes", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="bids_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("bids_by_task", "bids", ["task_id", "id"], unique=False)
    op.create_index("bids_by_tasker", "bids", ["tasker_id", "id"], unique=False)
    op.create_index(
        "bids_one_live_per_tasker",
        "bids",
        ["task_id", "tasker_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('PENDING', 'ACCEPTED', 'AWARDED')"),
    )
    op.create_index(
        "bids_one_winner_per_task",
        "bids",
        ["task_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('ACCEPTED', 'AWARDED')"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("poster_id", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    platform.create_v1()


def downgrade() -> None:
    platform.drop_v1()
    op.drop_table("tasks")
    op.drop_table("bids")
