"""Keep what people report of each other"""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("reporter_id", sa.Text(collation="C"), nullable=False),
        sa.Column("reported_id", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reporter_id <> reported_id", name="reports_not_oneself"),
        sa.ForeignKeyConstraint(["reported_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["reporter_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reports_by_reported", "reports", ["reported_id"], unique=False)
    op.create_index("reports_by_reporter", "reports", ["reporter_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("reports")
