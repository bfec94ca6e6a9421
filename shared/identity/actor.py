"""The person behind a request. Pure, so that rules may know it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MARKETPLACE = "marketplace"
SUPPORT = "support"
ADMIN = "admin"


class Role(StrEnum):
    """What a person may be in the marketplace; one person can hold several."""

    POSTER = "POSTER"
    TASKER = "TASKER"
    SUPPORT = "SUPPORT"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a request, as their verified token tells."""

    id: str
    session_id: str
    roles: frozenset[Role]
    scopes: frozenset[str]
    expires_at: datetime
    key_id: str = ""
    """The key that the token was signed with."""
