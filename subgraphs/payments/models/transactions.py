"""What people see of their money: a transaction for each charge, refund, earning, tip and payout, with its receipt."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint

from shared.database.models import bigint_field, enum_field, key_field, time_field
from shared.money import CurrencyCode
from subgraphs.payments.models.base import Base
from subgraphs.payments.rules.transactions import Kind


class Transaction(Base, table=True):
    """A line of somebody's statement, and the receipt of it."""

    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("receipt_number", name="transactions_by_receipt_number"),
        UniqueConstraint("subject_id", "kind", "user_id", name="transactions_once"),
        Index("transactions_by_user", "user_id", "id"),
        Index("transactions_by_time", "user_id", "created_at", "id"),
    )

    id: str = key_field(primary_key=True)
    receipt_number: int = bigint_field()
    """1, 2, 3 … in the order of commits, without gaps."""
    user_id: str = key_field()
    kind: Kind = enum_field(Kind)
    amount_minor: int = bigint_field()
    """What the person has more, on their card or in their balance; negative if less."""
    fee_minor: int = bigint_field()
    """What the platform kept of what was earned."""
    currency: CurrencyCode = enum_field(CurrencyCode)
    subject_id: str = key_field()
    task_id: str | None = key_field()
    created_at: datetime = time_field()


class Counter(Base, table=True):
    """A number that is counted up without gaps: its row stays locked until whoever took one commits."""

    __tablename__ = "counters"

    name: str = key_field(primary_key=True)
    value: int = bigint_field()
