"""Keep files of tasks"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None

Key = sa.Text(collation="C")
Time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "tasks",
        sa.Column(
            "attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default=sa.text("'[]'")
        ),
    )
    op.create_table(
        "attachments",
        sa.Column("id", Key, nullable=False),
        sa.Column("task_id", Key, nullable=False),
        sa.Column("uploader_id", Key, nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", Key, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("declared_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("parts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("writer", Key, nullable=True),
        sa.Column("writer_until", Time, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.CheckConstraint("received_bytes BETWEEN 0 AND declared_bytes", name="attachments_received_within"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attachments_by_task", "attachments", ["task_id", "id"])
    op.create_index("attachments_by_uploader", "attachments", ["uploader_id"])
    op.create_index(
        "attachments_to_check", "attachments", ["writer_until"], postgresql_where=sa.text("status = 'CHECKING'")
    )
    op.create_table(
        "discarded_files",
        sa.Column("prefix", Key, nullable=False),
        sa.Column("due_at", Time, nullable=False),
        sa.Column("deleted_once", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("prefix"),
    )
    op.create_index("discarded_files_by_time", "discarded_files", ["due_at"])


def downgrade() -> None:
    op.drop_table("discarded_files")
    op.drop_table("attachments")
    op.drop_column("tasks", "attachments")
