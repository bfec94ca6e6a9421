"""Where the books and the provider differ."""

from datetime import datetime

from shared.database.models import bigint_field, enum_field, key_field, time_field
from shared.money import CurrencyCode
from subgraphs.payments.models.base import Base


class Difference(Base, table=True):
    """An object at the provider of which the books say something else; it stays in the list when it agrees again.

    Nothing is put right by itself.
    """

    __tablename__ = "differences"

    provider: str = key_field(primary_key=True)
    object_id: str = key_field(primary_key=True)
    """The charge, refund, payout or dispute, as the provider calls it; `balance` for all of them together."""
    currency: CurrencyCode = enum_field(CurrencyCode)
    subject_id: str | None = key_field()
    """What it is here; None for what is not known here."""
    provider_minor: int = bigint_field()
    """What it moved our balance by at the provider."""
    ledger_minor: int = bigint_field()
    """What it moved it by in the books."""
    found_at: datetime = time_field()
    seen_at: datetime = time_field()
    agreed_at: datetime | None = time_field()
    """When both said the same again."""
