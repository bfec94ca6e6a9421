"""What the provider keeps, as it is stored and answered."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

Decline = Literal[
    "insufficient_funds", "expired_card", "lost_or_stolen_card", "limit_exceeded", "authentication_failed",
    "suspected_fraud", "currency_not_supported", "payment_method_unusable", "processing_error", "declined",
]  # fmt: skip
Fault = Literal["account_closed", "account_unusable", "declined"]


class Object(BaseModel):
    """Something with an id. `kind` begins its ids; `parent` and `key` are what it is found by."""

    model_config = ConfigDict(extra="forbid")
    kind: ClassVar[str]

    id: str
    key: str = ""
    """The idempotency key with which it was made."""

    @property
    def parent(self) -> str:
        """The id of what it belongs to."""
        return ""


class Customer(Object):
    kind = "customer"

    user: str


class Setup(Object):
    kind = "setup"

    customer: str
    client_secret: str
    status: Literal["pending", "succeeded", "failed"] = "pending"
    card: "Card | None" = None
    decline: Decline | None = None


class Card(Object):
    kind = "card"

    customer: str
    test_card: str
    """The name of the test card that decides what becomes of charges."""
    brand: str
    last_four: str
    expires_month: int
    expires_year: int
    fingerprint: str
    detached: bool = False


class Charge(Object):
    kind = "charge"

    customer: str
    subject: str
    amount: int
    """In minor units of its currency, as all amounts."""
    currency: str
    client_secret: str
    status: Literal["prepared", "requires_action", "processing", "succeeded", "cancelled"] = "prepared"
    refunded: int = 0
    decline: Decline | None = None
    card: str | None = None
    """Of the last try."""
    tries: dict[str, int] = {}
    """How often it was tried with each card."""
    challenge_url: str | None = None
    return_url: str = ""
    dispute: str | None = None


class Refund(Object):
    kind = "refund"

    charge: str
    amount: int
    currency: str
    status: Literal["succeeded", "failed"] = "succeeded"

    @property
    def parent(self) -> str:
        return self.charge


class Account(Object):
    kind = "account"

    user: str
    status: Literal["incomplete", "pending", "active", "rejected"] = "incomplete"
    requirements: list[str] = ["external_account"]
    bank: str | None = None
    """The name of the test bank account that decides what becomes of payouts."""


class Onboarding(Object):
    """A link to the pages where an account is set up."""

    kind = "onboarding"

    account: str
    secret: str
    return_url: str
    expires_at: datetime


class Payout(Object):
    kind = "payout"

    account: str
    amount: int
    currency: str
    status: Literal["pending", "paid", "failed"] = "pending"
    fault: Fault | None = None

    @property
    def parent(self) -> str:
        return self.account


class Dispute(Object):
    kind = "dispute"

    charge: str
    amount: int
    currency: str
    reason: str
    evidence_due_at: datetime
    status: Literal["open", "won", "lost"] = "open"


class Event(BaseModel):
    """What a webhook says: that an object changed."""

    id: str
    kind: str
    type: str
    object: str
    at: datetime


class Movement(BaseModel):
    """A movement of our balance."""

    position: int
    kind: str
    object: str
    amount: int
    currency: str
    at: datetime


SHOWN: tuple[type[Object], ...] = (Charge, Refund, Dispute, Account, Payout, Setup)
"""What the page lists, in its order."""
