"""Count looks at files"""

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default is for processes of the release before, which go on beside this one for a while.
    op.add_column("attachments", sa.Column("looks", sa.BigInteger(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_column("attachments", "looks")
