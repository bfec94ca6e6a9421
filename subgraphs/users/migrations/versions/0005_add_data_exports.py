"""Add data exports"""

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expected", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("data_exports_by_user", "data_exports", ["user_id", "id"], unique=False)
    op.create_index(
        "data_exports_one_pending",
        "data_exports",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "export_parts",
        sa.Column("export_id", sa.Text(collation="C"), nullable=False),
        sa.Column("subgraph", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("last", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["export_id"], ["data_exports.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("export_id", "subgraph", "number"),
    )


def downgrade() -> None:
    op.drop_table("export_parts")
    op.drop_table("data_exports")
