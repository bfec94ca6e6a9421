"""What amounts must be multiples of, since banks and card networks do not know each currency's smallest unit."""

from shared.amounts import step_of
from shared.money import CurrencyCode, Money
from subgraphs.payments.provider.port import Kind
from subgraphs.payments.rules import payouts


def amount_step(currency: CurrencyCode, kind: Kind) -> Money:
    """What charges, refunds and payouts in a currency must be multiples of.

    Whoever splits a charge in dinars must round the parts to ten fils; whoever pays forints or Taiwan dollars out sends
    whole ones and keeps the rest for the next time. https://docs.stripe.com/currencies, "Special cases".
    """
    return Money(payouts.step_of(currency) if kind is Kind.PAYOUT else step_of(currency), currency)
