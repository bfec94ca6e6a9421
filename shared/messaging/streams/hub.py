"""The followers of a process, and what feeds them: the tail, the log and the audit."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence

import structlog
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Counter, Gauge

from shared import background
from shared.background import Backoff
from shared.config import Settings
from shared.database.db import Database
from shared.errors import BadRequest, RequestError, ServerShutdown, ServiceUnavailable
from shared.events import Envelope, Event
from shared.messaging.kafka import ensure_topics, start_consumer, stop_consumer, topic_name
from shared.messaging.streams.channel import Channel, Check, Follower
from shared.messaging.streams.log import END, PAGE_SIZE, Page, contiguous, entry_of, read_heads, read_page

log = structlog.get_logger(__name__)

FOLLOWERS = Gauge("exchange_stream_followers", "Live subscriptions of streams.")
TAIL_CONNECTED = Gauge("exchange_stream_tail_connected", "1 while the Kafka tail delivers.")
AUDIT_FINDINGS = Counter("exchange_stream_audit_findings_total", "Streams whose events the tail did not bring.")

_CACHED_PAGES = 4
_SWEEP_SECONDS = 1.0
_AUDIT_SECONDS = 5.0
_AUDIT_GRACE_SECONDS = 0.25
_CONCURRENT_READS = 2
_TAIL_BATCH = 500


class StreamHub:
    """The followers of one process and what feeds them."""

    def __init__(self, database: Database, settings: Settings, topics: Sequence[str] = ()) -> None:
        self._database = database
        self._settings = settings
        self._topics = topics
        self._channels: dict[str, Channel] = {}
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
        follower = Follower(check)
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
                    entries = contiguous(page, follower.cursor)
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

    def _attach(self, stream: str, follower: Follower) -> Channel:
        channel = self._channels.get(stream)
        if channel is None:
            channel = self._channels[stream] = Channel(stream, self._settings.follower_queue_size)
        channel.followers.add(follower)
        FOLLOWERS.inc()
        return channel

    def _detach(self, channel: Channel, follower: Follower) -> None:
        channel.followers.discard(follower)
        FOLLOWERS.dec()
        if not channel.followers and self._channels.get(channel.stream) is channel:
            del self._channels[channel.stream]

    def _end(self, follower: Follower, reason: RequestError) -> None:
        if follower.end is None:
            follower.end = reason
            follower.wake()

    async def _start_of(self, channel: Channel, after: int | None) -> int:
        if after is None:
            page = await self._page(channel, END)
            return page.head
        if channel.find(after) is not None or channel.find(after + 1) is not None:
            return after
        page = await self._page(channel, after)
        if after > page.head:
            raise BadRequest(f"The stream is at {page.head}, not yet at {after}.")
        contiguous(page, after)
        return after

    async def _page(self, channel: Channel, after: int) -> Page:
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

    async def _read(self, channel: Channel, after: int) -> Page:
        async with self._reads:
            page = await read_page(self._database, channel.stream, after)
        channel.redacted(page.redactions)
        if page.redactions < channel.redactions:
            # Read before a redaction: good for who asked before it, not to be remembered.
            return page
        channel.learn(page)
        if len(page.entries) == PAGE_SIZE:
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
        reached: dict[Channel, int] = {}
        for record in records:
            # Most streams are followed by nobody here; those cost no more than this.
            channel = self._channels.get((record.key or b"").decode(errors="replace"))
            if channel is not None and (entry := entry_of(channel.stream, record)):
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
        rows = await read_heads(self._database, list(self._channels))
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


def _forget(channel: Channel, after: int, reading: asyncio.Task[Page]) -> None:
    channel.reading.pop(after, None)
    if not reading.cancelled():
        # Looked at here, since everybody who waited for it may have gone.
        reading.exception()


def _refusal(follower: Follower) -> RequestError | None:
    try:
        return follower.check() if follower.check is not None else None
    except Exception:
        # One follower's mistake must not keep the others from being checked.
        log.exception("check of a follower failed")
        return ServiceUnavailable("The right to follow cannot be checked at the moment.")


def _shutdown() -> ServerShutdown:
    return ServerShutdown("The server is going away; connect again with the last `seq` as `after`.")
