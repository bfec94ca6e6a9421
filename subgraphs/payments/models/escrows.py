"""The money of tasks, and what is charged and given back for it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text

from shared.database.models import bigint_field, enum_field, key_field, keys_field, text_field, time_field
from shared.money import CurrencyCode
from subgraphs.payments.models.base import Base
from subgraphs.payments.provider.port import DisputeStatus, RefundStatus
from subgraphs.payments.rules import charges, escrows


class Escrow(Base, table=True):
    """The money that is held for a task. Its row lock orders all that happens to it.

    What is held is charged minus what went back of it before its end; once it has ended, it is nothing.
    """

    __tablename__ = "escrows"
    __table_args__ = (
        Index(
            "escrows_one_per_task",
            "task_id",
            unique=True,
            postgresql_where=text("status IN ('PENDING', 'FUNDED', 'FROZEN', 'RELEASED', 'SPLIT')"),
        ),
        Index("escrows_one_per_acceptance", "bid_id", "bid_version", unique=True),
        Index("escrows_by_task", "task_id", "id"),
        Index("escrows_of_poster", "poster_id", "id"),
        Index("escrows_of_tasker", "tasker_id", "id"),
        CheckConstraint("amount_minor > 0 AND held_minor >= 0", name="escrows_amounts"),
        CheckConstraint(
            "released_minor >= 0 AND fee_minor BETWEEN 0 AND released_minor AND refunded_minor >= 0",
            name="escrows_parts",
        ),
    )

    id: str = key_field(primary_key=True)
    task_id: str = key_field()
    bid_id: str = key_field()
    bid_version: int
    poster_id: str = key_field()
    tasker_id: str = key_field()
    status: escrows.Status = enum_field(escrows.Status)
    amount_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    held_minor: int = bigint_field()
    released_minor: int = bigint_field()
    fee_minor: int = bigint_field()
    refunded_minor: int = bigint_field()
    fee_basis_points: int
    holds: list[str] = keys_field()
    """What freezes it: values of `rules.escrows.Hold`."""
    due_refund_minor: int | None = bigint_field()
    """How much goes back at its end, where that was decided while a chargeback froze it."""
    failure: escrows.FailureReason | None = enum_field(escrows.FailureReason)
    funding_expires_at: datetime = time_field()
    release_at: datetime | None = time_field()
    version: int
    last_step: str | None = text_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Charge(Base, table=True):
    """Money that is taken from a payer's card, or is to be. Its id is its key at the provider."""

    __tablename__ = "charges"
    __table_args__ = (
        Index("charges_by_escrow", "escrow_id", "id"),
        Index("charges_by_payer", "payer_id", "id"),
        Index("charges_by_provider_id", "provider", "provider_id", unique=True),
        CheckConstraint("amount_minor > 0", name="charges_amount_positive"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="charges_refunded"),
    )

    id: str = key_field(primary_key=True)
    purpose: charges.Purpose = enum_field(charges.Purpose)
    escrow_id: str = key_field()
    task_id: str = key_field()
    agreement_id: str | None = key_field()
    """Of the price change that it is for."""
    payer_id: str = key_field()
    amount_minor: int = bigint_field()
    refunded_minor: int = bigint_field()
    """What went back of it, or is on its way."""
    currency: CurrencyCode = enum_field(CurrencyCode)
    status: charges.Status = enum_field(charges.Status)
    payment_method_id: str | None = key_field()
    attempt: int
    """How often a card was to be tried; part of the key with which the provider is asked to."""
    confirmed_attempt: int
    """The newest try that the provider has answered."""
    provider: str = key_field()
    provider_id: str | None = key_field()
    """The charge's id there, once it is prepared."""
    decline: charges.DeclineReason | None = enum_field(charges.DeclineReason)
    action_client_secret: str | None = text_field()
    action_redirect_url: str | None = text_field()
    expires_at: datetime = time_field()
    """Until when the payer can pay."""
    version: int
    last_step: str | None = text_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Refund(Base, table=True):
    """Money that goes back to a card. Its id is its key at the provider."""

    __tablename__ = "refunds"
    __table_args__ = (
        Index("refunds_by_charge", "charge_id", "id"),
        Index("refunds_by_escrow", "escrow_id", "id"),
        Index("refunds_by_provider_id", "provider", "provider_id", unique=True),
        CheckConstraint("amount_minor > 0", name="refunds_amount_positive"),
    )

    id: str = key_field(primary_key=True)
    charge_id: str = key_field()
    escrow_id: str = key_field()
    payer_id: str = key_field()
    amount_minor: int = bigint_field()
    currency: CurrencyCode = enum_field(CurrencyCode)
    status: RefundStatus = enum_field(RefundStatus)
    provider: str = key_field()
    provider_id: str | None = key_field()
    created_at: datetime = time_field()
    updated_at: datetime = time_field()


class Chargeback(Base, table=True):
    """A charge that the payer's bank takes back."""

    __tablename__ = "chargebacks"
    __table_args__ = (
        Index("chargebacks_by_charge", "charge_id", "id"),
        Index("chargebacks_by_escrow", "escrow_id", "id"),
        Index("chargebacks_by_provider_id", "provider", "provider_id", unique=True),
        CheckConstraint("amount_minor >= 0", name="chargebacks_amount"),
    )

    id: str = key_field(primary_key=True)
    charge_id: str = key_field()
    escrow_id: str = key_field()
    payer_id: str = key_field()
    amount_minor: int = bigint_field()
    """What the provider took from us; nothing while the bank only asks."""
    currency: CurrencyCode = enum_field(CurrencyCode)
    status: DisputeStatus = enum_field(DisputeStatus)
    reason: str = text_field()
    """In the provider's words."""
    provider: str = key_field()
    provider_id: str = key_field()
    evidence_due_at: datetime | None = time_field()
    version: int
    created_at: datetime = time_field()
    updated_at: datetime = time_field()
