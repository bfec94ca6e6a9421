"""What may be done, by whom and when. Pure: no I/O."""

from subgraphs.payments.rules import (
    charges,
    escrows,
    ledger,
    methods,
    payouts,
    receipts,
    reconciliation,
    settlements,
    shares,
    transactions,
)

__all__ = [
    "charges",
    "escrows",
    "ledger",
    "methods",
    "payouts",
    "receipts",
    "reconciliation",
    "settlements",
    "shares",
    "transactions",
]
