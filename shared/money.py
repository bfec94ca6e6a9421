"""Money as whole minor units of one currency; never a float."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol, Self

from shared.errors import InvalidAmount


class CurrencyCode(StrEnum):
    """The currencies of the marketplace, by their ISO 4217 codes."""

    AED = "AED"
    AUD = "AUD"
    BHD = "BHD"
    BRL = "BRL"
    CAD = "CAD"
    CHF = "CHF"
    CLP = "CLP"
    CNY = "CNY"
    CZK = "CZK"
    DKK = "DKK"
    EUR = "EUR"
    GBP = "GBP"
    HKD = "HKD"
    HUF = "HUF"
    IDR = "IDR"
    ILS = "ILS"
    INR = "INR"
    ISK = "ISK"
    JOD = "JOD"
    JPY = "JPY"
    KRW = "KRW"
    KWD = "KWD"
    MXN = "MXN"
    MYR = "MYR"
    NOK = "NOK"
    NZD = "NZD"
    PHP = "PHP"
    PLN = "PLN"
    RON = "RON"
    SAR = "SAR"
    SEK = "SEK"
    SGD = "SGD"
    THB = "THB"
    TRY = "TRY"
    TWD = "TWD"
    USD = "USD"
    VND = "VND"
    ZAR = "ZAR"


CURRENCY_NAMES: dict[CurrencyCode, str] = {
    CurrencyCode.AED: "United Arab Emirates dirham",
    CurrencyCode.AUD: "Australian dollar",
    CurrencyCode.BHD: "Bahraini dinar",
    CurrencyCode.BRL: "Brazilian real",
    CurrencyCode.CAD: "Canadian dollar",
    CurrencyCode.CHF: "Swiss franc",
    CurrencyCode.CLP: "Chilean peso",
    CurrencyCode.CNY: "Chinese yuan renminbi",
    CurrencyCode.CZK: "Czech koruna",
    CurrencyCode.DKK: "Danish krone",
    CurrencyCode.EUR: "Euro",
    CurrencyCode.GBP: "Pound sterling",
    CurrencyCode.HKD: "Hong Kong dollar",
    CurrencyCode.HUF: "Hungarian forint",
    CurrencyCode.IDR: "Indonesian rupiah",
    CurrencyCode.ILS: "Israeli new shekel",
    CurrencyCode.INR: "Indian rupee",
    CurrencyCode.ISK: "Icelandic króna",
    CurrencyCode.JOD: "Jordanian dinar",
    CurrencyCode.JPY: "Japanese yen",
    CurrencyCode.KRW: "South Korean won",
    CurrencyCode.KWD: "Kuwaiti dinar",
    CurrencyCode.MXN: "Mexican peso",
    CurrencyCode.MYR: "Malaysian ringgit",
    CurrencyCode.NOK: "Norwegian krone",
    CurrencyCode.NZD: "New Zealand dollar",
    CurrencyCode.PHP: "Philippine peso",
    CurrencyCode.PLN: "Polish złoty",
    CurrencyCode.RON: "Romanian leu",
    CurrencyCode.SAR: "Saudi riyal",
    CurrencyCode.SEK: "Swedish krona",
    CurrencyCode.SGD: "Singapore dollar",
    CurrencyCode.THB: "Thai baht",
    CurrencyCode.TRY: "Turkish lira",
    CurrencyCode.TWD: "New Taiwan dollar",
    CurrencyCode.USD: "United States dollar",
    CurrencyCode.VND: "Vietnamese đồng",
    CurrencyCode.ZAR: "South African rand",
}

_OTHER_DIGITS: dict[CurrencyCode, int] = {
    CurrencyCode.BHD: 3,
    CurrencyCode.CLP: 0,
    CurrencyCode.ISK: 0,
    CurrencyCode.JOD: 3,
    CurrencyCode.JPY: 0,
    CurrencyCode.KRW: 0,
    CurrencyCode.KWD: 3,
    CurrencyCode.VND: 0,
}

# Digits after the decimal point (ISO 4217, "minor unit").
DIGITS: dict[CurrencyCode, int] = {currency: _OTHER_DIGITS.get(currency, 2) for currency in CurrencyCode}

_MAX_MINOR = 2**63 - 1  # bigint, in which amounts are stored
_MAX_WHOLE_DIGITS = 12  # of an amount that a person enters; leaves room for sums within a bigint


class Entered(Protocol):
    """An amount as a person entered it, not yet read."""

    @property
    def amount(self) -> str: ...

    @property
    def currency(self) -> CurrencyCode: ...


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (cents, satang, fils) of its currency.

    Arithmetic and comparison of two currencies raise ValueError; a result that does not fit a bigint
    raises OverflowError.
    """

    minor: int
    currency: CurrencyCode

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"Money is counted in whole minor units, not in {type(self.minor).__name__}.")
        if not -_MAX_MINOR <= self.minor <= _MAX_MINOR:
            raise OverflowError("The amount does not fit 64 bits.")

    @classmethod
    def parse(cls, text: str, currency: CurrencyCode, *, field: tuple[str, ...] = ()) -> Self:
        """The amount that a person wrote, such as "125.50".

        Plain ASCII digits and at most the currency's decimal places: no sign, exponent, blank, group
        separator or leading zero. Raises InvalidAmount, whose `field` is the given one.
        """
        digits = DIGITS[currency]
        match = _amount(digits).fullmatch(text)
        if match is None:
            example = f"125.{'50'.ljust(digits, '0')}" if digits else "125"
            raise InvalidAmount(
                f'Write the amount as a decimal number such as "{example}", '
                f"with at most {_MAX_WHOLE_DIGITS} digits before the point and {digits} after it.",
                field=field,
            )
        whole, fraction = match["whole"], match["fraction"] or ""
        return cls(int(whole + fraction.ljust(digits, "0")), currency)

    def format(self) -> str:
        """The amount with exactly the currency's decimal places: "125.50"."""
        digits = DIGITS[self.currency]
        sign = "-" if self.minor < 0 else ""
        whole, fraction = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{fraction:0{digits}}" if digits else f"{sign}{whole}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._minor_of(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._minor_of(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._minor_of(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._minor_of(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._minor_of(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._minor_of(other)

    def _minor_of(self, other: "Money") -> int:
        if other.currency is not self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not go together.")
        return other.minor


@cache
def _amount(digits: int) -> re.Pattern[str]:
    fraction = rf"(?:\.(?P<fraction>[0-9]{{1,{digits}}}))?" if digits else "(?P<fraction>)"
    return re.compile(rf"(?P<whole>0|[1-9][0-9]{{0,{_MAX_WHOLE_DIGITS - 1}}}){fraction}")
