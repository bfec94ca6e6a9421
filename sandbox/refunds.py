"""Refunds: never more than the charge."""

from sandbox.context import Sandbox
from sandbox.objects import Card, Charge, Dispute, Refund
from sandbox.outcomes import CARDS
from sandbox.refused import Refused
from shared.ids import new_id


def create(sandbox: Sandbox, charge_id: str, amount: int, key: str) -> Refund:
    """Gives a part of a charge back, at once."""
    charge = sandbox.state.get(Charge, charge_id)
    if charge.status != "succeeded" or charge.card is None:
        raise Refused(409, "charge_not_succeeded", "The charge took nothing.")
    if charge.dispute is not None and sandbox.state.get(Dispute, charge.dispute).status != "won":
        raise Refused(409, "charge_disputed", "The payer's bank took the charge back.")
    if amount > charge.amount - charge.refunded:
        raise Refused(409, "refund_too_large", f"Of the charge {charge.amount - charge.refunded} is left.")
    refund = Refund(id=new_id(Refund.kind), key=key, charge=charge.id, amount=amount, currency=charge.currency)
    _move(sandbox, refund, charge, amount)
    sandbox.state.tell(refund, "created")
    if CARDS[sandbox.state.get(Card, charge.card).test_card].refunds_fail:
        sandbox.state.later(refund, "fail", sandbox.options.settle_seconds)
    return refund


def fail(sandbox: Sandbox, refund: Refund) -> Refund:
    """The payer's bank sends it back."""
    refund.status = "failed"
    _move(sandbox, refund, sandbox.state.get(Charge, refund.charge), -refund.amount)
    sandbox.state.tell(refund, "failed")
    return refund


def _move(sandbox: Sandbox, refund: Refund, charge: Charge, amount: int) -> None:
    charge.refunded += amount
    sandbox.state.put(charge)
    sandbox.state.put(refund)
    sandbox.state.move(refund, -amount, refund.currency)
