"""Know the whole life of a task, and keep its timeline"""

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in ("started_at", "delivered_at", "completed_at"):
        op.add_column("tasks", sa.Column(column, _UTC, nullable=True))
    op.add_column("tasks", sa.Column("cancelled_by_id", _KEY, nullable=True))
    op.execute("UPDATE tasks SET cancelled_by_id = poster_id WHERE cancelled_reason IS NOT NULL")
    op.create_table(
        "task_steps",
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("actor_id", _KEY, nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("occurred_at", _UTC, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "seq"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"]),
    )
    # The log of events goes after 30 days; what it still tells becomes the timeline's beginning.
    op.execute(
        """
        INSERT INTO task_steps (task_id, seq, type, actor_id, audience, occurred_at)
        SELECT body #>> '{task,id}', seq, split_part(type, '.', 3),
               CASE WHEN split_part(type, '.', 3) IN ('created', 'published', 'updated', 'assigned')
                         OR body ->> 'by' = 'POSTER'
                    THEN body #>> '{task,poster_id}' END,
               CASE WHEN body #>> '{task,published_at}' IS NULL THEN 'POSTER' ELSE 'EVERYBODY' END,
               occurred_at
        FROM outbox WHERE topic = 'tasks.task'
        """
    )


def downgrade() -> None:
    op.drop_table("task_steps")
    for column in ("cancelled_by_id", "completed_at", "delivered_at", "started_at"):
        op.drop_column("tasks", column)
