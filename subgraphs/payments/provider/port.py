"""What `payments` asks of a payment provider: a port with two implementations, `sandbox` and `stripe`.

Every call that moves money is made so that its outcome can be asked for, however the call ended: a charge is prepared
first, which moves nothing and gives it an id, and confirmed then; a refund and a payout carry a key of ours, by which
they are found. So what became of a call whose answer was lost is asked, and nothing is done a second time.

A webhook is a hint and no more: it names an object that may have changed, and what the object is now is asked. So it
does not matter whether webhooks come late, twice, in another order or never; what is never told is found by asking.

Amounts are `shared.money.Money`. No card number ever comes here: clients give it to the provider themselves, by the
client secret of a setup.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.money import CurrencyCode, Money
from subgraphs.payments.rules.payouts import AccountStatus


class ProviderUnavailable(Exception):
    """No answer, or none that says what became of the call: ask what became of it."""


class ProviderRefused(Exception):
    """The provider does not do what was asked, and never will as it was asked: a fault of ours, or its rules.

    `code` is one of the provider's, for logs; never shown to people.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code


class WebhookRefused(Exception):
    """A webhook that is not the provider's, or not of now. `reason` is the label of a metric."""

    def __init__(self, reason: "WebhookFault") -> None:
        super().__init__(reason.value)
        self.reason = reason


class WebhookFault(StrEnum):
    """Why a webhook is refused."""

    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    """Signed more than five minutes ago, or in the future: it may be a replay."""
    MALFORMED = "malformed"


class DeclineCode(StrEnum):
    """Why a payer's bank or the provider said no; what the payer can do about it differs."""

    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    EXPIRED_CARD = "EXPIRED_CARD"
    LOST_OR_STOLEN_CARD = "LOST_OR_STOLEN_CARD"
    """Like SUSPECTED_FRAUD no more than DECLINED to the payer, who may be the thief."""
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    AUTHENTICATION_FAILED = "AUTHENTICATION_FAILED"
    """The payer did not, or could not, prove to the bank who they are (3-D Secure)."""
    SUSPECTED_FRAUD = "SUSPECTED_FRAUD"
    CURRENCY_NOT_SUPPORTED = "CURRENCY_NOT_SUPPORTED"
    PAYMENT_METHOD_UNUSABLE = "PAYMENT_METHOD_UNUSABLE"
    """It was removed or is not valid any more at the provider."""
    PROCESSING_ERROR = "PROCESSING_ERROR"
    """Nothing is wrong with the card: trying again may help."""
    DECLINED = "DECLINED"
    """The bank does not say why."""


class SetupStatus(StrEnum):
    """Where the giving of a card to the provider stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class ChargeStatus(StrEnum):
    """Where a charge stands."""

    PREPARED = "PREPARED"
    """Nothing was tried yet, or the last try was declined: it can be confirmed."""
    REQUIRES_ACTION = "REQUIRES_ACTION"
    """The payer is asked something by their bank (3-D Secure)."""
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"
    """It will never take money any more."""


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    """The money is with us again: the card was closed, for instance."""


class PayoutStatus(StrEnum):
    """Where a payout stands."""

    PENDING = "PENDING"
    PAID = "PAID"
    """A bank may still send it back within days: it is FAILED then."""
    FAILED = "FAILED"
    """The money is with us again."""


class PayoutFault(StrEnum):
    """Why a payout failed."""

    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    ACCOUNT_UNUSABLE = "ACCOUNT_UNUSABLE"
    """Its details are wrong, or the provider lets it be paid no more."""
    DECLINED = "DECLINED"
    """The bank does not say why."""


class DisputeStatus(StrEnum):
    """Where a chargeback stands."""

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a card: never its number."""

    token: str
    """The provider's id of it."""
    brand: str
    """In lower case, such as `visa`."""
    last_four: str
    expires_month: int
    """1 to 12; the card is good to the end of it."""
    expires_year: int
    fingerprint: str
    """The same for the same number, whoever gave it and however often."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The giving of a card to the provider, by the client itself."""

    id: str
    customer: str
    status: SetupStatus
    client_secret: str
    """With it the payer's client gives the card to the provider."""
    card: Card | None = None
    """Once it has succeeded."""
    decline: DeclineCode | None = None
    """Once it has failed."""


@dataclass(frozen=True, slots=True)
class Action:
    """What the payer's bank asks of them."""

    client_secret: str
    redirect_url: str | None
    """Where the payer's browser goes for it, if it is a page."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as it is now at the provider."""

    id: str
    key: str
    """The key of ours with which it was prepared."""
    status: ChargeStatus
    amount: Money
    refunded: Money
    """What was given back of it so far, refunds that are pending included."""
    action: Action | None = None
    """While it requires one."""
    decline: DeclineCode | None = None
    """Of the last try, if it was declined."""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as it is now at the provider."""

    id: str
    key: str
    charge: str
    status: RefundStatus
    amount: Money


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout as it is now at the provider."""

    id: str
    """As movements name it."""
    key: str
    account: str
    status: PayoutStatus
    amount: Money
    fault: PayoutFault | None = None


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """A tasker's account at the provider."""

    id: str
    status: AccountStatus
    requirements: tuple[str, ...]
    """What the tasker has yet to tell the provider, in the provider's words, such as `external_account`."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """A chargeback: the payer's bank takes a charge back."""

    id: str
    charge: str
    status: DisputeStatus
    amount: Money
    """What the provider has taken from us; it comes back if the dispute is won."""
    reason: str
    """In the provider's words, such as `fraudulent`."""
    evidence_due_at: datetime | None = None


