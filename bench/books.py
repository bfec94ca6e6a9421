"""Books of a million lines: one account of the ledger, and one person's transactions. Balances add up nothing."""

import random

import asyncpg
from rich.console import Console

from bench.figures import Figure
from bench.statements import figures_of, text, times
from bench.system import System
from shared.ids import new_id
from subgraphs.payments import store

_LINES = 1_000_000
_PAGE = 20
_ACCOUNT = "revenue:CHF"

# Past the triggers, which would take a million times as long as one line does: nothing here is measured but reading.
_FILL = (
    "SET session_replication_role = replica",
    "INSERT INTO ledger_accounts VALUES ($2, 'REVENUE', NULL, 'CHF', $1)",
    """INSERT INTO ledger_entries
        SELECT 'line_' || lpad(n::text, 26, '0'), 'entry_' || lpad(n::text, 26, '0'), $2, 'CREDIT', 1, n
        FROM generate_series(1, $1::int) AS n""",
    """INSERT INTO transactions (id, receipt_number, user_id, kind, amount_minor, fee_minor, currency, subject_id,
            task_id, created_at)
        SELECT 'transaction_' || lpad(n::text, 26, '0'), 1000000000 + n, $2, 'EARNING', 1, 0, 'CHF',
            'escrow_' || lpad(n::text, 26, '0'), NULL, now()
        FROM generate_series(1, $1::int) AS n""",
    "VACUUM ANALYZE",
)
_DELETE = (
    "DELETE FROM ledger_entries WHERE account_id = 'revenue:CHF'",
    "DELETE FROM ledger_accounts WHERE id = 'revenue:CHF'",
    "DELETE FROM transactions WHERE currency = 'CHF'",
)


async def measure(system: System, console: Console) -> list[Figure]:
    """Fills the books of one account and one person, reads them, and takes them away again."""
    console.print(f"  Writing {_LINES:,} lines …")
    user_id = new_id("user")
    async with system.superuser("payments") as connection:
        for statement in _FILL:
            await (
                connection.execute(statement, user_id, _LINES) if "$1" in statement else connection.execute(statement)
            )
        try:
            return await _measured(connection, user_id)
        finally:
            for statement in _DELETE:
                await connection.execute(statement)


async def _measured(connection: asyncpg.Connection, user_id: str) -> list[Figure]:
    randomly = random.Random(1)
    ledger, transactions = store.ledger, store.transactions
    first = ledger.NEWEST.window(_PAGE, None, None, None)
    mine = transactions.NEWEST.window(_PAGE, None, None, None)

    def page_of_account() -> str:
        return text(first.select(ledger.entries_of(_ACCOUNT)))

    def page_of_person() -> str:
        # Somebody else's every other time: their page is empty, and costs no more.
        return text(mine.select(transactions.transactions_of(randomly.choice((user_id, new_id("user"))))))

    lines = f"{_LINES:,} lines, first page of {_PAGE}"
    return [
        *figures_of("ledger(account) { entries }", await times(connection, page_of_account), 10, lines),
        *figures_of("myTransactions", await times(connection, page_of_person), 10, lines),
        *figures_of(
            "ledger(account) { balance }", await times(connection, lambda: text(ledger.account_of(_ACCOUNT))), 10,
            f"of {_LINES:,} lines",
        ),
    ]  # fmt: skip
