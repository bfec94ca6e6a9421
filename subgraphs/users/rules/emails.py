"""When an account's e-mail address becomes verified."""

from datetime import datetime

from shared.errors import DomainError, UserErrorCode
from shared.transitions import next_status
from subgraphs.users.rules.accounts import TRANSITIONS, Command, Status


class EmailAlreadyVerified(DomainError):
    code = UserErrorCode.EMAIL_ALREADY_VERIFIED


def status_once_verified(status: Status, verified_at: datetime | None) -> Status:
    """The status of an account whose address turns out to be its owner's.

    Raises EmailAlreadyVerified, InvalidTransition for a suspended or erased account.
    """
    if verified_at is not None:
        raise EmailAlreadyVerified("The e-mail address is verified already.")
    # Opened through an identity provider that vouches for the person and not for the address.
    if status is Status.ACTIVE:
        return status
    return next_status(TRANSITIONS, status, Command.VERIFY_EMAIL)
