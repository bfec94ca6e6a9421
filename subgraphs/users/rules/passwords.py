"""What a password must be."""

from shared.errors import DomainError, UserErrorCode

PASSWORD_LENGTH = (10, 128)
LEAST_PASSWORD_SCORE = 3
"""zxcvbn's "safely unguessable: moderate protection from offline slow-hash scenario"."""


class WeakPassword(DomainError):
    code = UserErrorCode.WEAK_PASSWORD
