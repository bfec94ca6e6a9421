"""Amounts as Stripe counts them: https://docs.stripe.com/currencies, "Minor units in API amounts"."""

from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import Kind, ProviderRefused
from subgraphs.payments.provider.steps import amount_step


def to_stripe(amount: Money, kind: Kind) -> int:
    """An amount in the unit in which Stripe counts it.

    Raises ProviderRefused `amount_not_a_multiple` for what Stripe cannot move, being no multiple of `amount_step`.
    """
    if amount.minor % amount_step(amount.currency, kind).minor:
        raise ProviderRefused("amount_not_a_multiple", f"{amount.currency} {amount.format()} ({kind})")
    return amount.minor * _ratio(amount.currency)


def from_stripe(counted: int, currency: str) -> Money:
    """What Stripe has counted. Raises ValueError for a currency that is none of ours.

    Only a fee can have a fraction of a króna, and it is rounded.
    """
    code = CurrencyCode(currency.upper())
    ratio = _ratio(code)
    return Money((2 * counted + ratio) // (2 * ratio), code)


def _ratio(currency: CurrencyCode) -> int:
    """Units of Stripe's to one of ours: the króna lost its fractions, but not in Stripe's API."""
    return 100 if currency is CurrencyCode.ISK else 1
