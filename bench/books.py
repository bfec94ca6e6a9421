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
_PAST_TRIGGERS = "SET session_replication_role = replica"
_FILL_ACCOUNT = "INSERT INTO ledger_accounts VALUES ($1, 'REVENUE', NULL, 'CHF', $2)"
_FILL_ENTRIES = """INSERT INTO ledger_entries
    SELECT 'line_' || lpad(n::text, 26, '0'), 'entry_' || lpad(n::text, 26, '0'), $1, 'CREDIT', 1, n
    FROM generate_series(1, $2::int) AS n"""
_FILL_TRANSACTIONS = """INSERT INTO transactions (id, receipt_number, user_id, kind, amount_minor, fee_minor, currency,
        subject_id, task_id, created_at)
    SELECT 'transaction_' || lpad(n::text, 26, '0'), 1000000000 + n, $1, 'EARNING', 1, 0, 'CHF',
        'escrow_' || lpad(n::text, 26, '0'), NULL, now()
    FROM generate_series(1, $2::int) AS n"""
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
        await connection.execute(_PAST_TRIGGERS)
        try:
            await connection.execute(_FILL_ACCOUNT, _ACCOUNT, _LINES)
            await connection.execute(_FILL_ENTRIES, _ACCOUNT, _LINES)
            await connection.execute(_FILL_TRANSACTIONS, user_id, _LINES)
            await connection.execute("VACUUM ANALYZE")
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
