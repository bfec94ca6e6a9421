"""All SQL of payments.

Lock order everywhere: the escrow's row, then those of its charges and refunds, a payout's or a card's, then the
ledger's accounts (`store.ledger.post` takes them in one order), the counter of receipts, settlements and deadlines,
then (in `emit`) the streams': the task's first.
"""

from subgraphs.payments.store import (
    chargebacks,
    charges,
    escrows,
    ledger,
    methods,
    payouts,
    receipts,
    reconciliation,
    refunds,
    settlements,
    transactions,
)

__all__ = [
    "chargebacks",
    "charges",
    "escrows",
    "ledger",
    "methods",
    "payouts",
    "receipts",
    "reconciliation",
    "refunds",
    "settlements",
    "transactions",
]
