"""The log of the streams: what a page of it holds, in one statement, and its entries as Kafka brings them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import structlog
from aiokafka.structs import ConsumerRecord
from prometheus_client import Counter
from pydantic import ValidationError
from sqlalchemy import ARRAY, Text, bindparam, func, literal, select, true
from sqlalchemy import cast as sql_cast

from shared.database import tables
from shared.database.db import Database
from shared.errors import CursorExpired
from shared.events import Envelope, Event, UnknownEventType, parse
from shared.faults import describe

log = structlog.get_logger(__name__)

LOG_READS = Counter("exchange_stream_log_reads_total", "Pages read from the log of a stream.")

PAGE_SIZE = 200
END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of the log; without an envelope if this process does not know its type yet."""

    seq: int
    envelope: Envelope[Event] | None


@dataclass(frozen=True, slots=True)
class Page:
    """What the log holds after a number, how far the stream was at that moment, and how often events were redacted."""

    head: int
    redactions: int
    entries: Sequence[Entry]


_outbox, _streams = tables.outbox, tables.streams
_of_stream = select(_streams.c.head, _streams.c.redactions).where(_streams.c.stream == bindparam("stream")).subquery()
_one = select(literal(1)).subquery()
_head = (
    select(
        func.coalesce(_of_stream.c.head, 0).label("head"),
        func.coalesce(_of_stream.c.redactions, 0).label("redactions"),
    )
    .select_from(_one.outerjoin(_of_stream, true()))
    .subquery("at")
)
_after = (
    select(
        _outbox.c.seq,
        sql_cast(_outbox.c.event_id, Text).label("event_id"),
        _outbox.c.type,
        sql_cast(_outbox.c.body, Text).label("body"),
        _outbox.c.occurred_at,
        _outbox.c.traceparent,
    )
    .where(_outbox.c.stream == bindparam("stream"), _outbox.c.seq > bindparam("after"))
    .order_by(_outbox.c.seq)
    .limit(bindparam("size"))
    .lateral("entry")
)
# One statement, so that head and entries are of one moment.
_READ = select(_head.c.head, _head.c.redactions, _after).select_from(_head.outerjoin(_after, true()))
_HEADS = select(_streams.c.stream, _streams.c.head, _streams.c.redactions).where(
    _streams.c.stream == func.any(bindparam("streams", type_=ARRAY(Text)))
)


# head, redactions, seq (None without entries), event id, type, body, time, traceparent
_LogRow = tuple[int, int, int | None, str, str, str, datetime, str | None]


async def read_page(database: Database, stream: str, after: int) -> Page:
    """What the log holds after `after`, PAGE_SIZE events at most; only where it is for END.

    Raises ServiceUnavailable.
    """
    size = 0 if after == END else PAGE_SIZE
    rows = cast("Sequence[_LogRow]", await database.fetch(_READ, {"stream": stream, "after": after, "size": size}))
    LOG_READS.inc()
    head, redactions = rows[0][:2]
    entries = [
        _entry(stream, seq, id_, type_, body, at, trace)
        for _, _, seq, id_, type_, body, at, trace in rows
        if seq is not None
    ]
    return Page(head, redactions, entries)


async def read_heads(database: Database, streams: Sequence[str]) -> Sequence[tuple[str, int, int]]:
    """How far each stream is, and how often its events were redacted. Raises ServiceUnavailable."""
    rows = await database.fetch(_HEADS, {"streams": list(streams)})
    return cast("Sequence[tuple[str, int, int]]", rows)


def contiguous(page: Page, after: int) -> Sequence[Entry]:
    """The page's entries. Raises CursorExpired if the first of them, or one between, has been deleted."""
    expected = after
    for entry in page.entries:
        expected += 1
        if entry.seq != expected:
            raise _expired()
    if not page.entries and page.head > after:
        raise _expired()
    return page.entries


def _expired() -> CursorExpired:
    return CursorExpired("The events after this number are not kept any more; read anew and start from now.")


def _entry(
    stream: str, seq: int, id_: str, type_: str, body: str | bytes, occurred_at: datetime, trace: str | None
) -> Entry:
    try:
        event = parse(type_, body)
    except UnknownEventType:
        # Written by a newer release; this one's followers have no name for it.
        return Entry(seq, None)
    except ValidationError as error:
        log.error("event cannot be read", type=type_, stream=stream, seq=seq, error=describe(error))
        return Entry(seq, None)
    return Entry(seq, Envelope(event, id_, seq, stream, occurred_at, trace))


def entry_of(stream: str, record: ConsumerRecord) -> Entry | None:
    """The entry that a message of Kafka carries; None for a message that is none of this system's."""
    try:
        headers = {name: value.decode() for name, value in record.headers}
        return _entry(
            stream,
            int(headers["seq"]),
            headers["ce_id"],
            headers["ce_type"],
            record.value or b"",
            datetime.fromisoformat(headers["ce_time"]),
            headers.get("traceparent"),
        )
    except (KeyError, ValueError, AttributeError):
        log.warning("foreign message", topic=record.topic, partition=record.partition, offset=record.offset)
        return None
