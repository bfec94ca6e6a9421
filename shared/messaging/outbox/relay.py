"""The relay: publishes to Kafka what stands in the outbox."""

import asyncio
import contextlib
import random
import time
import zlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from opentelemetry.instrumentation.utils import suppress_instrumentation
from prometheus_client import Gauge

from shared import background, clock
from shared.background import Backoff
from shared.config import Settings
from shared.database.db import Database, is_unavailable
from shared.messaging.kafka import Headers, discard_producer, ensure_topics, start_producer, topic_name
from shared.messaging.outbox.pruning import prune

log = structlog.get_logger(__name__)

UNPUBLISHED = Gauge("exchange_relay_unpublished", "Events that the broker has not acknowledged.")
LAG_SECONDS = Gauge("exchange_relay_lag_seconds", "Age of the oldest event that is not published.")
LEADER = Gauge("exchange_relay_leader", "1 in the process whose relay publishes for this database.")


@dataclass(frozen=True, slots=True)
class _Message:
    position: int
    key: bytes
    value: bytes
    headers: Headers


_NEXT = """
    SELECT position, stream, seq, event_id::text, type, topic, body::text, traceparent, occurred_at
    FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT $1
"""
_MARK = "UPDATE outbox SET published_at = now() WHERE position = ANY($1::bigint[])"
_BACKLOG = """
    SELECT count(*), (SELECT occurred_at FROM outbox WHERE published_at IS NULL ORDER BY position LIMIT 1)
    FROM (SELECT FROM outbox WHERE published_at IS NULL LIMIT 100000) AS unpublished
"""

_TRY_LOCK = "SELECT pg_try_advisory_lock($1)"
_LOCK = zlib.crc32(b"exchange relay")
_STATEMENT_SECONDS = 10
_POLL_SECONDS = 1.0
_PUBLISH_SECONDS = 20
_MEASURE_SECONDS = 5.0


class _ConnectionLost(ConnectionError):
    """The connection that holds the lock has gone, and the lock with it."""


