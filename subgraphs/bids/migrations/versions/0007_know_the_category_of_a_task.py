"""Know the category of a task"""

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("category_id", sa.Text(collation="C"), nullable=True))


def downgrade() -> None:
    op.drop_column("tasks", "category_id")
