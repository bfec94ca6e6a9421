"""Let poster and tasker agree on changes, and others ask"""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tasks", sa.Column("price_minor", sa.BigInteger(), nullable=True))
    op.create_table(
        "agreements",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_by_id", _KEY, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("due_from", _UTC, nullable=True),
        sa.Column("due_at", _UTC, nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("price_before_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", _UTC, nullable=False),
        sa.Column("expires_at", _UTC, nullable=True),
        sa.Column("answered_at", _UTC, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
    )
    op.create_index(
        "agreements_one_unsettled",
        "agreements",
        ["task_id", "kind"],
        unique=True,
        postgresql_where=sa.text("status IN ('OPEN', 'AWAITING_FUNDING')"),
    )
    op.create_index("agreements_by_task", "agreements", ["task_id", "id"])
    op.create_index("agreements_by_person", "agreements", ["requested_by_id"])
    op.create_table(
        "questions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("asker_id", _KEY, nullable=False),
        sa.Column("poster_id", _KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("asked_at", _UTC, nullable=False),
        sa.Column("answered_at", _UTC, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
    )
    op.create_index("questions_by_task", "questions", ["task_id", "id"])
    op.create_index("questions_by_asker", "questions", ["asker_id"])
    op.create_index("questions_by_poster", "questions", ["poster_id"])


def downgrade() -> None:
    op.drop_table("questions")
    op.drop_table("agreements")
    op.drop_column("tasks", "price_minor")
