"""Deleting what is too old of the log, the inbox and the idempotency keys."""

from datetime import timedelta

import asyncpg
import structlog

from shared import clock
from shared.config import Settings

log = structlog.get_logger(__name__)

_STATEMENT_SECONDS = 10

_PRUNE: dict[str, tuple[str, timedelta | None]] = {
    "stream log": (
        """DELETE FROM outbox WHERE position IN (
               SELECT position FROM outbox WHERE occurred_at < $1 AND published_at IS NOT NULL
               ORDER BY occurred_at LIMIT $2)""",
        None,
    ),
    # It must outlive every message that can be delivered again; those live as long as the log.
    "inbox": (
        """DELETE FROM inbox WHERE (consumer, event_id) IN (
               SELECT consumer, event_id FROM inbox WHERE processed_at < $1::timestamptz - interval '1 day'
               ORDER BY processed_at LIMIT $2)""",
        None,
    ),
    "idempotency keys": (
        """DELETE FROM idempotency_keys WHERE (actor_id, key) IN (
               SELECT actor_id, key FROM idempotency_keys WHERE created_at < $1
               ORDER BY created_at LIMIT $2)""",
        timedelta(hours=25),
    ),
}


async def prune(connection: asyncpg.Connection, settings: Settings, rows: int) -> bool:
    """Deletes up to `rows` of each; answers whether there may be more. Streams keep their heads."""
    more = False
    for name, (statement, keep) in _PRUNE.items():
        before = clock.now() - (keep or timedelta(days=settings.stream_retention_days))
        status = await connection.execute(statement, before, rows, timeout=_STATEMENT_SECONDS)
        deleted = int(status.rpartition(" ")[2])
        if deleted:
            log.info("pruned", what=name, rows=deleted)
        more = more or deleted == rows
    return more
