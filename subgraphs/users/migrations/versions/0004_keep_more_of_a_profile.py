"""Keep more of a profile"""

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("skills", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("users", sa.Column("phone", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("locale", sa.Text(), server_default="EN", nullable=False))
    op.add_column("users", sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False))


def downgrade() -> None:
    for column in ("time_zone", "locale", "phone", "skills"):
        op.drop_column("users", column)
