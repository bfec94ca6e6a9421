"""A payment provider in memory, which does what providers may do, as a seed says.

It keeps what the port promises: keys, states, what is refused. Its calls are lost before they have an effect or after
it; its banks decline, ask the payer, take their time, send money back and take charges back.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import TypeVar

from shared.money import CurrencyCode, Money
from subgraphs.payments.provider import port
from subgraphs.payments.provider.port import (
    AccountStatus,
    Charge,
    ChargeStatus,
    DeclineCode,
    Dispute,
    DisputeStatus,
    Hint,
    Kind,
    Payout,
    PayoutFault,
    PayoutStatus,
    ProviderRefused,
    ProviderUnavailable,
    Refund,
    RefundStatus,
)
from subgraphs.payments.provider.steps import amount_step
from tests.simulation.scheduling import gate

T = TypeVar("T")
Object = TypeVar("Object", Charge, Refund, Payout)

NAME = "sandbox"
_OPEN = (ChargeStatus.PREPARED, ChargeStatus.REQUIRES_ACTION)


@dataclass
class Temper:
    """How often things go wrong, from 0 to 1."""

    lost: float = 0
    """A call has no answer; half of these have an effect."""
    declined: float = 0
    asked: float = 0
    """The payer's bank asks the payer."""
    slow: float = 0
    """Charges, refunds and payouts are not over at once."""
    returned: float = 0
    """Refunds and payouts come back."""


