"""What the sandbox answers, in its words, and the same in the port's."""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from shared.money import CurrencyCode, Money
from subgraphs.payments.provider import port
from subgraphs.payments.rules import payouts

T = TypeVar("T")


def _upper(word: object) -> object:
    return word.upper() if isinstance(word, str) else word


_Word = BeforeValidator(_upper)
"""The sandbox writes in lower case what the port writes in upper case."""


class Answer(BaseModel):
    """Besides what is read here the sandbox says more."""

    model_config = ConfigDict(frozen=True)

    id: str


class _Sum(BaseModel):
    """An amount of something."""

    amount: int
    currency: CurrencyCode

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class Card(Answer):
    brand: str
    last_four: str
    expires_month: int
    expires_year: int
    fingerprint: str

    def read(self) -> port.Card:
        return port.Card(self.id, self.brand, self.last_four, self.expires_month, self.expires_year, self.fingerprint)


class Setup(Answer):
    customer: str
    status: Annotated[port.SetupStatus, _Word]
    client_secret: str
    card: Card | None
    decline: Annotated[port.DeclineCode | None, _Word]

    def read(self) -> port.Setup:
        card = self.card.read() if self.card is not None else None
        return port.Setup(self.id, self.customer, self.status, self.client_secret, card, self.decline)


class Charge(Answer, _Sum):
    key: str
    status: Annotated[port.ChargeStatus, _Word]
    refunded: int
    client_secret: str
    challenge_url: str | None
    decline: Annotated[port.DeclineCode | None, _Word]

    def read(self) -> port.Charge:
        is_asked = self.status is port.ChargeStatus.REQUIRES_ACTION
        return port.Charge(
            id=self.id,
            key=self.key,
            status=self.status,
            amount=self.money,
            refunded=Money(self.refunded, self.currency),
            action=port.Action(self.client_secret, self.challenge_url) if is_asked else None,
            decline=self.decline,
        )


class Refund(Answer, _Sum):
    key: str
    charge: str
    status: Annotated[port.RefundStatus, _Word]

    def read(self) -> port.Refund:
        return port.Refund(self.id, self.key, self.charge, self.status, self.money)


class Payout(Answer, _Sum):
    key: str
    account: str
    status: Annotated[port.PayoutStatus, _Word]
    fault: Annotated[port.PayoutFault | None, _Word]

    def read(self) -> port.Payout:
        return port.Payout(self.id, self.key, self.account, self.status, self.money, self.fault)


class Account(Answer):
    status: Annotated[payouts.AccountStatus, _Word]
    requirements: tuple[str, ...]

    def read(self) -> port.PayoutAccount:
        return port.PayoutAccount(self.id, self.status, self.requirements)


class Dispute(Answer, _Sum):
    charge: str
    status: Annotated[port.DisputeStatus, _Word]
    reason: str
    evidence_due_at: datetime

    def read(self) -> port.Dispute:
        return port.Dispute(self.id, self.charge, self.status, self.money, self.reason, self.evidence_due_at)


class Event(Answer):
    kind: str
    object: str

    def read(self) -> port.Hint:
        known = {*port.Kind}
        return port.Hint(self.id, port.Kind(self.kind) if self.kind in known else port.Kind.OTHER, self.object)


class Movement(_Sum):
    kind: port.Kind
    object: str
    at: datetime

    def read(self) -> port.Movement:
        return port.Movement(self.object, self.kind, self.money, self.at)


class Movements(BaseModel):
    data: tuple[Movement, ...]
    next: int | None


class Found(BaseModel, Generic[T]):
    data: tuple[T, ...]


class Balances(BaseModel):
    balances: dict[CurrencyCode, int]


class Link(BaseModel):
    url: str


class Error(BaseModel):
    code: str
    message: str


class Problem(BaseModel):
    error: Error
