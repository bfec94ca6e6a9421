"""What a category may be chosen for."""

from shared.errors import DomainError, UserErrorCode


class UnknownCategory(DomainError):
    code = UserErrorCode.UNKNOWN_CATEGORY


def check_lower(parent_id: str | None) -> None:
    """Raises UnknownCategory for a category of the upper level, and for one that there is not: both have no parent."""
    if parent_id is None:
        raise UnknownCategory("Choose one of the subcategories.", field=("categoryId",))