class Relay:
    """Publishes the outbox of one database to Kafka; of all processes that run one, one at a time works.

    Repeats rather than loses: a message may be published twice after a crash, always in the stream's order.
    """

    batch_size = 1000
    prune_rows = 500
    prune_seconds = 60.0

    def __init__(self, database: Database, settings: Settings, topics: Sequence[str] = ()) -> None:
        self._database = database
        self._settings = settings
        self._topics = topics
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._partitioner = DefaultPartitioner()
        self._ensured_topics: set[str] = set()
        self._publishing = False
        self.leading = False
        """Whether this process holds the lock and publishes."""
        self.failure: str | None = "starting"
        """Why nothing is published at the moment, if so."""

    @property
    def healthy(self) -> bool:
        return self._task is not None and not self._task.done() and self.failure is None

    async def start(self) -> None:
        """Starts publishing; waits for neither PostgreSQL nor Kafka."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._supervise(), name="relay")

    async def stop(self) -> None:
        """Ends after the batch at hand, which the broker has a few seconds to acknowledge."""
        self._stopping.set()
        self._wake.set()
        if self._task is None:
            return
        await background.end(self._task, grace_seconds=5 if self._publishing else 0, again_seconds=5)
        self._task = None

    async def _supervise(self) -> None:
        backoff = Backoff()
        try:
            with suppress_instrumentation():
                while not self._stopping.is_set():
                    started = time.monotonic()
                    try:
                        await self._lead()
                    except Exception as error:
                        self._failed(error)
                        await self._drop_producer()
                        if time.monotonic() - started > 10:
                            backoff.reset()
                        await self._pause(backoff.next())
        finally:
            await self._drop_producer()

    def _failed(self, error: Exception) -> None:
        self.failure = type(error).__name__
        if is_unavailable(error) or isinstance(error, KafkaError | _ConnectionLost):
            log.warning("relay interrupted", error=repr(error))
        else:
            log.error("relay failed", exc_info=error)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _lead(self) -> None:
        """Waits for the lock, then publishes until something breaks or the end."""
        connection = await self._database.listen()
        work = watch = None
        try:
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _: lost.set())
            # A machine that vanished without a word must not hold the lock for hours.
            await connection.execute(
                "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;"
                "SET application_name = 'exchange-relay'",
                timeout=_STATEMENT_SECONDS,
            )
            work = asyncio.create_task(self._work(connection), name="relay work")
            watch = asyncio.create_task(lost.wait())
            await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise _ConnectionLost
            work.result()
        finally:
            await background.end(*(task for task in (work, watch) if task is not None))
            if self.leading:
                log.info("relay leads no more")
            self.leading = False
            LEADER.set(0)
            UNPUBLISHED.set(0)
            LAG_SECONDS.set(0)
            connection.terminate()

    async def _work(self, connection: asyncpg.Connection) -> None:
        await connection.add_listener("outbox", lambda *_: self._wake.set())
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK, timeout=_STATEMENT_SECONDS):
            self.failure = None
            await self._pause(_POLL_SECONDS)
            if self._stopping.is_set():
                return
        self.leading = True
        LEADER.set(1)
        log.info("relay leads")
        backoff = Backoff()
        next_measure = 0.0
        next_prune = time.monotonic() + self.prune_seconds * random.uniform(0.5, 1.5)
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                await self._ensure_topics(self._topics)
                busy = await self._publish_next(connection)
            except (KafkaError, TimeoutError, ConnectionError) as error:
                if connection.is_closed():
                    raise
                self._failed(error)
                await self._drop_producer()
                await self._pause(backoff.next())
                busy = True
            else:
                self.failure = None
                backoff.reset()
            if time.monotonic() >= next_measure:
                await self._measure(connection)
                next_measure = time.monotonic() + _MEASURE_SECONDS
            if time.monotonic() >= next_prune:
                more = await prune(connection, self._settings, self.prune_rows)
                next_prune = time.monotonic() + (0.1 if more else self.prune_seconds)
            if busy:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_POLL_SECONDS, next_prune - time.monotonic())):
                    await self._wake.wait()

    async def _publish_next(self, connection: asyncpg.Connection) -> bool:
        """Publishes the oldest batch; answers whether there was one. Raises what Kafka raises."""
        rows = await connection.fetch(_NEXT, self.batch_size, timeout=_STATEMENT_SECONDS)
        if not rows:
            return False
        self._publishing = True
        try:
            await self._ensure_topics({row["topic"] for row in rows})
            if self._producer is None:
                self._producer = await start_producer(self._settings)
            async with asyncio.timeout(_PUBLISH_SECONDS):
                partitions = await self._by_partition(self._producer, rows)
            sending = [
                asyncio.create_task(self._send(self._producer, *partition, messages))
                for partition, messages in partitions.items()
            ]
            try:
                await asyncio.wait(sending, timeout=_PUBLISH_SECONDS)
            finally:
                await background.end(*sending)
            # The acknowledged ones are marked even if others failed: they need no repetition.
            published = [position for task in sending if not _failure(task) for position in task.result()]
            await connection.execute(_MARK, published, timeout=_STATEMENT_SECONDS)
            for task in sending:
                if failure := _failure(task):
                    raise failure
            return True
        finally:
            self._publishing = False

    async def _by_partition(
        self, producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
    ) -> dict[tuple[str, int], list[_Message]]:
        partitions: dict[str, list[int]] = {}
        messages: dict[tuple[str, int], list[_Message]] = defaultdict(list)
        for row in rows:
            topic = topic_name(self._settings, row["topic"])
            if topic not in partitions:
                partitions[topic] = sorted(await producer.partitions_for(topic))
            key = row["stream"].encode()
            partition = self._partitioner(key, partitions[topic], partitions[topic])
            messages[topic, partition].append(_Message(row["position"], key, row["body"].encode(), _headers(row)))
        return messages

    async def _send(
        self, producer: AIOKafkaProducer, topic: str, partition: int, messages: Sequence[_Message]
    ) -> list[int]:
        """Sends in order, one batch after the other is acknowledged; answers the positions.

        The next batch is not even handed over before: a batch that fails can then never be overtaken by
        a later event of the same stream.
        """
        start = 0
        while start < len(messages):
            batch = producer.create_batch()
            end = start
            while end < len(messages):
                message = messages[end]
                if not batch.append(timestamp=None, key=message.key, value=message.value, headers=message.headers):
                    break
                end += 1
            batch.close()
            await (await producer.send_batch(batch, topic, partition=partition))
            start = end
        return [message.position for message in messages]

    async def _ensure_topics(self, topics: Collection[str]) -> None:
        if missing := set(topics) - self._ensured_topics:
            self.failure = "waiting for topics"
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await ensure_topics(self._settings, missing)
            self._ensured_topics |= missing

    async def _drop_producer(self) -> None:
        # Somebody may have deleted a topic: look again.
        self._ensured_topics.clear()
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await discard_producer(producer)

    async def _measure(self, connection: asyncpg.Connection) -> None:
        count, oldest = await connection.fetchrow(_BACKLOG, timeout=_STATEMENT_SECONDS)
        UNPUBLISHED.set(count)
        LAG_SECONDS.set(max((clock.now() - oldest).total_seconds(), 0) if oldest else 0)


def _headers(row: asyncpg.Record) -> Headers:
    """CloudEvents 1.0, the Kafka protocol binding in binary mode; `seq` is the place in the stream."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", row["event_id"].encode()),
        ("ce_type", row["type"].encode()),
        ("ce_source", f"/service-exchange/{row['type'].partition('.')[0]}".encode()),
        ("ce_time", row["occurred_at"].isoformat().encode()),
        ("ce_subject", row["stream"].encode()),
        ("content-type", b"application/json"),
        ("seq", str(row["seq"]).encode()),
    ]
    if row["traceparent"]:
        headers.append(("traceparent", row["traceparent"].encode()))
    return headers


def _failure(task: asyncio.Task[list[int]]) -> BaseException | None:
    return TimeoutError("no acknowledgement in time") if task.cancelled() else task.exception()
