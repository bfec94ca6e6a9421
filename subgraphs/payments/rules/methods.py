"""What may be done with ways to pay. Pure: no I/O."""

from datetime import UTC, datetime, timedelta

from shared.errors import DomainError, UserErrorCode

MOST_METHODS = 10
EXPIRING_BEFORE = timedelta(days=30)
"""How long before a card ends its owner is told."""


class TooManyPaymentMethods(DomainError):
    code = UserErrorCode.TOO_MANY_PAYMENT_METHODS


class SetupNotDone(DomainError):
    code = UserErrorCode.SETUP_NOT_DONE


class PaymentMethodRequired(DomainError):
    code = UserErrorCode.PAYMENT_METHOD_REQUIRED


class PaymentMethodInUse(DomainError):
    code = UserErrorCode.PAYMENT_METHOD_IN_USE


def check_room(count: int) -> None:
    """Raises TooManyPaymentMethods for who has all that one person can have."""
    if count >= MOST_METHODS:
        raise TooManyPaymentMethods(f"You have {MOST_METHODS} cards already; remove one first.", max=MOST_METHODS)


def good_until(month: int, year: int) -> datetime:
    """When a card ends: after the last day of its month (UTC, since cards have no time zone)."""
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
