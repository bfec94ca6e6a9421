"""What goes from taskers' balances to their banks."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text

from shared.database.models import bigint_field, enum_field, key_field, texts_field, time_field
from shared.money import CurrencyCode
from subgraphs.payments.models.base import Base
from subgraphs.payments.provider.port import PayoutFault, PayoutStatus
from subgraphs.payments.rules.payouts import AccountStatus


class PayoutAccount(Base, table=True):
    """A tasker's account at the provider, as it was when it was looked at last."""

    __tablename__ = "payout_accounts"
    __table_args__ = (Index("payout_accounts_by_provider_id", "provider", "provider_id", unique=True),)

    user_id: str = key_field(primary_key=True)
    provider: str = key_field(primary_key=True)
    provider_id: str | None = key_field()
    """None until the provider has answered."""
    status: AccountStatus = enum_field(AccountStatus)
    requirements: list[str] = texts_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()

    @property
    def id(self) -> str:
        """Whose it is: a tasker has one at each provider."""
        return self.user_id


class Payout(Base, table=True):
    """Money on its way from a tasker's balance to their bank. Its id is its key at the provider."""

    __tablename__ = "payouts"
    __table_args__ = (
        Index("payouts_by_tasker", "tasker_id", "id"),
        Index("payouts_by_provider_id", "provider", "provider_id", unique=True),
        Index("payouts_pending", "tasker_id", "currency", postgresql_where=text("status = 'PENDING'")),
        CheckConstraint("amount_minor > 0", name="payouts_amount_positive"),
    )

    id: str = key_field(primary_key=True)
    tasker_id: str = key_field()
    amount_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    status: PayoutStatus = enum_field(PayoutStatus)
    fault: PayoutFault | None = enum_field(PayoutFault)
    is_scheduled: bool
    """Whether it is the weekly one."""
    account: str = key_field()
    """The account's id at the provider."""
    provider: str = key_field()
    provider_id: str | None = key_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
