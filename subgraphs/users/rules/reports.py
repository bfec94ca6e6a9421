"""What people report of each other."""

from enum import StrEnum

TEXT_LENGTH = (10, 2_000)


class ReportReason(StrEnum):
    """What somebody is reported for."""

    SPAM = "SPAM"
    FRAUD = "FRAUD"
    HARASSMENT = "HARASSMENT"
    PAYMENT_OUTSIDE = "PAYMENT_OUTSIDE"
    FALSE_IDENTITY = "FALSE_IDENTITY"
    OTHER = "OTHER"
