"""What is decided without asking anybody: parts, fees, times, states."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import CurrencyCode, Money
from subgraphs.payments.rules import charges, escrows, ledger, methods, payouts, shares

MONEY = st.builds(Money, st.integers(1, 2**50), st.sampled_from(CurrencyCode))


@given(MONEY, st.data())
def test_the_parts_are_the_whole(held: Money, data: st.DataObject) -> None:
    refund = Money(data.draw(st.integers(0, held.minor)), held.currency)
    fee = data.draw(st.integers(0, shares.BASIS_POINTS))

    parts = shares.part(held, refund, fee)

    assert parts.refund + parts.net + parts.fee == held
    assert min(parts.refund.minor, parts.net.minor, parts.fee.minor) >= 0
    posting = ledger.ended("escrow_x", "user_x", parts)
    sums = {side: sum(entry.amount.minor for entry in posting.entries if entry.side is side) for side in ledger.Side}
    assert sums == {ledger.Side.DEBIT: held.minor, ledger.Side.CREDIT: held.minor}
    assert all(entry.amount.minor > 0 for entry in posting.entries)


@given(MONEY, st.integers(0, 100))
def test_what_goes_back_is_in_steps_that_providers_move(held: Money, percent: int) -> None:
    held = Money(held.minor * 10, held.currency)

    refund = shares.owed_to_poster(held, percent)

    assert refund.minor % shares.step_of(held.currency) == 0
    assert 0 <= refund.minor <= held.minor
    assert abs(refund.minor * 100 - held.minor * (100 - percent)) <= 50 * shares.step_of(held.currency)


@pytest.mark.parametrize(
    ("gross", "fee"), [(5, 0), (15, 2), (25, 2), (35, 4), (14, 1), (16, 2), (2**62, 461168601842738790)]
)
def test_fees_are_rounded_half_to_even(gross: int, fee: int) -> None:
    assert shares.fee_of(Money(gross, CurrencyCode.EUR), 1_000).minor == fee


def test_the_most_exact_fee_counts() -> None:
    fees = {"*": 1_000, "EUR": 900, "category_a": 800, "category_a/EUR": 700}
    found = [
        shares.fee_basis_points(fees, category, currency)
        for category in ("category_a", "category_b", None)
        for currency in (CurrencyCode.EUR, CurrencyCode.THB)
    ]
    assert found == [700, 800, 900, 1_000, 900, 1_000]


def test_more_than_is_held_cannot_be_parted() -> None:
    held = Money(100, CurrencyCode.EUR)
    for refund in (-1, 101):
        with pytest.raises(ValueError, match="cannot go back"):
            shares.part(held, Money(refund, CurrencyCode.EUR), 0)


def test_an_escrow_ends_once() -> None:
    ended = {escrows.Status.RELEASED, escrows.Status.REFUNDED, escrows.Status.SPLIT, escrows.Status.FAILED}
    assert not [edge for edge in escrows.TRANSITIONS if edge[0] in ended]
    assert {edge[0] for edge in escrows.TRANSITIONS} == set(escrows.Status) - ended


def test_a_charge_that_is_settled_stays_so() -> None:
    assert {edge[0] for edge in charges.TRANSITIONS} == charges.UNSETTLED


@pytest.mark.parametrize(
    ("month", "year", "until"),
    [(1, 2029, datetime(2029, 2, 1, tzinfo=UTC)), (12, 2029, datetime(2030, 1, 1, tzinfo=UTC))],
)
def test_a_card_is_good_to_the_end_of_its_month(month: int, year: int, until: datetime) -> None:
    assert methods.good_until(month, year) == until


def test_the_weekly_payout_is_on_the_next_monday() -> None:
    assert payouts.next_weekly(datetime(2026, 11, 30, 0, 0, tzinfo=UTC)) == datetime(2026, 12, 7, tzinfo=UTC)
    assert payouts.next_weekly(datetime(2026, 11, 29, 23, 59, tzinfo=UTC)) == datetime(2026, 11, 30, tzinfo=UTC)


@given(MONEY)
def test_what_banks_cannot_move_stays_in_the_balance(balance: Money) -> None:
    paid = payouts.most(balance)

    assert paid.minor % payouts.step_of(balance.currency) == 0
    assert 0 <= balance.minor - paid.minor < payouts.step_of(balance.currency)
