"""Money: exact, one currency at a time, strict about what a person may write."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidAmount, UserErrorCode
from shared.money import CURRENCY_NAMES, DIGITS, CurrencyCode, Money
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds

EUR, JPY, KWD, THB, USD = (
    CurrencyCode.EUR, CurrencyCode.JPY, CurrencyCode.KWD, CurrencyCode.THB, CurrencyCode.USD,
)  # fmt: skip

currencies = st.sampled_from(CurrencyCode)
enterable = st.builds(Money, st.integers(0, 10**12 - 1), currencies)
signed = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("125.50", EUR, 12_550),
        ("125.5", EUR, 12_550),
        ("125", EUR, 12_500),
        ("0", EUR, 0),
        ("0.01", THB, 1),
        ("125", JPY, 125),
        ("1.250", KWD, 1_250),
        ("1.25", KWD, 1_250),
        ("0.001", KWD, 1),
        ("999999999999.99", USD, 99_999_999_999_999),
    ],
)
def test_an_amount_is_read_in_its_currency(text: str, currency: CurrencyCode, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", EUR),
        (" ", EUR),
        (" 1", EUR),
        ("1 ", EUR),
        ("1\n", EUR),
        ("1 000", EUR),
        ("1,50", EUR),
        ("1,000.00", EUR),
        ("1_000", EUR),
        ("1.", EUR),
        (".5", EUR),
        (".", EUR),
        ("01", EUR),
        ("00", EUR),
        ("1.505", EUR),
        ("1.500", EUR),
        ("1.0", JPY),
        ("1.", JPY),
        ("1.2345", KWD),
        ("1.2.3", EUR),
        ("+1", EUR),
        ("-1", EUR),
        ("\u22121", EUR),
        ("1e3", EUR),
        ("1E3", EUR),
        ("NaN", EUR),
        ("Infinity", EUR),
        ("0x10", EUR),
        ("\u0661\u0662", EUR),
        ("\uff11", EUR),
        ("1\x00", EUR),
        ("€1", EUR),
        ("1000000000000", EUR),
        ("9" * 10_000, EUR),
    ],
)
def test_any_other_writing_is_refused(text: str, currency: CurrencyCode) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        Money.parse(text, currency, field=("amount",))

    assert refusal.value.code is UserErrorCode.INVALID_AMOUNT
    assert refusal.value.field == ("amount",)
    assert len(refusal.value.message) < 200


@pytest.mark.timing
def test_an_endless_amount_is_refused_at_once() -> None:
    def run() -> None:
        with pytest.raises(InvalidAmount):
            Money.parse("9" * 1_000_000, EUR)

    assert cpu_seconds(run) < LIMIT_SECONDS


@given(st.text(), currencies)
def test_no_text_makes_parsing_fail_otherwise(text: str, currency: CurrencyCode) -> None:
    try:
        parsed = Money.parse(text, currency)
    except InvalidAmount:
        return
    assert Decimal(parsed.format()) == Decimal(text)


@given(enterable)
def test_what_is_written_reads_back_the_same(money: Money) -> None:
    assert Money.parse(money.format(), money.currency) == money


@given(signed, currencies)
def test_the_written_form_has_the_currencys_digits(minor: int, currency: CurrencyCode) -> None:
    text = Money(minor, currency).format()

    assert Decimal(text) == Decimal(minor).scaleb(-DIGITS[currency])
    assert len(text.partition(".")[2]) == DIGITS[currency]


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(12_550, EUR), "125.50"),
        (Money(5, EUR), "0.05"),
        (Money(-5, EUR), "-0.05"),
        (Money(-12_550, EUR), "-125.50"),
        (Money(125, JPY), "125"),
        (Money(5, KWD), "0.005"),
    ],
)
def test_amounts_are_written_with_sign_and_leading_zero(money: Money, text: str) -> None:
    assert money.format() == text


@given(signed, signed, currencies)
def test_arithmetic_is_that_of_minor_units(a: int, b: int, currency: CurrencyCode) -> None:
    one, other = Money(a, currency), Money(b, currency)

    assert one + other == Money(a + b, currency)
    assert one - other == Money(a - b, currency)
    assert -one == Money(-a, currency)
    assert (one < other, one <= other, one > other, one >= other) == (a < b, a <= b, a > b, a >= b)


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_two_currencies_do_not_go_together(operation: str) -> None:
    with pytest.raises(ValueError, match="EUR and USD"):
        getattr(Money(1, EUR), operation)(Money(1, USD))

    assert Money(1, EUR) != Money(1, USD)


@pytest.mark.parametrize("minor", [1.5, True, "1", Decimal(1), None])
def test_only_whole_numbers_count(minor: int) -> None:
    with pytest.raises(TypeError):
        Money(minor, EUR)


def test_more_than_a_bigint_is_refused() -> None:
    largest = Money(2**63 - 1, EUR)

    with pytest.raises(OverflowError):
        largest + Money(1, EUR)


def test_every_currency_has_digits_and_a_name() -> None:
    assert set(DIGITS) == set(CURRENCY_NAMES) == set(CurrencyCode)
    assert [currency for currency in CurrencyCode if currency != currency.name] == []
