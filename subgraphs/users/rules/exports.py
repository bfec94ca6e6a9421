"""When a person gets their data, and how long it can be read."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import DomainError, UserErrorCode

LIFETIME = timedelta(days=7)
"""How long an export can be read."""
PATIENCE = timedelta(days=1)
"""How long the subgraphs may take: one that is down for hours only delays an export."""


class Status(StrEnum):
    """Where a data export stands."""

    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


class ExportInProgress(DomainError):
    code = UserErrorCode.EXPORT_IN_PROGRESS


def missing(expected: Collection[str], parts: Mapping[str, tuple[int, int | None]]) -> list[str]:
    """The subgraphs whose answer is not whole yet.

    `parts` tells for each how many there are and the number of its last one, if that has come.
    """
    return sorted(name for name in expected if name not in parts or parts[name][0] != parts[name][1])


def next_look(status: Status, requested_at: datetime, expires_at: datetime) -> datetime:
    """When time changes an export next: a pending one fails, any other is deleted."""
    return min(requested_at + PATIENCE, expires_at) if status is Status.PENDING else expires_at
