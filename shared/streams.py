"""Subscriptions that lose nothing: the events of a stream after a number, then live.

A follower is no queue but a place in its stream: it always looks for the event with the next number, in
the memory of what came last (shared by all followers of the stream), else in the log. No repeat, no gap
and no wrong order can come out of that, whatever the tail delivers, skips or repeats. A follower that is
too slow finds that its next event has left the memory, and reads the log again.

What wakes followers is the tail, a Kafka consumer without a group. Behind it an audit asks the database
every few seconds, in one statement, how far each followed stream is: events arrive even without Kafka.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter, Gauge
from pydantic import ValidationError
from sqlalchemy import ARRAY, Text, bindparam, func, literal, select, true
from sqlalchemy import cast as sql_cast

from shared import background, tables
from shared.config import Settings
from shared.db import Database
from shared.errors import BadRequest, CursorExpired, RequestError, ServerShutdown, ServiceUnavailable
from shared.events import Envelope, Event, UnknownEventType, parse
from shared.faults import describe
from shared.kafka import Backoff, ensure_topics, start_consumer, stop_consumer, topic_name

log = structlog.get_logger(__name__)

FOLLOWERS = Gauge("exchange_stream_followers", "Live subscriptions of streams.")
LOG_READS = Counter("exchange_stream_log_reads_total", "Pages read from the log of a stream.")
TAIL_CONNECTED = Gauge("exchange_stream_tail_connected", "1 while the Kafka tail delivers.")
AUDIT_FINDINGS = Counter("exchange_stream_audit_findings_total", "Streams whose events the tail did not bring.")

Check = Callable[[], RequestError | None]

_PAGE_SIZE = 200
_CACHED_PAGES = 4
_KEPT_ENTRIES = 32
_END = 2**63 - 1
_SWEEP_SECONDS = 1.0
_AUDIT_SECONDS = 5.0
_AUDIT_GRACE_SECONDS = 0.25
_CONCURRENT_READS = 2
_TAIL_BATCH = 500


@dataclass(frozen=True, slots=True)
class _Entry:
    """One event of the log; without an envelope if this process does not know its type yet."""

    seq: int
    envelope: Envelope[Event] | None


@dataclass(frozen=True, slots=True)
class _Page:
    """What the log holds after a number, and how far the stream was at that moment."""

    head: int
    entries: Sequence[_Entry]


class _Follower:
    """One subscription; `end` says why it is over."""

    __slots__ = ("check", "cursor", "end", "waiter")

    def __init__(self, check: Check | None) -> None:
        self.check = check
        self.cursor = 0
        self.end: RequestError | None = None
        self.waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def wait(self, timeout: float | None = None) -> None:
        self.waiter = asyncio.get_running_loop().create_future()
        try:
            if timeout is None:
                await self.waiter
            else:
                await asyncio.wait([self.waiter], timeout=timeout)
        finally:
            self.waiter = None


@dataclass(slots=True, eq=False)
class _Channel:
    """A stream that is followed in this process."""

    stream: str
    capacity: int
    recent: deque[_Entry] = field(default_factory=deque)
    """The newest events, numbered without gaps."""
    head: int = 0
    """The highest number known; the recent events may lag behind it."""
    followers: set[_Follower] = field(default_factory=set)
    reading: dict[int, asyncio.Task[_Page]] = field(default_factory=dict)
    redactions: int = 0
    """How often events of the stream had been redacted when it was looked at last."""
    pages: OrderedDict[int, _Page] = field(default_factory=OrderedDict)
    """Full pages by the number that they start after: many followers catch up through the same ones."""

    def find(self, seq: int) -> _Entry | None:
        if not self.recent:
            return None
        index = seq - self.recent[0].seq
        return self.recent[index] if 0 <= index < len(self.recent) else None

    def append(self, entry: _Entry) -> None:
        """Takes an event from the tail, which may repeat or skip some."""
        if self.recent and entry.seq <= self.recent[-1].seq:
            return
        if self.recent and entry.seq != self.recent[-1].seq + 1:
            self.recent.clear()
        self.recent.append(entry)
        self._cut(self.capacity)

    def learn(self, page: _Page) -> None:
        """Keeps what the newest page of the log holds, so that followers beside it need not read it."""
        entries = page.entries
        if entries and entries[-1].seq >= page.head:
            first, last = (self.recent[0].seq, self.recent[-1].seq) if self.recent else (0, 0)
            if entries[-1].seq > last:
                if entries[0].seq > last + 1:
                    self.recent.clear()
                self.recent.extend(entry for entry in entries if entry.seq > last)
            elif entries[-1].seq >= first - 1:
                self.recent.extendleft(entry for entry in reversed(entries) if entry.seq < first)
            self._cut(self.capacity)
        self.reached(page.head)

    def reached(self, head: int) -> None:
        """Wakes the followers if the stream is further than they know."""
        if head > self.head:
            self.head = head
            for follower in self.followers:
                follower.wake()

    def redacted(self, redactions: int) -> None:
        """Drops what is remembered if events were redacted since; it is read anew for whoever needs it."""
        if redactions > self.redactions:
            self.redactions = redactions
            self.recent.clear()
            self.pages.clear()

    def trim(self) -> None:
        """Gives memory back once everybody has everything; a little stays for those who reconnect."""
        if (self.pages or len(self.recent) > _KEPT_ENTRIES) and all(
            follower.cursor >= self.head for follower in self.followers
        ):
            self.pages.clear()
            self._cut(_KEPT_ENTRIES)

    def _cut(self, size: int) -> None:
        while len(self.recent) > size:
            self.recent.popleft()


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


class StreamHub:
    """The followers of one process and what feeds them."""

    def __init__(self, database: Database, settings: Settings, topics: Sequence[str] = ()) -> None:
        self._database = database
        self._settings = settings
        self._topics = topics
        self._channels: dict[str, _Channel] = {}
        self._reads = asyncio.Semaphore(_CONCURRENT_READS)
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False
        self._audit_now = asyncio.Event()
        self.tail_connected = False
        """Whether events arrive by Kafka; without it they arrive by the audit, up to a second late."""

    @property
    def healthy(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def followers(self) -> int:
        return sum(len(channel.followers) for channel in self._channels.values())

    async def start(self) -> None:
        """Starts the tail, the audit and the sweep; waits for neither PostgreSQL nor Kafka."""
        self._closed = False
        works = [self._audit, self._sweep, *([self._tail] if self._topics else [])]
        self._tasks = [asyncio.create_task(self._supervise(work), name=work.__name__) for work in works]

    async def stop(self) -> None:
        await self.shutdown()
        await background.end(*self._tasks, again_seconds=5)
        self._tasks = []

    async def shutdown(self) -> None:
        """Ends every follower with ServerShutdown and takes no new ones."""
        self._closed = True
        for channel in list(self._channels.values()):
            for follower in list(channel.followers):
                self._end(follower, _shutdown())

    async def follow(
        self, stream: str, after: int | None, *, check: Check | None = None
    ) -> AsyncGenerator[Envelope[Event], None]:
        """The events of `stream` after number `after`, in order and without gaps, then live, without end.

        `after` None: from now on. `check` is asked about every second whether the follower may go on; what
        it answers ends the iteration within two seconds, also while nothing happens. It must be quick.

        Raises CursorExpired if the log does not reach back to `after`, BadRequest if the stream is not
        that far, ServiceUnavailable if the start cannot be read, ServerShutdown at the end of the process,
        and what `check` answers. Later faults of database or Kafka only delay events.
        """
        if after is not None and after < 0:
            raise BadRequest("`after` is a number of 0 or more.")
        if self._closed:
            raise _shutdown()
        follower = _Follower(check)
        channel = self._attach(stream, follower)
        try:
            follower.cursor = await self._start_of(channel, after)
            backoff = Backoff()
            while True:
                if follower.end is not None:
                    raise follower.end
                entry = channel.find(follower.cursor + 1)
                if entry is not None:
                    follower.cursor = entry.seq
                    if entry.envelope is not None:
                        yield entry.envelope
                elif channel.head > follower.cursor:
                    try:
                        page = await self._page(channel, follower.cursor)
                    except ServiceUnavailable:
                        await follower.wait(backoff.next())
                        continue
                    entries = _contiguous(page, follower.cursor)
                    if not entries:
                        # Only a database that is behind its own events (restored from a copy) can be here.
                        await follower.wait(backoff.next())
                        continue
                    backoff.reset()
                    for entry in entries:
                        if follower.end is not None:
                            break
                        follower.cursor = entry.seq
                        if entry.envelope is not None:
                            yield entry.envelope
                else:
                    await follower.wait()
        finally:
            self._detach(channel, follower)

    def _attach(self, stream: str, follower: _Follower) -> _Channel:
        channel = self._channels.get(stream)
        if channel is None:
            channel = self._channels[stream] = _Channel(stream, self._settings.follower_queue_size)
        channel.followers.add(follower)
        FOLLOWERS.inc()
        return channel

    def _detach(self, channel: _Channel, follower: _Follower) -> None:
        channel.followers.discard(follower)
        FOLLOWERS.dec()
        if not channel.followers and self._channels.get(channel.stream) is channel:
            del self._channels[channel.stream]

    def _end(self, follower: _Follower, reason: RequestError) -> None:
        if follower.end is None:
            follower.end = reason
            follower.wake()

    async def _start_of(self, channel: _Channel, after: int | None) -> int:
        if after is None:
            page = await self._page(channel, _END)
            return page.head
        if channel.find(after) is not None or channel.find(after + 1) is not None:
            return after
        page = await self._page(channel, after)
        if after > page.head:
            raise BadRequest(f"The stream is at {page.head}, not yet at {after}.")
        _contiguous(page, after)
        return after

    async def _page(self, channel: _Channel, after: int) -> _Page:
        """What the log holds after `after`; followers that ask at the same time share one statement.

        Raises ServiceUnavailable.
        """
        if page := channel.pages.get(after):
            # Thousands may catch up at once, and others want to run meanwhile.
            await asyncio.sleep(0)
            return page
        reading = channel.reading.get(after)
        if reading is None:
            reading = asyncio.create_task(self._read(channel, after))
            channel.reading[after] = reading
            reading.add_done_callback(lambda done: _forget(channel, after, done))
        # Shielded: who asked first may go away while the others wait.
        return await asyncio.shield(reading)

    async def _read(self, channel: _Channel, after: int) -> _Page:
        size = 0 if after == _END else _PAGE_SIZE
        async with self._reads:
            rows = cast(
                "Sequence[_LogRow]",
                await self._database.fetch(_READ, {"stream": channel.stream, "after": after, "size": size}),
            )
        LOG_READS.inc()
        head = rows[0][0]
        entries = [
            _entry(channel.stream, seq, id_, type_, body, at, trace)
            for _, _, seq, id_, type_, body, at, trace in rows
            if seq is not None
        ]
        page = _Page(head, entries)
        redactions = rows[0][1]
        channel.redacted(redactions)
        if redactions < channel.redactions:
            # Read before a redaction: good for who asked before it, not to be remembered.
            return page
        channel.learn(page)
        if len(entries) == _PAGE_SIZE:
            channel.pages[after] = page
            while len(channel.pages) > _CACHED_PAGES:
                channel.pages.popitem(last=False)
        return page

    async def _supervise(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        backoff = Backoff()
        with suppress_instrumentation():
            while True:
                started = time.monotonic()
                try:
                    await work()
                except ServiceUnavailable:
                    pass
                except (KafkaError, TimeoutError, OSError) as error:
                    log.warning("stream hub interrupted", work=work.__name__, error=repr(error))
                except Exception:
                    log.exception("stream hub failed", work=work.__name__)
                if time.monotonic() - started > 10:
                    backoff.reset()
                await backoff.wait()

    async def _tail(self) -> None:
        """Hands what Kafka brings to the followers, until Kafka breaks.

        It starts at the end of the topics, and again there after a break: what lies between is for the
        audit to find.
        """
        await ensure_topics(self._settings, self._topics)
        names = [topic_name(self._settings, topic) for topic in self._topics]
        consumer = await start_consumer(self._settings, *names, offset_reset="latest")
        try:
            async with asyncio.timeout(15):
                await consumer.seek_to_end()
            self.tail_connected = True
            TAIL_CONNECTED.set(1)
            self._audit_now.set()
            while True:
                for records in (await consumer.getmany(timeout_ms=1000, max_records=_TAIL_BATCH)).values():
                    self._deliver(records)
        finally:
            self.tail_connected = False
            TAIL_CONNECTED.set(0)
            await stop_consumer(consumer)

    def _deliver(self, records: Iterable[ConsumerRecord]) -> None:
        reached: dict[_Channel, int] = {}
        for record in records:
            # Most streams are followed by nobody here; those cost no more than this.
            channel = self._channels.get((record.key or b"").decode(errors="replace"))
            if channel is not None and (entry := _entry_of(channel.stream, record)):
                channel.append(entry)
                reached[channel] = entry.seq
        for channel, seq in reached.items():
            channel.reached(seq)

    async def _audit(self) -> None:
        """Finds what the tail did not bring."""
        while True:
            found = await self._audit_once()
            often = found or not self.tail_connected
            self._audit_now.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0 if often else _AUDIT_SECONDS):
                    await self._audit_now.wait()

    async def _audit_once(self) -> bool:
        if not self._channels:
            return False
        rows = cast(
            "Sequence[tuple[str, int, int]]",
            await self._database.fetch(_HEADS, {"streams": list(self._channels)}),
        )
        for stream, _, redactions in rows:
            if channel := self._channels.get(stream):
                channel.redacted(redactions)
        behind = [(stream, head) for stream, head, _ in rows if self._is_behind(stream, head)]
        if behind:
            # Most of these are on their way.
            await asyncio.sleep(_AUDIT_GRACE_SECONDS)
            behind = [(stream, head) for stream, head in behind if self._is_behind(stream, head)]
        for stream, head in behind:
            AUDIT_FINDINGS.inc()
            self._channels[stream].reached(head)
        return bool(behind)

    def _is_behind(self, stream: str, head: int) -> bool:
        channel = self._channels.get(stream)
        return channel is not None and channel.head < head

    async def _sweep(self) -> None:
        """Ends followers whose right to follow has ended, and gives memory back."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for channel in list(self._channels.values()):
                for follower in list(channel.followers):
                    if reason := _refusal(follower):
                        self._end(follower, reason)
                channel.trim()


def _forget(channel: _Channel, after: int, reading: asyncio.Task[_Page]) -> None:
    channel.reading.pop(after, None)
    if not reading.cancelled():
        # Looked at here, since everybody who waited for it may have gone.
        reading.exception()


def _refusal(follower: _Follower) -> RequestError | None:
    try:
        return follower.check() if follower.check is not None else None
    except Exception:
        # One follower's mistake must not keep the others from being checked.
        log.exception("check of a follower failed")
        return ServiceUnavailable("The right to follow cannot be checked at the moment.")


def _shutdown() -> ServerShutdown:
    return ServerShutdown("The server is going away; connect again with the last `seq` as `after`.")


def _contiguous(page: _Page, after: int) -> Sequence[_Entry]:
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
) -> _Entry:
    try:
        event = parse(type_, body)
    except UnknownEventType:
        # Written by a newer release; this one's followers have no name for it.
        return _Entry(seq, None)
    except ValidationError as error:
        log.error("event cannot be read", type=type_, stream=stream, seq=seq, error=describe(error))
        return _Entry(seq, None)
    return _Entry(seq, Envelope(event, id_, seq, stream, occurred_at, trace))


def _entry_of(stream: str, record: ConsumerRecord) -> _Entry | None:
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
