"""Comparing the books with the provider, every day and by hand: `python -m subgraphs.payments.reconciling [--days N]`.

Each charge, refund, payout and chargeback that moved our balance is compared, and the balances themselves. What differs
is counted, logged and kept in a list (`differences`); nothing is put right by itself. Reads `EXCHANGE_…` like the
subgraph itself; exits with 1 if something differs.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter, Gauge

from shared import clock
from shared.config import Settings
from shared.database.db import Database
from shared.money import Money
from subgraphs.payments import models, provider, store
from subgraphs.payments.provider.port import Provider
from subgraphs.payments.rules import reconciliation
from subgraphs.payments.rules.reconciliation import Difference, Moved

log = structlog.get_logger(__name__)

FOUND = Counter("exchange_reconciliation_differences_total", "Differences between books and provider that are new.")
DONE_AT = Gauge("exchange_reconciliation_done_timestamp_seconds", "When books and provider were compared last.")

BALANCE = "balance"


async def reconcile(
    database: Database, at: Provider, period: timedelta = reconciliation.PERIOD
) -> Sequence[models.Difference]:
    """Compares what moved in this time until now; answers all that differs. Raises ProviderUnavailable."""
    until = clock.now()
    since = until - period
    early = since - reconciliation.LOOK_BACK
    # What is open is read before and after: it may be settled in between.
    pending = set(await store.reconciliation.list_pending(database, at.name))
    theirs, fees = await _moved(at, early)
    books = await store.reconciliation.load_moved(database, at.name, early)
    held = await at.balances()
    clearing = await store.reconciliation.load_clearing(database)
    pending |= set(await store.reconciliation.list_pending(database, at.name))
    found = reconciliation.compare(theirs, books, pending, since, until)
    # What the provider keeps for itself is not in the books.
    if not pending and not fees:
        found += [
            Difference(f"{BALANCE}:{currency}", currency, None, minor, clearing.get(currency, 0))
            for currency in sorted(held.keys() | clearing.keys())
            if (minor := held[currency].minor if currency in held else 0) != clearing.get(currency, 0)
        ]
    async with database.transaction() as session:
        new = await store.reconciliation.save_differences(session, at.name, found, until)
    for object_id in new:
        log.error("books and provider differ", object=object_id)
    FOUND.inc(len(new))
    DONE_AT.set(until.timestamp())
    return await store.reconciliation.list_differences(database)


async def _moved(at: Provider, since: datetime) -> tuple[Mapping[str, Moved], bool]:
    """What moved our balance at the provider since then, by its ids; and whether it kept something for itself."""
    found: dict[str, Moved] = {}
    fees = False
    async for each in at.movements(since, clock.now()):
        before = found.get(each.id)
        minor = each.amount.minor + (before.minor if before else 0)
        found[each.id] = Moved(each.id, each.amount.currency, minor, each.at)
        fees = fees or each.fee is not None
    return found, fees


def described(row: models.Difference) -> str:
    """A difference in a line."""
    theirs, ours = Money(row.provider_minor, row.currency), Money(row.ledger_minor, row.currency)
    whose = row.subject_id or "not known here"
    return f"{row.object_id} ({whose}): provider {theirs.format()}, books {ours.format()} {row.currency}"


async def _run(days: int) -> Sequence[models.Difference]:
    settings = Settings()
    database, at = Database(settings), provider.of(settings)
    try:
        return await reconcile(database, at, timedelta(days=days))
    finally:
        await at.close()
        await database.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=reconciliation.PERIOD.days, help="how far back")
    found = asyncio.run(_run(parser.parse_args().days))
    for row in found:
        sys.stdout.write(f"{described(row)}\n")
    sys.stdout.write("books and provider agree\n" if not found else f"{len(found)} differ\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
