"""Codes that come by mail and show that whoever has one reads the account's mail."""

from datetime import timedelta
from enum import StrEnum

from shared.errors import DomainError, UserErrorCode


class Purpose(StrEnum):
    """What a code is good for, and nothing else."""

    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105  # a purpose, not a password


LIFETIMES = {
    Purpose.VERIFY_EMAIL: timedelta(hours=24),
    Purpose.RESET_PASSWORD: timedelta(minutes=30),
}


class InvalidToken(DomainError):
    code = UserErrorCode.INVALID_TOKEN


def invalid_token() -> InvalidToken:
    """The one answer to every code that does not hold, whatever is wrong with it."""
    return InvalidToken("This link does not hold any more; ask for a new one.", field=("token",))
