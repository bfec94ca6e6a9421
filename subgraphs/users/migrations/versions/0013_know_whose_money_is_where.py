"""Know whose money is where"""

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "escrows",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("poster_id", sa.Text(collation="C"), nullable=False),
        sa.Column("tasker_id", sa.Text(collation="C"), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("escrows_live_of_poster", "escrows", ["poster_id"], postgresql_where=sa.text("live"))
    op.create_index("escrows_live_of_tasker", "escrows", ["tasker_id"], postgresql_where=sa.text("live"))
    op.create_table(
        "balances",
        sa.Column("user_id", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("available_minor", sa.BigInteger(), nullable=False),
        sa.Column("on_its_way_minor", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "currency"),
    )


def downgrade() -> None:
    op.drop_table("balances")
    op.drop_table("escrows")
