"""Create the tables of payments"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.database.alembic import platform

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

_KEY = sa.Text(collation="C")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "chargebacks",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("charge_id", _KEY, nullable=False),
        sa.Column("escrow_id", _KEY, nullable=False),
        sa.Column("payer_id", _KEY, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=False),
        sa.Column("evidence_due_at", _TIME, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name="chargebacks_amount"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("chargebacks_by_charge", "chargebacks", ["charge_id", "id"], unique=False)
    op.create_index("chargebacks_by_escrow", "chargebacks", ["escrow_id", "id"], unique=False)
    op.create_index("chargebacks_by_provider_id", "chargebacks", ["provider", "provider_id"], unique=True)
    op.create_table(
        "charges",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("escrow_id", _KEY, nullable=False),
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("agreement_id", _KEY, nullable=True),
        sa.Column("payer_id", _KEY, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_method_id", _KEY, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("confirmed_attempt", sa.Integer(), nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=True),
        sa.Column("decline", sa.Text(), nullable=True),
        sa.Column("action_client_secret", sa.Text(), nullable=True),
        sa.Column("action_redirect_url", sa.Text(), nullable=True),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="charges_amount_positive"),
        sa.CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="charges_refunded"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("charges_by_escrow", "charges", ["escrow_id", "id"], unique=False)
    op.create_index("charges_by_payer", "charges", ["payer_id", "id"], unique=False)
    op.create_index("charges_by_provider_id", "charges", ["provider", "provider_id"], unique=True)
    op.create_table(
        "counters",
        sa.Column("name", _KEY, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "customers",
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "provider"),
    )
    op.create_table(
        "escrows",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("task_id", _KEY, nullable=False),
        sa.Column("bid_id", _KEY, nullable=False),
        sa.Column("bid_version", sa.Integer(), nullable=False),
        sa.Column("poster_id", _KEY, nullable=False),
        sa.Column("tasker_id", _KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("held_minor", sa.BigInteger(), nullable=False),
        sa.Column("released_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_basis_points", sa.Integer(), nullable=False),
        sa.Column("holds", postgresql.ARRAY(_KEY), nullable=False),
        sa.Column("due_refund_minor", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("funding_expires_at", _TIME, nullable=False),
        sa.Column("release_at", _TIME, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Text(), nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("amount_minor > 0 AND held_minor >= 0", name="escrows_amounts"),
        sa.CheckConstraint(
            "released_minor >= 0 AND fee_minor BETWEEN 0 AND released_minor AND refunded_minor >= 0",
            name="escrows_parts",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("escrows_by_task", "escrows", ["task_id", "id"], unique=False)
    op.create_index("escrows_of_poster", "escrows", ["poster_id", "id"], unique=False)
    op.create_index("escrows_of_tasker", "escrows", ["tasker_id", "id"], unique=False)
    op.create_index("escrows_one_per_acceptance", "escrows", ["bid_id", "bid_version"], unique=True)
    op.create_index(
        "escrows_one_per_task",
        "escrows",
        ["task_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('PENDING', 'FUNDED', 'FROZEN', 'RELEASED', 'SPLIT')"),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", _KEY, nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ledger_accounts_by_owner", "ledger_accounts", ["owner_id", "kind"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("transaction_id", _KEY, nullable=False),
        sa.Column("account_id", _KEY, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("balance_after_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("side IN ('DEBIT', 'CREDIT')", name="ledger_entries_side"),
        sa.CheckConstraint("amount_minor > 0", name="ledger_entries_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ledger_entries_by_account", "ledger_entries", ["account_id", "id"], unique=False)
    op.create_index("ledger_entries_by_transaction", "ledger_entries", ["transaction_id"], unique=False)
    op.create_table(
        "ledger_transactions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("subject_id", _KEY, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("written_in", sa.BigInteger(), server_default=sa.text("txid_current()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subject_id", "step", name="ledger_transactions_once"),
    )
    op.create_table(
        "payment_methods",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("token", _KEY, nullable=True),
        sa.Column("fingerprint", _KEY, nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("expires_month", sa.Integer(), nullable=False),
        sa.Column("expires_year", sa.Integer(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("removed_at", _TIME, nullable=True),
        sa.CheckConstraint("last_four ~ '^[0-9]{4}$'", name="payment_methods_last_four"),
        sa.CheckConstraint("expires_month BETWEEN 1 AND 12", name="payment_methods_expires_month"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "payment_methods_by_user",
        "payment_methods",
        ["user_id", "id"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "payment_methods_one_default",
        "payment_methods",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("is_default AND removed_at IS NULL"),
    )
    op.create_index(
        "payment_methods_one_per_card",
        "payment_methods",
        ["user_id", "provider", "fingerprint"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "payout_accounts",
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requirements", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "provider"),
    )
    op.create_index("payout_accounts_by_provider_id", "payout_accounts", ["provider", "provider_id"], unique=True)
    op.create_table(
        "payouts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("tasker_id", _KEY, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("is_scheduled", sa.Boolean(), nullable=False),
        sa.Column("account", _KEY, nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="payouts_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("payouts_by_provider_id", "payouts", ["provider", "provider_id"], unique=True)
    op.create_index("payouts_by_tasker", "payouts", ["tasker_id", "id"], unique=False)
    op.create_index(
        "payouts_pending",
        "payouts",
        ["tasker_id", "currency"],
        unique=False,
        postgresql_where=sa.text("status = 'PENDING'"),
    )
    op.create_table(
        "refunds",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("charge_id", _KEY, nullable=False),
        sa.Column("escrow_id", _KEY, nullable=False),
        sa.Column("payer_id", _KEY, nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name="refunds_amount_positive"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refunds_by_charge", "refunds", ["charge_id", "id"], unique=False)
    op.create_index("refunds_by_escrow", "refunds", ["escrow_id", "id"], unique=False)
    op.create_index("refunds_by_provider_id", "refunds", ["provider", "provider_id"], unique=True)
    op.create_table(
        "settlements",
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("subject_id", _KEY, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject_id"),
    )
    op.create_index(op.f("ix_settlements_due_at"), "settlements", ["due_at"], unique=False)
    op.create_table(
        "setups",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("provider_id", _KEY, nullable=True),
        sa.Column("payment_method_id", _KEY, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("setups_by_user", "setups", ["user_id", "id"], unique=False)
    op.create_table(
        "suspensions",
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("is_suspended", sa.Boolean(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "transactions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("receipt_number", sa.BigInteger(), nullable=False),
        sa.Column("user_id", _KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subject_id", _KEY, nullable=False),
        sa.Column("task_id", _KEY, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("receipt_number", name="transactions_by_receipt_number"),
        sa.UniqueConstraint("subject_id", "kind", "user_id", name="transactions_once"),
    )
    op.create_index("transactions_by_user", "transactions", ["user_id", "id"], unique=False)
    op.create_table(
        "differences",
        sa.Column("provider", _KEY, nullable=False),
        sa.Column("object_id", _KEY, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subject_id", _KEY, nullable=True),
        sa.Column("provider_minor", sa.BigInteger(), nullable=False),
        sa.Column("ledger_minor", sa.BigInteger(), nullable=False),
        sa.Column("found_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("agreed_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("provider", "object_id"),
    )
    platform.create_v1()
    platform.add_v2()


def downgrade() -> None:
    platform.drop_v1()
    for table in (
        "differences",
        "transactions",
        "suspensions",
        "setups",
        "settlements",
        "refunds",
        "payouts",
        "payout_accounts",
        "payment_methods",
        "ledger_transactions",
        "ledger_entries",
        "ledger_accounts",
        "escrows",
        "customers",
        "counters",
        "charges",
        "chargebacks",
    ):
        op.drop_table(table)
