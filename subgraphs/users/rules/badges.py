"""What an account has proved, for everybody to see."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BadgeKind(StrEnum):
    """What was proved."""

    EMAIL = "EMAIL"
    IDENTITY = "IDENTITY"
    PAYMENT = "PAYMENT"


@dataclass(frozen=True, slots=True)
class Badge:
    """Something proved, and when."""

    kind: BadgeKind
    awarded_at: datetime


def is_verified(verified_at: datetime | None, verified_until: datetime | None, now: datetime) -> bool:
    """Whether an identity counts as verified. The time decides, whenever the deadline is handled."""
    return verified_at is not None and verified_until is not None and now < verified_until


def badges(
    *,
    email_verified_at: datetime | None,
    identity_verified_at: datetime | None,
    identity_verified_until: datetime | None,
    now: datetime,
) -> list[Badge]:
    """The badges of an account."""
    found = []
    if email_verified_at is not None:
        found.append(Badge(BadgeKind.EMAIL, email_verified_at))
    if identity_verified_at is not None and is_verified(identity_verified_at, identity_verified_until, now):
        found.append(Badge(BadgeKind.IDENTITY, identity_verified_at))
    return found
