"""Keep what receipts tell: names of people, titles of tasks, and the order of a period's transactions"""

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "task_titles",
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("poster_id", _KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("task_id"),
    )
    op.create_index("ix_task_titles_poster_id", "task_titles", ["poster_id"], unique=False)
    op.create_index("transactions_by_time", "transactions", ["user_id", "created_at", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("transactions_by_time", table_name="transactions")
    op.drop_table("task_titles")
    op.drop_table("people")
