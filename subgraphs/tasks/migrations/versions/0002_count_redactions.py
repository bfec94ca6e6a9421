"""Count redactions"""

from shared.database.alembic import platform

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    platform.add_v2()


def downgrade() -> None:
    platform.drop_v2()
