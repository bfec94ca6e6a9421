"""The languages of the product."""

from enum import StrEnum


class Locale(StrEnum):
    """The languages that people are written to in."""

    EN = "EN"
    TH = "TH"
