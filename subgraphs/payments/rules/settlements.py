"""When what is open with the provider is looked at again."""

from datetime import timedelta
from enum import StrEnum

LEASE = timedelta(seconds=60)
"""How long one try may take; longer than the longest wait for the provider's answers."""
LONG_LEASE = timedelta(hours=2)
"""The same for what reads days of movements."""


class Kind(StrEnum):
    """What is brought together with the provider."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"
    PAYOUT = "PAYOUT"
    PAYOUT_ACCOUNT = "PAYOUT_ACCOUNT"
    DISPUTE = "DISPUTE"
    PAYMENT_METHOD = "PAYMENT_METHOD"
    BOOKS = "BOOKS"
    """All of them: the comparison of every day."""


_LONGEST = timedelta(hours=1)


def pause(attempts: int) -> timedelta:
    """How long to wait for a webhook before the provider is asked again: doubled each time, up to an hour."""
    return min(timedelta(seconds=1 << min(attempts - 1, 20)), _LONGEST)
