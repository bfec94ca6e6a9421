"""How money is parted: the parts always sum to the whole, to the last minor unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from shared.amounts import step_of
from shared.money import CurrencyCode, Money

BASIS_POINTS = 10_000
"""A whole, as fees are counted: 1,000 of them are 10 %."""

ANY = "*"


@dataclass(frozen=True, slots=True)
class Parts:
    """What becomes of a whole: what goes back to the poster, what the tasker gets, what the platform keeps."""

    refund: Money
    net: Money
    fee: Money

    @property
    def gross(self) -> Money:
        """The tasker's share before the fee."""
        return self.net + self.fee


def part(held: Money, refund: Money, fee_basis_points: int) -> Parts:
    """Parts what is held: `refund` goes back, of the rest the fee is the platform's. Raises ValueError beyond it."""
    if not 0 <= refund.minor <= held.minor:
        raise ValueError(f"{refund.format()} of {held.format()} cannot go back")
    gross = held - refund
    fee = fee_of(gross, fee_basis_points)
    return Parts(refund, gross - fee, fee)


def fee_of(gross: Money, basis_points: int) -> Money:
    """The fee, rounded half to even (IEEE 754, "roundTiesToEven")."""
    return Money(_rounded(gross.minor * basis_points, BASIS_POINTS), gross.currency)


def owed_to_poster(held: Money, tasker_percent: int) -> Money:
    """What goes back of what is held if the tasker is owed this part of it: in steps that providers move."""
    step = step_of(held.currency)
    return Money(_rounded(held.minor * (100 - tasker_percent), 100 * step) * step, held.currency)


def fee_basis_points(fees: Mapping[str, int], category_id: str | None, currency: CurrencyCode) -> int:
    """The fee of a category and currency: the most exact of `category/currency`, `category`, `currency` and `*`."""
    keys = (f"{category_id}/{currency}", category_id, currency, ANY)
    return next(fees[key] for key in keys if key is not None and key in fees)


def _rounded(numerator: int, denominator: int) -> int:
    return int((Decimal(numerator) / denominator).to_integral_value(ROUND_HALF_EVEN))