@dataclass
class Bank:
    """The provider: an implementation of `port.Provider`, and what moves it on from outside."""

    random: Random
    temper: Temper
    run: str
    """Ends all ids: the same seed may be run again beside what it left."""
    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    balance: dict[CurrencyCode, int] = field(default_factory=dict)
    hints: list[Hint] = field(default_factory=list)
    """Webhooks that are to be sent."""
    tries: Counter[str] = field(default_factory=Counter)
    """How often a card was tried, by charge."""
    _answers: dict[str, object] = field(default_factory=dict)
    """What was answered to each key."""
    _count: int = 0

    @property
    def name(self) -> str:
        return NAME

    async def close(self) -> None:
        """It has no connections."""

    async def create_customer(self, user_id: str, *, key: str) -> str:
        raise AssertionError("people are customers from the beginning")

    async def start_setup(self, customer: str, *, key: str) -> port.Setup:
        raise AssertionError("people have cards from the beginning")

    async def get_setup(self, setup_id: str) -> port.Setup:
        raise AssertionError("people have cards from the beginning")

    async def create_account(self, user_id: str, *, key: str) -> port.PayoutAccount:
        raise AssertionError("taskers have accounts from the beginning")

    async def start_onboarding(self, account: str, return_url: str) -> str:
        raise AssertionError("taskers have accounts from the beginning")

    async def get_account(self, account: str) -> port.PayoutAccount:
        return port.PayoutAccount(account, AccountStatus.ACTIVE, ())

    def movements(self, since: datetime, until: datetime) -> AsyncIterator[port.Movement]:
        raise AssertionError("reconciliation has tests of its own")

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Sequence[Hint]:
        raise AssertionError("hints are handed on as they are")

    async def detach_card(self, token: str) -> None:
        async with self._call("detach card"):
            pass

    async def prepare_charge(self, customer: str, amount: Money, *, key: str, subject_id: str) -> Charge:
        async with self._call("prepare charge"):
            if key in self._answers:
                return self._known(key, Charge)
            _check_step(amount, Kind.CHARGE)
            nothing = Money(0, amount.currency)
            return self._keep(key, Charge(self._id("ch"), key, ChargeStatus.PREPARED, amount, nothing), self.charges)

    async def confirm_charge(self, charge_id: str, card: str, *, key: str) -> Charge:
        async with self._call("confirm charge"):
            if key in self._answers:
                return self._known(key, Charge)
            charge = self.charges[charge_id]
            if charge.status is ChargeStatus.CANCELLED:
                raise ProviderRefused("charge_cancelled")
            if charge.status in _OPEN:
                self._try(charge)
            return self._keep(key, self.charges[charge_id], self.charges)

    async def get_charge(self, charge_id: str) -> Charge:
        async with self._call("get charge"):
            return self.charges[charge_id]

    async def cancel_charge(self, charge_id: str) -> Charge:
        async with self._call("cancel charge"):
            if self.charges[charge_id].status in _OPEN:
                self._become(charge_id, ChargeStatus.CANCELLED)
            return self.charges[charge_id]

    async def refund(self, charge_id: str, amount: Money, *, key: str) -> Refund:
        async with self._call("refund"):
            if key in self._answers:
                return self._known(key, Refund)
            charge = self.charges[charge_id]
            _check_step(amount, Kind.REFUND)
            if charge.status is not ChargeStatus.SUCCEEDED or amount > charge.amount - charge.refunded:
                raise ProviderRefused("more_than_was_charged")
            if any(
                each.charge == charge_id and each.status is not DisputeStatus.WON for each in self.disputes.values()
            ):
                raise ProviderRefused("charge_disputed")
            self.charges[charge_id] = replace(charge, refunded=charge.refunded + amount)
            self._move(-amount)
            status = RefundStatus.PENDING if self._is(self.temper.slow) else RefundStatus.SUCCEEDED
            return self._keep(key, Refund(self._id("re"), key, charge_id, status, amount), self.refunds)

    async def find_refund(self, charge_id: str, key: str) -> Refund | None:
        async with self._call("find refund"):
            return next((each for each in self.refunds.values() if (each.charge, each.key) == (charge_id, key)), None)

    async def pay_out(self, account: str, amount: Money, *, key: str) -> Payout:
        async with self._call("pay out"):
            if key in self._answers:
                return self._known(key, Payout)
            _check_step(amount, Kind.PAYOUT)
            if amount.minor > self.balance.get(amount.currency, 0):
                raise ProviderRefused("balance_insufficient")
            self._move(-amount)
            status = PayoutStatus.PENDING if self._is(self.temper.slow) else PayoutStatus.PAID
            return self._keep(key, Payout(self._id("po"), key, account, status, amount), self.payouts)

    async def find_payout(self, account: str, key: str) -> Payout | None:
        async with self._call("find payout"):
            return next((each for each in self.payouts.values() if (each.account, each.key) == (account, key)), None)

    async def get_dispute(self, dispute_id: str) -> Dispute:
        async with self._call("get dispute"):
            return self.disputes[dispute_id]

    async def balances(self) -> Mapping[CurrencyCode, Money]:
        return {currency: Money(minor, currency) for currency, minor in self.balance.items()}

    def open_work(self) -> Sequence[str]:
        """What is not over yet at the provider, by itself or by its payers."""
        charges = [each.id for each in self.charges.values() if each.status is ChargeStatus.PROCESSING]
        refunds = [each.id for each in self.refunds.values() if each.status is RefundStatus.PENDING]
        payouts = [each.id for each in self.payouts.values() if each.status is PayoutStatus.PENDING]
        disputes = [each.id for each in self.disputes.values() if each.status is DisputeStatus.OPEN]
        return [*charges, *refunds, *payouts, *disputes]

    def asking(self) -> Sequence[str]:
        """The charges whose payers are asked something."""
        return [each.id for each in self.charges.values() if each.status is ChargeStatus.REQUIRES_ACTION]

    def disputable(self) -> Sequence[str]:
        """The charges that a bank may take back."""
        disputed = {each.charge for each in self.disputes.values()}
        return [
            each.id
            for each in self.charges.values()
            if each.status is ChargeStatus.SUCCEEDED and each.id not in disputed and each.refunded < each.amount
        ]

    def returnable(self) -> Sequence[str]:
        """What arrived and may still come back."""
        refunds = [each.id for each in self.refunds.values() if each.status is RefundStatus.SUCCEEDED]
        return [*refunds, *(each.id for each in self.payouts.values() if each.status is PayoutStatus.PAID)]

    def dispute(self, charge_id: str) -> str:
        """The payer's bank takes back what is left of a charge."""
        charge = self.charges[charge_id]
        amount = charge.amount - charge.refunded
        dispute = Dispute(self._id("dp"), charge_id, DisputeStatus.OPEN, amount, "fraudulent")
        self.disputes[dispute.id] = dispute
        self._move(-amount)
        self._tell(Kind.DISPUTE, dispute.id)
        return f"bank disputes {charge_id} as {dispute.id}"

    def answer(self, charge_id: str) -> str:
        """The payer does, or does not, what the bank asks."""
        if self._is(0.7):
            self._take(charge_id)
        else:
            self._become(charge_id, ChargeStatus.PREPARED, DeclineCode.AUTHENTICATION_FAILED)
        return f"payer answers: {charge_id} is {self.charges[charge_id].status}"

    def go_on(self, id: str) -> str:
        """Something that was not over goes on to its end."""
        is_well = not self._is(self.temper.returned)
        if id in self.charges:
            if not self._is(self.temper.declined):
                self._take(id)
            else:
                self._become(id, ChargeStatus.PREPARED, DeclineCode.INSUFFICIENT_FUNDS)
            return f"bank answers: {id} is {self.charges[id].status}"
        if id in self.refunds:
            if is_well:
                self.refunds[id] = replace(self.refunds[id], status=RefundStatus.SUCCEEDED)
                self._tell(Kind.REFUND, id)
                return f"bank takes {id}"
            return self.send_back(id)
        if id in self.payouts:
            if is_well:
                self.payouts[id] = replace(self.payouts[id], status=PayoutStatus.PAID)
                self._tell(Kind.PAYOUT, id)
                return f"bank takes {id}"
            return self.send_back(id)
        status = DisputeStatus.WON if self._is(0.5) else DisputeStatus.LOST
        self.disputes[id] = replace(self.disputes[id], status=status)
        if status is DisputeStatus.WON:
            self._move(self.disputes[id].amount)
        self._tell(Kind.DISPUTE, id)
        return f"{id} is {status}"

    def send_back(self, id: str) -> str:
        """A refund or a payout does not arrive."""
        if id in self.refunds:
            refund = self.refunds[id] = replace(self.refunds[id], status=RefundStatus.FAILED)
            self._move(refund.amount)
            self._tell(Kind.REFUND, id)
        else:
            fault = PayoutFault.ACCOUNT_CLOSED
            payout = self.payouts[id] = replace(self.payouts[id], status=PayoutStatus.FAILED, fault=fault)
            self._move(payout.amount)
            self._tell(Kind.PAYOUT, id)
        return f"bank sends {id} back"

    def _try(self, charge: Charge) -> None:
        self.tries[charge.id] += 1
        if self._is(self.temper.declined):
            self._become(charge.id, ChargeStatus.PREPARED, DeclineCode.INSUFFICIENT_FUNDS)
        elif self._is(self.temper.asked):
            action = port.Action(f"secret-{self._id('ac')}", None)
            self.charges[charge.id] = replace(charge, status=ChargeStatus.REQUIRES_ACTION, action=action, decline=None)
        elif self._is(self.temper.slow):
            self._become(charge.id, ChargeStatus.PROCESSING)
        else:
            self._take(charge.id)

    def _take(self, charge_id: str) -> None:
        self._become(charge_id, ChargeStatus.SUCCEEDED)
        self._move(self.charges[charge_id].amount)

    def _become(self, charge_id: str, status: ChargeStatus, decline: DeclineCode | None = None) -> None:
        self.charges[charge_id] = replace(self.charges[charge_id], status=status, action=None, decline=decline)
        self._tell(Kind.CHARGE, charge_id)

    def _tell(self, kind: Kind, id: str) -> None:
        self.hints.append(Hint(self._id("ev"), kind, id))

    def _move(self, amount: Money) -> None:
        self.balance[amount.currency] = self.balance.get(amount.currency, 0) + amount.minor

    def _is(self, likelihood: float) -> bool:
        return self.random.random() < likelihood

    def _id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}.{self.run}"

    def _keep(self, key: str, answer: Object, where: dict[str, Object]) -> Object:
        self._answers[key] = where[answer.id] = answer
        return answer

    def _known(self, key: str, kind: type[T]) -> T:
        answer = self._answers[key]
        assert isinstance(answer, kind), "a key is for one call"
        return answer

    def _call(self, name: str) -> "_Call":
        return _Call(self, name)


class _Call:
    """A call on its way there and back: each may be lost."""

    def __init__(self, bank: Bank, name: str) -> None:
        self._bank, self._name = bank, name

    async def __aenter__(self) -> None:
        await gate(f"ask the provider: {self._name}")
        if self._bank._is(self._bank.temper.lost / 2):
            raise ProviderUnavailable("lost on its way there")

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await gate(f"provider answers: {self._name}")
        if kind is None and self._bank._is(self._bank.temper.lost / 2):
            raise ProviderUnavailable("lost on its way back")


def _check_step(amount: Money, kind: Kind) -> None:
    if amount.minor % amount_step(amount.currency, kind).minor:
        raise ProviderRefused("amount_step")
