"""The books hold by themselves: what the database refuses, whatever the code does."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from shared.ids import new_id
from shared.money import CurrencyCode, Money
from subgraphs.payments import store
from subgraphs.payments.rules import ledger
from subgraphs.payments.rules.ledger import (
    NORMAL_SIDES,
    Account,
    AccountKind,
    Entry,
    Posting,
    Side,
    Step,
)
from tests.payments.conftest import Payments

EUR, KWD = CurrencyCode.EUR, CurrencyCode.KWD
CLEARING, REFUNDS = Account(AccountKind.CLEARING, EUR), Account(AccountKind.REFUNDS, EUR)
TASKER = "user_01jdtaskertaskertaskertask"


def entry(account: Account, side: Side, minor: int) -> Entry:
    return Entry(account, side, Money(minor, account.currency))


async def post(payments: Payments, *postings: Posting) -> None:
    async with payments.database.transaction() as session:
        for posting in postings:
            await store.ledger.post(session, posting)


def posting(*entries: Entry, step: Step = Step.CHARGED, subject_id: str | None = None) -> Posting:
    return Posting(subject_id or new_id("charge"), step, entries)


async def books(payments: Payments) -> list[list[tuple[object, ...]]]:
    tables = ("ledger_accounts", "ledger_transactions", "ledger_entries")
    return [await payments.sql(f"SELECT * FROM {table} ORDER BY id") for table in tables]  # fixed names


REFUSED = {
    "unbalanced": posting(entry(CLEARING, Side.DEBIT, 100), entry(REFUNDS, Side.CREDIT, 99)),
    "one-sided": posting(entry(CLEARING, Side.DEBIT, 100)),
    "balanced over two currencies": posting(
        entry(CLEARING, Side.DEBIT, 100), entry(Account(AccountKind.REFUNDS, KWD), Side.CREDIT, 100)
    ),
    "of nothing": posting(entry(CLEARING, Side.DEBIT, 0), entry(REFUNDS, Side.CREDIT, 0)),
    "negative": posting(entry(CLEARING, Side.DEBIT, -100), entry(REFUNDS, Side.CREDIT, -100)),
    "more back than is held": posting(entry(REFUNDS, Side.DEBIT, 101), entry(CLEARING, Side.CREDIT, 101)),
    "a payout of more than was earned": ledger.payout_requested("payout_x", TASKER, Money(1, EUR)),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_the_database_refuses(payments: Payments, name: str) -> None:
    await post(payments, posting(entry(CLEARING, Side.DEBIT, 100), entry(REFUNDS, Side.CREDIT, 100)))
    before = await books(payments)

    with pytest.raises(DBAPIError):
        await post(payments, REFUSED[name])

    assert await books(payments) == before


async def test_a_step_is_booked_once(payments: Payments) -> None:
    charged = ledger.charged("charge_x", "escrow_x", Money(100, EUR))
    await post(payments, charged)
    before = await books(payments)

    with pytest.raises(DBAPIError):
        await post(payments, charged)

    assert await books(payments) == before


CHANGES = (
    "UPDATE ledger_entries SET amount_minor = 1",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries",
    "UPDATE ledger_transactions SET step = 'ENDED'",
    "DELETE FROM ledger_transactions",
    "TRUNCATE ledger_transactions",
    "UPDATE ledger_accounts SET balance_minor = 0",
    "DELETE FROM ledger_accounts",
    "TRUNCATE ledger_accounts",
    "INSERT INTO ledger_accounts VALUES ('x', 'REVENUE', NULL, 'EUR', 5)",
    # Later entries of a transaction, although they balance.
    "INSERT INTO ledger_entries SELECT 'y' || id, transaction_id, account_id, side, 1, 0 FROM ledger_entries",
    "INSERT INTO ledger_entries SELECT 'y' || id, 'nothing', account_id, side, amount_minor, 0 FROM ledger_entries",
)


async def test_what_stands_in_the_books_stays(payments: Payments) -> None:
    await post(payments, ledger.charged("charge_x", "escrow_x", Money(100, EUR)))
    before = await books(payments)

    for change in CHANGES:
        with pytest.raises(DBAPIError):
            await payments.sql(change)

    assert await books(payments) == before


async def test_what_a_tasker_is_charged_may_be_more_than_they_have(payments: Payments) -> None:
    await post(payments, ledger.recovered("recovery_x", TASKER, Money(500, EUR)))

    assert await payments.balances() == {"LOSSES EUR": -500, "PAYABLE EUR": -500}


async def test_balances_follow_the_entries_under_concurrency(payments: Payments) -> None:
    await asyncio.gather(
        *(
            post(payments, ledger.charged(f"charge_{number}", f"escrow_{number % 3}", Money(number, EUR)))
            for number in range(1, 41)
        )
    )

    assert await payments.balances() == {"CLEARING EUR": 820, "ESCROW EUR": 820}
    newest = await payments.sql(
        "SELECT DISTINCT ON (account_id) account_id, balance_after_minor FROM ledger_entries"
        " ORDER BY account_id, abs(balance_after_minor) DESC"
    )
    assert sorted(newest) == sorted(await payments.sql("SELECT id, balance_minor FROM ledger_accounts"))


async def test_the_database_knows_the_sides_of_all_accounts(payments: Payments) -> None:
    for kind, side in NORMAL_SIDES.items():
        assert await payments.sql("SELECT ledger_normal_side(:kind)", kind=kind) == [(side.value,)]
    assert set(NORMAL_SIDES) == set(AccountKind)
