"""Know what led to a status"""

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("tasks", "agreements"):
        op.add_column(table, sa.Column("last_step", sa.Text(), nullable=True))


def downgrade() -> None:
    for table in ("tasks", "agreements"):
        op.drop_column(table, "last_step")
