"""Know who set a standing"""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("standing_set_by", sa.Text(collation="C"), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "standing_set_by")
