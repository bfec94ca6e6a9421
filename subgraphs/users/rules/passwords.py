"""What a password must be."""

from shared.errors import DomainError, UserErrorCode
from subgraphs.users.rules.sessions import InvalidCredentials

PASSWORD_LENGTH = (10, 128)
LEAST_PASSWORD_SCORE = 3
"""zxcvbn's "safely unguessable: moderate protection from offline slow-hash scenario"."""


class WeakPassword(DomainError):
    code = UserErrorCode.WEAK_PASSWORD


def wrong_password() -> InvalidCredentials:
    """The answer to somebody signed in who does not know the present password."""
    return InvalidCredentials("This is not your present password.", field=("currentPassword",))
