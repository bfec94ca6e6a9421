"""What a password must be."""

from shared.errors import DomainError, UserErrorCode
from subgraphs.users.rules.sessions import InvalidCredentials

PASSWORD_LENGTH = (10, 128)
LEAST_PASSWORD_SCORE = 3
"""zxcvbn's "safely unguessable: moderate protection from offline slow-hash scenario"."""


class WeakPassword(DomainError):
    code = UserErrorCode.WEAK_PASSWORD


def wrong_password(field: str) -> InvalidCredentials:
    """The answer to somebody signed in who does not know the account's password; `field` is where it came in."""
    return InvalidCredentials("This is not your password.", field=(field,))
