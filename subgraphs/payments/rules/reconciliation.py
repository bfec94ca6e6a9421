"""Comparing the books with the provider. Pure: no I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.money import CurrencyCode

HOUR = 3
"""At three in the morning, UTC: when it is done by itself."""
PERIOD = timedelta(days=3)
"""How far back what moved is compared, each day."""
LOOK_BACK = timedelta(days=14)
"""How much earlier one side may have moved than the other: a payout arrives days after it left."""
SETTLING = timedelta(minutes=15)
"""What moved less than so long ago may not have been told yet."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How much an object moved our balance at the provider, as one side says."""

    object_id: str
    currency: CurrencyCode
    minor: int
    last_at: datetime
    subject_id: str | None = None
    """What it is here, where the books say so."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An object of which the two say something else."""

    object_id: str
    currency: CurrencyCode
    subject_id: str | None
    provider_minor: int
    ledger_minor: int


def compare(
    provider: Mapping[str, Moved],
    books: Mapping[str, Moved],
    pending: Collection[str],
    since: datetime,
    until: datetime,
) -> list[Difference]:
    """What differs of all that moved in this time; `pending` are the objects of which something is still open."""
    found = []
    for object_id in sorted(provider.keys() | books.keys()):
        theirs, ours = provider.get(object_id), books.get(object_id)
        known = [each for each in (theirs, ours) if each is not None]
        last_at = max(each.last_at for each in known)
        if object_id in pending or not since <= last_at < until - SETTLING:
            continue
        theirs_minor, ours_minor = theirs.minor if theirs else 0, ours.minor if ours else 0
        if theirs_minor != ours_minor:
            subject_id = ours.subject_id if ours else None
            found.append(Difference(object_id, known[0].currency, subject_id, theirs_minor, ours_minor))
    return found


def next_run(now: datetime) -> datetime:
    """When it is done next by itself."""
    today = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
