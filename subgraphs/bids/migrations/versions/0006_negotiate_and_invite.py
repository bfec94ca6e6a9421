"""Negotiate and invite"""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("bids", sa.Column("open_offer_side", sa.Text(), nullable=True))
    op.add_column("bids", sa.Column("offers_made", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.alter_column("bids", "offers_made", server_default=None)
    op.add_column("bids", sa.Column("shortlisted_at", _TIME, nullable=True))
    op.add_column("bids", sa.Column("decline_reason", sa.Text(), nullable=True))
    op.add_column("bids", sa.Column("decline_message", sa.Text(), nullable=True))
    op.create_index("bids_by_amount", "bids", ["task_id", "amount_minor", "id"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("bid_id", _KEY, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("author_id", _KEY, nullable=False),
        sa.Column("recipient_id", _KEY, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="offers_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("offers_by_bid", "offers", ["bid_id", "id"], unique=False)
    op.create_index("offers_by_author", "offers", ["author_id"], unique=False)
    op.create_index("offers_by_recipient", "offers", ["recipient_id"], unique=False)
    op.create_index(
        "offers_one_open_per_bid", "offers", ["bid_id"], unique=True, postgresql_where=sa.text("status = 'OPEN'")
    )
    op.create_table(
        "invitations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("poster_id", _KEY, nullable=False),
        sa.Column("tasker_id", _KEY, nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("bid_id", _KEY, nullable=True),
        sa.Column("declined_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("invitations_by_task", "invitations", ["task_id", "id"], unique=False)
    op.create_index("invitations_by_tasker", "invitations", ["tasker_id", "id"], unique=False)
    op.create_index("invitations_by_poster", "invitations", ["poster_id"], unique=False)
    op.create_index("invitations_one_per_tasker", "invitations", ["task_id", "tasker_id"], unique=True)
    op.create_table(
        "taskers",
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("is_tasker", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )


def downgrade() -> None:
    op.drop_table("taskers")
    op.drop_table("invitations")
    op.drop_table("offers")
    op.drop_index("bids_by_amount", table_name="bids")
    op.drop_column("bids", "decline_message")
    op.drop_column("bids", "decline_reason")
    op.drop_column("bids", "shortlisted_at")
    op.drop_column("bids", "offers_made")
    op.drop_column("bids", "open_offer_side")
