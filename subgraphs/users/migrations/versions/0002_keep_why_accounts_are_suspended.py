"""Keep why accounts are suspended"""

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("suspension_reason", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("suspended_from", sa.Text(), nullable=True))
    op.create_index("users_name", "users", [sa.literal_column("lower(display_name) text_pattern_ops")], unique=False)
    op.create_index("users_status", "users", ["status", "id"], unique=False)
    op.create_index("users_roles", "users", ["roles"], unique=False, postgresql_using="gin")


def downgrade() -> None:
    for index in ("users_roles", "users_status", "users_name"):
        op.drop_index(index, table_name="users")
    for column in ("suspended_from", "suspension_reason", "suspended_at"):
        op.drop_column("users", column)
