"""Who may see and do what with money, in the words of `shared.access`. Each module has a noun's declarations."""

from shared.access import Declaration
from subgraphs.payments.access import card, escrow, ledger, payout, transaction

ACCESS: list[Declaration] = [
    *card.ACCESS,
    *escrow.ACCESS,
    *transaction.ACCESS,
    *payout.ACCESS,
    *ledger.ACCESS,
]
