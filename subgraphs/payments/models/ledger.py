"""The books. Nobody changes what stands in them: triggers refuse it, and keep sums, signs and balances (see 0001)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlmodel import Field

from shared.database.models import bigint_field, enum_field, key_field, time_field
from shared.money import CurrencyCode
from subgraphs.payments.models.base import Base
from subgraphs.payments.rules.ledger import AccountKind, Side, Step


class LedgerAccount(Base, table=True):
    """An account and what is in it, on the side on which it grows."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (Index("ledger_accounts_by_owner", "owner_id", "kind"),)

    id: str = key_field(primary_key=True)
    kind: AccountKind = enum_field(AccountKind)
    owner_id: str | None = key_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    balance_minor: int = bigint_field()


class LedgerTransaction(Base, table=True):
    """What was booked, and why. Of a subject there is each step once."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (UniqueConstraint("subject_id", "step", name="ledger_transactions_once"),)

    id: str = key_field(primary_key=True)
    subject_id: str = key_field()
    step: Step = enum_field(Step)
    created_at: datetime = time_field()
    written_in: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("txid_current()")))
    """The transaction of the database that wrote it: its entries are of the same."""


class LedgerEntry(Base, table=True):
    """A line of a transaction."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="ledger_entries_amount_positive"),
        CheckConstraint("side IN ('DEBIT', 'CREDIT')", name="ledger_entries_side"),
        Index("ledger_entries_by_account", "account_id", "id"),
        Index("ledger_entries_by_transaction", "transaction_id"),
    )

    id: str = key_field(primary_key=True)
    transaction_id: str = key_field()
    account_id: str = key_field()
    side: Side = enum_field(Side)
    amount_minor: int = bigint_field()
    balance_after_minor: int = bigint_field()
    """What was in the account then; the database fills it in."""
