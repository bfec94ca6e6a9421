"""The limits of a price, and how one is read."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.amounts import LIMITS, read_amount, step_of
from shared.errors import CurrencyMismatch, DomainError, InvalidAmount, InvalidInput, UserErrorCode
from shared.graphql.scalars import DecimalText
from shared.graphql.types import MoneyInput
from shared.money import DIGITS, CurrencyCode, Money

USD = 1.1172
# What a euro costs: the European Central Bank's reference rates of 2026-10-30, the pegs to the dollar, and the order of
# magnitude of the others.
RATES = {
    "EUR": 1, "USD": USD, "JPY": 175.68, "CZK": 24.353, "DKK": 7.4735, "GBP": 0.8338, "HUF": 366.33, "PLN": 4.4038,
    "RON": 5.3447, "SEK": 10.978, "CHF": 0.9194, "ISK": 136, "NOK": 10.312, "TRY": 55.8015, "AUD": 1.5904,
    "BRL": 6.0692, "CAD": 1.5606, "CNY": 7.4326, "HKD": 8.7652, "IDR": 20_275.17, "ILS": 3.495, "INR": 106.084,
    "KRW": 1_491.76, "MXN": 21.1237, "MYR": 4.5325, "NZD": 1.9823, "PHP": 71.143, "SGD": 1.4282, "THB": 37.683,
    "ZAR": 18.6455, "AED": 3.6725 * USD, "SAR": 3.75 * USD, "BHD": 0.376 * USD, "JOD": 0.709 * USD, "KWD": 0.34,
    "CLP": 1_050, "TWD": 34, "VND": 29_000,
}  # fmt: skip
ROUND = [digit * 10.0**power for power in range(-1, 10) for digit in (1, 2, 5)]


class TooLow(DomainError):
    code = UserErrorCode.BID_TOO_LOW


def entered(text: str, currency: CurrencyCode) -> MoneyInput:
    return MoneyInput(amount=DecimalText(text), currency=currency)


def nearest(worth: float) -> float:
    return min(ROUND, key=lambda each: abs(math.log(worth / each)))


@pytest.mark.parametrize("currency", CurrencyCode)
def test_the_limits_follow_from_the_rates(currency: CurrencyCode) -> None:
    limits = LIMITS[currency]
    bounds = [bound.minor / 10 ** DIGITS[currency] for bound in limits]
    assert bounds == [nearest(units * RATES[currency]) for units in (1, 100_000)]
    assert {bound.currency for bound in limits} == {currency}


@given(st.sampled_from(CurrencyCode), st.data())
def test_a_price_lies_within_the_limits_of_its_currency(currency: CurrencyCode, data: st.DataObject) -> None:
    least, most = LIMITS[currency]
    inside = st.integers(least.minor, most.minor)
    outside = st.integers(0, least.minor - 1) | st.integers(most.minor + 1, 10**12 - 1)
    price = Money(data.draw(inside | outside | st.sampled_from([least.minor, most.minor])), currency)

    def read() -> Money:
        return read_amount(entered(price.format(), currency), field="budget", too_low=TooLow)

    if least <= price <= most and not price.minor % step_of(currency):
        assert read() == price
    elif least <= price <= most:
        with pytest.raises(InvalidAmount) as refusal:
            read()
        assert (refusal.value.field, refusal.value.message) == (
            ("budget", "amount"),
            f"Amounts in {currency} go in steps of 0.010.",
        )
    else:
        with pytest.raises(TooLow if price < least else InvalidInput) as refusal:
            read()
        assert refusal.value.field == ("budget", "amount")
        assert (refusal.value.min, refusal.value.max) == (least.format(), most.format())


@pytest.mark.parametrize(("text", "is_price"), [("12.340", True), ("12.345", False)])
def test_dinars_are_charged_in_steps_of_ten_fils(text: str, is_price: bool) -> None:
    dinars = [currency for currency in CurrencyCode if DIGITS[currency] == 3]
    assert [currency for currency in CurrencyCode if step_of(currency) != 1] == dinars
    for currency in dinars:
        assert all(bound.minor % step_of(currency) == 0 for bound in LIMITS[currency])
        if is_price:
            assert read_amount(entered(text, currency)).format() == text
        else:
            with pytest.raises(InvalidAmount):
                read_amount(entered(text, currency))


def test_500000_dong_are_a_price() -> None:
    assert read_amount(entered("500000", CurrencyCode.VND)) == Money(500_000, CurrencyCode.VND)


@pytest.mark.parametrize(
    ("text", "currency", "reasons"),
    [
        ("125.00", CurrencyCode.EUR, [CurrencyMismatch]),
        ("125.50", CurrencyCode.JPY, [InvalidAmount, CurrencyMismatch]),
        ("125", CurrencyCode.JPY, [InvalidInput, CurrencyMismatch]),
    ],
)
def test_another_currency_than_that_of_the_task_is_refused_with_what_else_is_wrong(
    text: str, currency: CurrencyCode, reasons: Sequence[type[DomainError]]
) -> None:
    with pytest.raises(DomainError) as refusal:
        read_amount(entered(text, CurrencyCode.USD), currency)

    assert [type(each) for each in refusal.value.reasons] == reasons
    assert refusal.value.reasons[-1].field == ("amount", "currency")
    assert refusal.value.reasons[-1].allowed == [currency]