class Kind(StrEnum):
    """What a webhook is about."""

    SETUP = "setup"
    CHARGE = "charge"
    REFUND = "refund"
    PAYOUT = "payout"
    ACCOUNT = "account"
    DISPUTE = "dispute"
    OTHER = "other"
    """Nothing that is dealt with here."""


@dataclass(frozen=True, slots=True)
class Hint:
    """What a webhook says: that something changed about an object."""

    id: str
    """The provider's id of the event: the same however often it is sent."""
    kind: Kind
    object_id: str
    """The id of the setup, charge …, as the calls below answer it."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement of our balance at the provider, for reconciliation."""

    id: str
    """The id of what moved it: a charge, refund, payout or dispute."""
    kind: Kind
    amount: Money
    """What our balance grew by, before the fee: negative for refunds, payouts and disputes, unless they come back."""
    at: datetime
    fee: Money | None = None
    """What the provider kept for itself, which our balance is smaller by; None: nothing."""


class Provider(Protocol):
    """A payment provider. Every call raises ProviderUnavailable or ProviderRefused besides what it says.

    `key` is an idempotency key of ours, for one call alone: the same call with it again has no second effect and
    answers alike, as things stood then; another call with it is refused. What makes a customer, setup, account or
    prepared charge, none of which moves money, may forget its key after a day.

    Amounts of charges, refunds and payouts are multiples of `steps.amount_step`, at every provider, so that it can be
    changed.
    """

    @property
    def name(self) -> str:
        """`sandbox` or `stripe`, as it stands in rows and metrics."""

    async def close(self) -> None:
        """Ends its connections."""

    async def create_customer(self, user_id: str, *, key: str) -> str:
        """The id of a new customer, in whose name cards are kept. Nothing personal is told."""

    async def start_setup(self, customer: str, *, key: str) -> Setup:
        """Begins the giving of a card."""

    async def get_setup(self, setup_id: str) -> Setup:
        """A setup as it is now. Raises LookupError if there is none."""

    async def detach_card(self, token: str) -> None:
        """Forgets a card; one that is forgotten already is none."""

    async def prepare_charge(self, customer: str, amount: Money, *, key: str, subject_id: str) -> Charge:
        """A charge that takes nothing yet. `subject_id` is what it is for, as the provider's pages show it."""

    async def confirm_charge(self, charge_id: str, card: str, *, key: str) -> Charge:
        """Takes the money from this card, or says why not; the payer takes part if the bank wants it.

        `return_url` of 3-D Secure is the web app's. A charge that has succeeded, or is PROCESSING, is not confirmed
        again: it is answered as it is. One that was cancelled is refused.
        """

    async def get_charge(self, charge_id: str) -> Charge:
        """A charge as it is now. Raises LookupError if there is none."""

    async def cancel_charge(self, charge_id: str) -> Charge:
        """Sees to it that a charge takes no money any more, and answers with it as it is.

        It may have succeeded; and while it is PROCESSING it cannot be cancelled, and has to be asked for later.
        """

    async def refund(self, charge_id: str, amount: Money, *, key: str) -> Refund:
        """Gives a part of a charge, or all of it, back to the card.

        Refused are more than is left of the charge, and what the payer's bank took back by a dispute.
        """

    async def find_refund(self, charge_id: str, key: str) -> Refund | None:
        """The refund of a charge with this key, as it is now."""

    async def create_account(self, user_id: str, *, key: str) -> PayoutAccount:
        """An account for a tasker, to be set up by them."""

    async def start_onboarding(self, account: str, return_url: str) -> str:
        """The address of the provider's pages where the tasker sets the account up; good for minutes."""

    async def get_account(self, account: str) -> PayoutAccount:
        """An account as it is now. Raises LookupError if there is none."""

    async def pay_out(self, account: str, amount: Money, *, key: str) -> Payout:
        """Sends money to the bank of a tasker. Refused unless the account is ACTIVE and our balance suffices now."""

    async def find_payout(self, account: str, key: str) -> Payout | None:
        """The payout to this account with this key, as it is now; None: nothing of it has begun.

        A payout whose call ended half way is completed, and one that failed is brought back before it is FAILED.
        """

    async def get_dispute(self, dispute_id: str) -> Dispute:
        """A chargeback as it is now. Raises LookupError if there is none."""

    def movements(self, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        """What moved our balance from `since` until before `until`, the oldest first.

        What comes back, of a refund or payout that failed or of a dispute that was won, is a movement of its own.
        """

    async def balances(self) -> Mapping[CurrencyCode, Money]:
        """What the provider holds for us now, by currency, whether it can be paid out yet or not."""

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Hint]:
        """What a webhook says, once its signature and age are checked. Header names are in lower case.

        Raises WebhookRefused.
        """
