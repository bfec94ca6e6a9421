"""What a category may be chosen for."""

from shared.errors import DomainError, UserErrorCode


class UnknownCategory(DomainError):
    code = UserErrorCode.UNKNOWN_CATEGORY
