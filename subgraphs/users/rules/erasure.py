"""When an account can be erased."""

from shared.errors import DomainError, UserErrorCode

REASON_LENGTH = (3, 500)


class AccountHasOpenEngagements(DomainError):
    code = UserErrorCode.ACCOUNT_HAS_OPEN_ENGAGEMENTS


def check_free(has_open_engagements: bool) -> None:
    """Raises AccountHasOpenEngagements while somebody counts on the person, or the other way round."""
    if has_open_engagements:
        raise AccountHasOpenEngagements("A task is still to be done or called off, by this person or for them.")
