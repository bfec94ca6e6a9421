"""The kinds of transactions that people see."""

from enum import StrEnum


class Kind(StrEnum):
    """What a transaction of a person is."""

    CHARGE = "CHARGE"
    REFUND = "REFUND"
    REFUND_RETURNED = "REFUND_RETURNED"
    """A refund could not be delivered: we owe it again."""
    EARNING = "EARNING"
    TIP_PAID = "TIP_PAID"
    TIP_RECEIVED = "TIP_RECEIVED"
    PAYOUT = "PAYOUT"
    PAYOUT_RETURNED = "PAYOUT_RETURNED"
    RECOVERY = "RECOVERY"
    """The tasker paid for a loss of the platform."""


def receipt_number(number: int) -> str:
    """The number of a receipt as it is written: `R-00000042`."""
    return f"R-{number:08}"
