"""Check who people are"""

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("identity_verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("identity_verified_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "identity_verifications",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("user_id", sa.Text(collation="C"), nullable=False),
        sa.Column("document_type", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("full_name", sa.LargeBinary(), nullable=True),
        sa.Column("document_expires_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rejection_reason", sa.Text(), nullable=True),
        sa.Column("rejection_note", sa.Text(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(collation="C"), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    table = "identity_verifications"
    op.create_index(f"{table}_by_fingerprint", table, ["fingerprint", "user_id"], unique=False)
    op.create_index(f"{table}_by_status", table, ["status", "id"], unique=False)
    op.create_index(f"{table}_by_user", table, ["user_id", "id"], unique=False)
    for status in ("PENDING", "APPROVED"):
        op.create_index(
            f"{table}_one_{status.lower()}",
            table,
            ["user_id"],
            unique=True,
            postgresql_where=sa.text(f"status = '{status}'"),
        )


def downgrade() -> None:
    op.drop_table("identity_verifications")
    op.drop_column("users", "identity_verified_until")
    op.drop_column("users", "identity_verified_at")
