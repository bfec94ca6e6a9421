"""How much a price may be, in each currency: about 1 to 100,000 euro's worth.

The bounds are the numbers 1, 2 or 5 times a power of ten that come nearest, in proportion, to what 1 and 100,000 euros
were worth: by the European Central Bank's euro foreign exchange reference rates of 2026-10-30; of what it does not
quote, AED, SAR, BHD and JOD by their pegs to the US dollar, and CLP, KWD, TWD and VND by their order of magnitude. They
are not meant to follow the rates: only a currency that loses or gains half of its worth needs a new row.
"""

from typing import NamedTuple

from shared.errors import CurrencyMismatch, DomainError, InvalidAmount, InvalidInput, collected
from shared.money import CurrencyCode, Entered, Money


class Limits(NamedTuple):
    """The least and the most of a price."""

    least: Money
    most: Money


_BOUNDS: dict[CurrencyCode, tuple[str, str]] = {
    CurrencyCode.AED: ("5", "500000"),
    CurrencyCode.AUD: ("2", "200000"),
    CurrencyCode.BHD: ("0.500", "50000"),
    CurrencyCode.BRL: ("5", "500000"),
    CurrencyCode.CAD: ("2", "200000"),
    CurrencyCode.CHF: ("1", "100000"),
    CurrencyCode.CLP: ("1000", "100000000"),
    CurrencyCode.CNY: ("10", "1000000"),
    CurrencyCode.CZK: ("20", "2000000"),
    CurrencyCode.DKK: ("10", "1000000"),
    CurrencyCode.EUR: ("1", "100000"),
    CurrencyCode.GBP: ("1", "100000"),
    CurrencyCode.HKD: ("10", "1000000"),
    CurrencyCode.HUF: ("500", "50000000"),
    CurrencyCode.IDR: ("20000", "2000000000"),
    CurrencyCode.ILS: ("5", "500000"),
    CurrencyCode.INR: ("100", "10000000"),
    CurrencyCode.ISK: ("100", "10000000"),
    CurrencyCode.JOD: ("1", "100000"),
    CurrencyCode.JPY: ("200", "20000000"),
    CurrencyCode.KRW: ("2000", "200000000"),
    CurrencyCode.KWD: ("0.500", "50000"),
    CurrencyCode.MXN: ("20", "2000000"),
    CurrencyCode.MYR: ("5", "500000"),
    CurrencyCode.NOK: ("10", "1000000"),
    CurrencyCode.NZD: ("2", "200000"),
    CurrencyCode.PHP: ("100", "10000000"),
    CurrencyCode.PLN: ("5", "500000"),
    CurrencyCode.RON: ("5", "500000"),
    CurrencyCode.SAR: ("5", "500000"),
    CurrencyCode.SEK: ("10", "1000000"),
    CurrencyCode.SGD: ("2", "200000"),
    CurrencyCode.THB: ("50", "5000000"),
    CurrencyCode.TRY: ("50", "5000000"),
    CurrencyCode.TWD: ("50", "5000000"),
    CurrencyCode.USD: ("1", "100000"),
    CurrencyCode.VND: ("20000", "2000000000"),
    CurrencyCode.ZAR: ("20", "2000000"),
}

LIMITS: dict[CurrencyCode, Limits] = {
    currency: Limits(Money.parse(least, currency), Money.parse(most, currency))
    for currency, (least, most) in _BOUNDS.items()
}

# Card networks move three-digit currencies in steps of ten (https://docs.stripe.com/currencies#three-decimal).
_STEPS = {CurrencyCode.BHD: 10, CurrencyCode.JOD: 10, CurrencyCode.KWD: 10}


def step_of(currency: CurrencyCode) -> int:
    """The least amount that cards can be charged, in minor units; all that is moved is a multiple of it."""
    return _STEPS.get(currency, 1)


def read_amount(
    entered: Entered,
    currency: CurrencyCode | None = None,
    *,
    field: str = "amount",
    too_low: type[DomainError] = InvalidInput,
    too_high: type[DomainError] = InvalidInput,
) -> Money:
    """A price within the limits of its currency, in whole steps of it; it is that of the task where one is given.

    Raises InvalidAmount, `too_low` or `too_high`, and with them CurrencyMismatch: another currency is wrong by itself,
    and the amount is read as one in the given currency, so that both can be put right at once.
    """
    with collected() as check:
        amount = check(
            _within_limits, entered.amount, currency or entered.currency, (field, "amount"), too_low, too_high
        )
        check(_check_currency, entered.currency, currency, (field, "currency"))
    return amount


def _within_limits(
    text: str,
    currency: CurrencyCode,
    field: tuple[str, ...],
    too_low: type[DomainError],
    too_high: type[DomainError],
) -> Money:
    amount = Money.parse(text, currency, field=field)
    least, most = LIMITS[currency]
    if not least <= amount <= most:
        raise (too_low if amount < least else too_high)(
            f"The amount is {least.format()} to {most.format()} {currency}.",
            field=field,
            min=least.format(),
            max=most.format(),
        )
    _check_steps(amount, field)
    return amount


def _check_steps(amount: Money, field: tuple[str, ...]) -> None:
    """Raises InvalidAmount for what is no multiple of the step of its currency."""
    step = step_of(amount.currency)
    if amount.minor % step:
        raise InvalidAmount(
            f"Amounts in {amount.currency} go in steps of {Money(step, amount.currency).format()}.", field=field
        )


def _check_currency(currency: CurrencyCode, expected: CurrencyCode | None, field: tuple[str, ...]) -> None:
    if expected is not None and currency is not expected:
        raise CurrencyMismatch(f"The task is paid in {expected}.", field=field, allowed=[expected])
