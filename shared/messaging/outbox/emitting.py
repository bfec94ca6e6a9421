"""Writing an event into the outbox, in the transaction of what it tells."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from shared import clock
from shared.events import Event
from shared.telemetry import current_traceparent

_MAX_BODY_BYTES = 500_000

# The head's row lock is taken before the position is drawn, so a stream's positions ascend with its seq.
_EMIT = text("""
    WITH head AS (
        INSERT INTO streams (stream, head) VALUES (:stream, 1)
        ON CONFLICT (stream) DO UPDATE SET head = streams.head + 1
        RETURNING head
    )
    INSERT INTO outbox (stream, seq, event_id, type, topic, body, traceparent, occurred_at)
    SELECT :stream, head, CAST(:event_id AS uuid), :type, :topic, CAST(:body AS jsonb), :traceparent,
           :occurred_at
    FROM head
    RETURNING seq, CAST(pg_notify('outbox', '') AS text)
""")


async def emit(session: AsyncSession, event: Event) -> int:
    """Writes an event into the outbox of this transaction; answers its seq in its stream.

    Locks the stream's head row until commit, so that number order is commit order. A rollback leaves no
    gap. Emit late in a transaction, and to several streams in sorted order: two transactions that take
    two streams in opposite order deadlock, and PostgreSQL ends one of them. Raises ValueError for a body
    that no broker would take.
    """
    body = event.model_dump_json()
    if len(body) > _MAX_BODY_BYTES:
        # The broker would refuse it, and the relay would stand still before it for ever.
        raise ValueError(f"{event.type} with {len(body)} characters is too large for an event")
    result = await session.execute(
        _EMIT,
        {
            "stream": event.stream,
            "event_id": str(uuid7()),
            "type": event.type,
            "topic": event.topic,
            "body": body,
            "traceparent": current_traceparent(),
            "occurred_at": clock.now(),
        },
    )
    return int(result.scalar_one())
