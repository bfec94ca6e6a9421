"""The books: which accounts there are, and what each flow of money writes into them.

Double entry: each transaction debits as much as it credits, in one currency. What the provider holds for us is an
asset; what we hold for others is a liability. The database keeps balances, sums and signs (migration 0001); what is
here only says what is written. docs/money.md shows the flows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.money import CurrencyCode, Money
from subgraphs.payments.rules.shares import Parts


class Side(StrEnum):
    """The two sides of an account."""

    DEBIT = "DEBIT"
    CREDIT = "CREDIT"


class AccountKind(StrEnum):
    """The kinds of accounts."""

    CLEARING = "CLEARING"
    """What the provider holds for us. Asset; may be overdrawn, as a provider's balance may."""
    ESCROW = "ESCROW"
    """What is held for one task. Liability."""
    PAYABLE = "PAYABLE"
    """What a tasker has earned and not been paid out. Liability; below zero only by what a tasker is charged."""
    REVENUE = "REVENUE"
    """Fees. Income."""
    TIPS = "TIPS"
    """Tips on their way from a card to a tasker's balance. Liability."""
    REFUNDS = "REFUNDS"
    """What is going back to posters. Liability."""
    PAYOUTS = "PAYOUTS"
    """What is on its way to taskers' banks. Liability."""
    CHARGEBACKS = "CHARGEBACKS"
    """What banks took from us while it is open who is right. Asset."""
    LOSSES = "LOSSES"
    """Lost chargebacks and goodwill. Expense."""


NORMAL_SIDES: dict[AccountKind, Side] = {
    AccountKind.CLEARING: Side.DEBIT,
    AccountKind.ESCROW: Side.CREDIT,
    AccountKind.PAYABLE: Side.CREDIT,
    AccountKind.REVENUE: Side.CREDIT,
    AccountKind.TIPS: Side.CREDIT,
    AccountKind.REFUNDS: Side.CREDIT,
    AccountKind.PAYOUTS: Side.CREDIT,
    AccountKind.CHARGEBACKS: Side.DEBIT,
    AccountKind.LOSSES: Side.DEBIT,
}
"""The side on which an account grows."""

OWNED = frozenset({AccountKind.ESCROW, AccountKind.PAYABLE})
"""Of these there is one for each escrow or tasker; of the others one for each currency."""


class Step(StrEnum):
    """What a transaction of the ledger books. Of a subject there is each at most once."""

    CHARGED = "CHARGED"
    CHARGED_LATE = "CHARGED_LATE"
    """A charge that succeeded after what it was for had ended."""
    ENDED = "ENDED"
    PRICE_LOWERED = "PRICE_LOWERED"
    REFUNDED = "REFUNDED"
    REFUND_RETURNED = "REFUND_RETURNED"
    REFUNDED_BY_BANK = "REFUNDED_BY_BANK"
    """A refund that is not made, since a lost chargeback gave the payer the same money."""
    TIPPED = "TIPPED"
    PAYOUT_REQUESTED = "PAYOUT_REQUESTED"
    PAYOUT_PAID = "PAYOUT_PAID"
    PAYOUT_RETURNED = "PAYOUT_RETURNED"
    CHARGEBACK_OPENED = "CHARGEBACK_OPENED"
    CHARGEBACK_WON = "CHARGEBACK_WON"
    CHARGEBACK_LOST = "CHARGEBACK_LOST"
    GOODWILL = "GOODWILL"
    """A refund that the platform pays itself, after an escrow has ended."""
    RECOVERED = "RECOVERED"
    """A tasker is charged for a loss."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the ledger."""

    kind: AccountKind
    currency: CurrencyCode
    owner_id: str | None = None
    """The escrow or the tasker whose it is."""

    def __post_init__(self) -> None:
        if (self.owner_id is not None) is not (self.kind in OWNED):
            raise ValueError(f"an account of kind {self.kind} has {'an' if self.kind in OWNED else 'no'} owner")

    @property
    def id(self) -> str:
        return ":".join(part for part in (self.kind.lower(), self.owner_id, self.currency) if part)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a transaction; `amount` is above zero."""

    account: Account
    side: Side
    amount: Money


@dataclass(frozen=True, slots=True)
class Posting:
    """A transaction as it is to be written."""

    subject_id: str
    """What it is about: an escrow, charge, refund, payout, tip or chargeback."""
    step: Step
    entries: Sequence[Entry]


def charged(charge_id: str, escrow_id: str, amount: Money) -> Posting:
    """A poster paid: the money is held for the task."""
    return _posting(charge_id, Step.CHARGED, amount, debit=_clearing(amount), credit=_escrow(escrow_id, amount))


def charged_late(charge_id: str, amount: Money) -> Posting:
    """A poster paid for what had ended meanwhile: all of it goes back."""
    return _posting(charge_id, Step.CHARGED_LATE, amount, debit=_clearing(amount), credit=_refunds(amount))


def ended(escrow_id: str, tasker_id: str, parts: Parts) -> Posting:
    """An escrow ended: released, refunded or split."""
    held = parts.refund + parts.gross
    shares = (
        (_refunds(held), parts.refund),
        (payable(tasker_id, held.currency), parts.net),
        (_shared(AccountKind.REVENUE, held), parts.fee),
    )
    entries = [Entry(_escrow(escrow_id, held), Side.DEBIT, held)]
    entries += [Entry(account, Side.CREDIT, amount) for account, amount in shares if amount.minor]
    return Posting(escrow_id, Step.ENDED, entries)


def price_lowered(agreement_id: str, escrow_id: str, difference: Money) -> Posting:
    """Poster and tasker agreed on less: the difference goes back."""
    return _posting(
        agreement_id, Step.PRICE_LOWERED, difference,
        debit=_escrow(escrow_id, difference), credit=_refunds(difference),
    )  # fmt: skip


def refunded(refund_id: str, amount: Money) -> Posting:
    """The provider gave money back."""
    return _posting(refund_id, Step.REFUNDED, amount, debit=_refunds(amount), credit=_clearing(amount))


def refund_returned(refund_id: str, amount: Money) -> Posting:
    """Money that was given back could not be delivered: we owe it again."""
    return _posting(refund_id, Step.REFUND_RETURNED, amount, debit=_clearing(amount), credit=_refunds(amount))


def refunded_by_bank(refund_id: str, amount: Money) -> Posting:
    """The payer has the money already, by a lost chargeback: the loss of that is less."""
    return _posting(
        refund_id, Step.REFUNDED_BY_BANK, amount, debit=_refunds(amount), credit=_shared(AccountKind.LOSSES, amount)
    )


def goodwill(refund_id: str, amount: Money) -> Posting:
    """The platform gives back what it does not hold any more."""
    return _posting(
        refund_id, Step.GOODWILL, amount, debit=_shared(AccountKind.LOSSES, amount), credit=_refunds(amount)
    )


def tipped(charge_id: str, tasker_id: str, amount: Money) -> Posting:
    """A poster gave a tip: all of it is the tasker's."""
    tips = _shared(AccountKind.TIPS, amount)
    return Posting(
        charge_id,
        Step.TIPPED,
        [
            Entry(_clearing(amount), Side.DEBIT, amount),
            Entry(tips, Side.CREDIT, amount),
            Entry(tips, Side.DEBIT, amount),
            Entry(payable(tasker_id, amount.currency), Side.CREDIT, amount),
        ],
    )


