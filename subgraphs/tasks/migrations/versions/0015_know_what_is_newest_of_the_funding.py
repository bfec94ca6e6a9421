"""Know what is newest of the funding"""

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("funding_seq", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("tasks", "funding_seq")
