"""Know what led to a status"""

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bids", sa.Column("last_step", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("bids", "last_step")