def payout_requested(payout_id: str, tasker_id: str, amount: Money) -> Posting:
    """Money leaves a tasker's balance for their bank."""
    return _posting(
        payout_id, Step.PAYOUT_REQUESTED, amount,
        debit=payable(tasker_id, amount.currency), credit=_shared(AccountKind.PAYOUTS, amount),
    )  # fmt: skip


def payout_paid(payout_id: str, amount: Money) -> Posting:
    """The provider paid it out."""
    return _posting(
        payout_id, Step.PAYOUT_PAID, amount, debit=_shared(AccountKind.PAYOUTS, amount), credit=_clearing(amount)
    )


def payout_returned(payout_id: str, tasker_id: str, amount: Money, *, was_paid: bool) -> Posting:
    """A payout did not arrive: the tasker has it in the balance again. `was_paid`: it had been booked as paid."""
    source = _clearing(amount) if was_paid else _shared(AccountKind.PAYOUTS, amount)
    return _posting(payout_id, Step.PAYOUT_RETURNED, amount, debit=source, credit=payable(tasker_id, amount.currency))


def chargeback_opened(dispute_id: str, amount: Money) -> Posting:
    """The payer's bank took a charge back until it is settled."""
    return _posting(
        dispute_id, Step.CHARGEBACK_OPENED, amount,
        debit=_shared(AccountKind.CHARGEBACKS, amount), credit=_clearing(amount),
    )  # fmt: skip


def chargeback_won(dispute_id: str, amount: Money) -> Posting:
    """The money came back from the bank."""
    return _posting(
        dispute_id, Step.CHARGEBACK_WON, amount,
        debit=_clearing(amount), credit=_shared(AccountKind.CHARGEBACKS, amount),
    )  # fmt: skip


def chargeback_lost(dispute_id: str, amount: Money, escrow_id: str | None, from_escrow: Money) -> Posting:
    """The bank keeps the money: what is held for the task pays it as far as there is some, the platform the rest."""
    loss = amount - from_escrow
    entries = [
        Entry(account, Side.DEBIT, part)
        for account, part in (
            (_escrow(escrow_id, amount) if escrow_id else None, from_escrow),
            (_shared(AccountKind.LOSSES, amount), loss),
        )
        if account is not None and part.minor
    ]
    entries.append(Entry(_shared(AccountKind.CHARGEBACKS, amount), Side.CREDIT, amount))
    return Posting(dispute_id, Step.CHARGEBACK_LOST, entries)


def recovered(recovery_id: str, tasker_id: str, amount: Money) -> Posting:
    """A tasker pays for a loss of the platform: out of what is or comes in their balance."""
    return _posting(
        recovery_id, Step.RECOVERED, amount,
        debit=payable(tasker_id, amount.currency), credit=_shared(AccountKind.LOSSES, amount),
    )  # fmt: skip


def payable(tasker_id: str, currency: CurrencyCode) -> Account:
    """The balance of a tasker."""
    return Account(AccountKind.PAYABLE, currency, tasker_id)


def _clearing(amount: Money) -> Account:
    return _shared(AccountKind.CLEARING, amount)


def _refunds(amount: Money) -> Account:
    return _shared(AccountKind.REFUNDS, amount)


def _escrow(escrow_id: str, amount: Money) -> Account:
    return Account(AccountKind.ESCROW, amount.currency, escrow_id)


def _shared(kind: AccountKind, amount: Money) -> Account:
    return Account(kind, amount.currency)


def _posting(subject_id: str, step: Step, amount: Money, *, debit: Account, credit: Account) -> Posting:
    return Posting(subject_id, step, [Entry(debit, Side.DEBIT, amount), Entry(credit, Side.CREDIT, amount)])
