"""Forget who was told of expired tasks"""

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Those that expire from now on get theirs when they do.
    op.execute(
        """
        INSERT INTO deadlines (kind, subject_id, due_at)
        SELECT 'alert_forgetting', id, now() + interval '30 days' FROM tasks
        WHERE status = 'EXPIRED' AND EXISTS (SELECT FROM alerts WHERE task_id = tasks.id)
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM deadlines WHERE kind = 'alert_forgetting'")
