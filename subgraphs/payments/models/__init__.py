"""Tables of payments."""

from subgraphs.payments.models.base import Base
from subgraphs.payments.models.escrows import Charge, Chargeback, Escrow, Refund
from subgraphs.payments.models.ledger import LedgerAccount, LedgerEntry, LedgerTransaction
from subgraphs.payments.models.methods import Customer, PaymentMethod, Setup
from subgraphs.payments.models.payouts import Payout, PayoutAccount
from subgraphs.payments.models.people import Person, Suspension
from subgraphs.payments.models.reconciliation import Difference
from subgraphs.payments.models.settlements import Settlement
from subgraphs.payments.models.tasks import TaskTitle
from subgraphs.payments.models.transactions import Counter, Transaction

__all__ = [
    "Base",
    "Charge",
    "Chargeback",
    "Counter",
    "Customer",
    "Difference",
    "Escrow",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "PaymentMethod",
    "Payout",
    "PayoutAccount",
    "Person",
    "Refund",
    "Settlement",
    "Setup",
    "Suspension",
    "TaskTitle",
    "Transaction",
]
