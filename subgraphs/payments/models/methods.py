"""Ways to pay: cards, as far as one may know them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text

from shared.database.models import key_field, text_field, time_field
from subgraphs.payments.models.base import Base


class Customer(Base, table=True):
    """A person as the provider knows them."""

    __tablename__ = "customers"

    user_id: str = key_field(primary_key=True)
    provider: str = key_field(primary_key=True)
    provider_id: str | None = key_field()
    """None until the provider has answered."""
    created_at: datetime = time_field()


class Setup(Base, table=True):
    """The giving of a card to the provider, which the payer's client does. Its id is its key there."""

    __tablename__ = "setups"
    __table_args__ = (Index("setups_by_user", "user_id", "id"),)

    id: str = key_field(primary_key=True)
    user_id: str = key_field()
    provider: str = key_field()
    provider_id: str | None = key_field()
    payment_method_id: str | None = key_field()
    """What came of it."""
    created_at: datetime = time_field()


class PaymentMethod(Base, table=True):
    """A card: never its number. One that was removed stays, since charges were made with it, without its token."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index("payment_methods_by_user", "user_id", "id", postgresql_where=text("removed_at IS NULL")),
        Index(
            "payment_methods_one_default",
            "user_id",
            unique=True,
            postgresql_where=text("is_default AND removed_at IS NULL"),
        ),
        Index(
            "payment_methods_one_per_card",
            "user_id",
            "provider",
            "fingerprint",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        CheckConstraint("last_four ~ '^[0-9]{4}$'", name="payment_methods_last_four"),
        CheckConstraint("expires_month BETWEEN 1 AND 12", name="payment_methods_expires_month"),
    )

    id: str = key_field(primary_key=True)
    user_id: str = key_field()
    provider: str = key_field()
    token: str | None = key_field()
    """The card at the provider; None once it is forgotten there."""
    fingerprint: str = key_field()
    brand: str = text_field()
    last_four: str = text_field()
    expires_month: int
    expires_year: int
    is_default: bool
    created_at: datetime = time_field()
    removed_at: datetime | None = time_field()
