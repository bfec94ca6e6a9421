"""Test cards and test bank accounts: whoever gives one decides by it what becomes of charges and payouts."""

from dataclasses import dataclass
from typing import Literal, get_args

from sandbox.objects import Decline, Fault

Try = Literal["succeeds", "declined", "challenged", "processed", "answer_lost", "request_lost", "error"]


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card by what becomes of it."""

    __test__ = False

    name: str
    number: str
    brand: str = "visa"
    tries: tuple[Try, ...] = ("succeeds",)
    """What becomes of each try to charge it; the last one goes on for ever."""
    decline: Decline = "declined"
    is_refused: bool = False
    """Already when it is given."""
    challenge: Literal["asks", "fails", "hangs"] = "asks"
    """Whether the payer decides about 3-D Secure, fails whatever they do, or gets no answer from their bank."""
    settles: bool = True
    """Whether a charge that was processed succeeds at its end."""
    is_disputed: bool = False
    """As soon as it is charged."""
    refunds_fail: bool = False
    """A while after they succeeded."""
    expires_this_month: bool = False


@dataclass(frozen=True, slots=True)
class TestBank:
    """A bank account by what becomes of an account that is paid to it."""

    __test__ = False

    name: str
    status: Literal["active", "pending", "incomplete", "rejected"] = "active"
    """`pending` becomes `active` a while later."""
    requirements: tuple[str, ...] = ()
    payouts: Fault | Literal["paid", "wait"] = "paid"
    """What becomes of payouts after a while; `wait`: nothing by itself."""


def _cards() -> tuple[TestCard, ...]:
    return (
        TestCard("succeeds", "4242424242424242"),
        TestCard("succeeds_too", "5555555555554444", "mastercard"),
        TestCard("expires_this_month", "4000000000000341", expires_this_month=True),
        TestCard("refused_at_setup", "4000000000000002", is_refused=True),
        TestCard("three_d_secure", "4000002760003184", tries=("challenged",)),
        TestCard("three_d_secure_fails", "4000008400001629", tries=("challenged",), challenge="fails"),
        TestCard("three_d_secure_hangs", "4000008400001280", tries=("challenged",), challenge="hangs"),
        *(
            TestCard(code, f"40000000000{99000 + number}", tries=("declined",), decline=code)
            for number, code in enumerate(get_args(Decline))
        ),
        TestCard("declined_once", "4000000000000259", tries=("declined", "succeeds"), decline="processing_error"),
        TestCard("answer_lost", "4000000000007726", tries=("answer_lost",)),
        TestCard("request_lost", "4000000000000077", tries=("request_lost", "succeeds")),
        TestCard("error_once", "4000000000000119", tries=("error", "succeeds")),
        TestCard("processed", "4000000000000093", tries=("processed",)),
        TestCard("processed_then_declined", "4000000000000101", tries=("processed",), settles=False),
        TestCard("disputed", "4000000000000267", is_disputed=True),
        TestCard("refunds_fail", "4000000000005126", refunds_fail=True),
    )


CARDS = {card.name: card for card in _cards()}

BANKS = {
    bank.name: bank
    for bank in (
        TestBank("paid"),
        TestBank("waits", payouts="wait"),
        *(TestBank(fault, payouts=fault) for fault in get_args(Fault)),
        TestBank("looked_at", status="pending"),
        TestBank("restricted", status="incomplete", requirements=("identity_document",)),
        TestBank("rejected", status="rejected"),
    )
}
