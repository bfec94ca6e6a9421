"""What people report of each other."""

from enum import StrEnum

from shared.graphql.text import clean

TEXT_LENGTH = (10, 2_000)


class ReportReason(StrEnum):
    """What somebody is reported for."""

    SPAM = "SPAM"
    FRAUD = "FRAUD"
    HARASSMENT = "HARASSMENT"
    PAYMENT_OUTSIDE = "PAYMENT_OUTSIDE"
    FALSE_IDENTITY = "FALSE_IDENTITY"
    OTHER = "OTHER"


def clean_text(text: str) -> str:
    """What happened, as somebody tells it. Raises InvalidInput."""
    least, most = TEXT_LENGTH
    return clean(text, field=("text",), min_length=least, max_length=most, multiline=True)
