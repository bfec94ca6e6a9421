"""Disputes: the payer's bank takes a charge back, and decides later."""

from datetime import timedelta

from sandbox.context import Sandbox
from sandbox.objects import Charge, Dispute
from shared import clock
from shared.ids import new_id

_TIME_FOR_EVIDENCE = timedelta(days=14)


def open_one(sandbox: Sandbox, charge: Charge) -> Dispute:
    """Takes what is left of a charge from us."""
    dispute = Dispute(
        id=new_id(Dispute.kind),
        charge=charge.id,
        amount=charge.amount - charge.refunded,
        currency=charge.currency,
        reason="fraudulent",
        evidence_due_at=clock.now() + _TIME_FOR_EVIDENCE,
    )
    charge.dispute = dispute.id
    sandbox.state.put(dispute)
    sandbox.state.put(charge)
    sandbox.state.move(dispute, -dispute.amount, dispute.currency)
    sandbox.state.tell(dispute, "opened")
    return dispute


def close(sandbox: Sandbox, dispute: Dispute, won: bool) -> Dispute:
    """The bank decides; what was taken comes back if we win."""
    dispute.status = "won" if won else "lost"
    sandbox.state.put(dispute)
    if won:
        sandbox.state.move(dispute, dispute.amount, dispute.currency)
    sandbox.state.tell(dispute, dispute.status)
    return dispute
