"""Batch loaders of payments: one statement for all keys that one operation asks for at once."""

from functools import partial

from shared.database.db import Database
from shared.loaders import many_by_key, one_by_key
from subgraphs.payments import store


class Loaders:
    """The loaders of one operation."""

    def __init__(self, database: Database) -> None:
        self.escrow_by_id = one_by_key(partial(store.escrows.load_escrows, database), key=lambda row: row.id)
        self.escrow_by_task_id = one_by_key(
            partial(store.escrows.load_newest_of_tasks, database), key=lambda row: row.task_id
        )
        self.charges_by_escrow_id = many_by_key(
            partial(store.charges.load_of_escrows, database), key=lambda row: row.escrow_id
        )
        self.charge_by_id = one_by_key(partial(store.charges.load_charges, database), key=lambda row: row.id)
        self.payment_method_by_id = one_by_key(partial(store.methods.load_methods, database), key=lambda row: row.id)
        self.payout_by_id = one_by_key(partial(store.payouts.load_payouts, database), key=lambda row: row.id)
        self.transaction_by_id = one_by_key(
            partial(store.transactions.load_transactions, database), key=lambda row: row.id
        )
        self.ledger_transaction_by_id = one_by_key(
            partial(store.ledger.load_transactions, database), key=lambda row: row.id
        )
