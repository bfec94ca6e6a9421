"""Reactions to the events of other subgraphs: in order, with exactly one effect each.

A handler's effect and the row in the inbox that remembers the event are one transaction, and the offset
is committed after it: a crash between the two repeats the message, and the inbox skips it.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar, cast

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared import background, clock
from shared.config import Settings
from shared.db import Database
from shared.events import Envelope, Event
from shared.faults import describe, is_passing, stack
from shared.kafka import (
    Backoff,
    Headers,
    dead_letter_topic,
    discard_producer,
    ensure_topics,
    start_consumer,
    start_producer,
    stop_consumer,
    topic_name,
)
from shared.telemetry import span, with_traceparent

log = structlog.get_logger(__name__)

LAG = Gauge("exchange_consumer_lag", "Messages that are not handled yet.", ("consumer", "topic", "partition"))
HANDLED = Counter("exchange_consumed_total", "Messages by outcome.", ("consumer", "type", "outcome"))
DURATION = Histogram("exchange_consumer_seconds", "Time to handle a message.", ("consumer", "type"))
DEAD_LETTERS = Counter("exchange_dead_letters_total", "Messages put aside as dead letters.", ("consumer", "topic"))

M = TypeVar("M", bound=Event)
Handler = Callable[[AsyncSession, Envelope[M]], Awaitable[None]]

REPLAY_FOR = "replay_for"
"""Header of a replayed dead letter: the only consumer that is to handle it."""


class Handlers:
    """A subgraph's reactions, by event type.

    A handler gets the transaction that also remembers the event. It raises for what it cannot do: a
    passing fault (ServiceUnavailable, a lost connection) is tried again until it works, anything else a
    few times and then put among the dead letters.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Event], Handler[Event]] = {}

    def on(self, *models: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Registers the decorated function for these events."""

        def register(handler: Handler[M]) -> Handler[M]:
            for model in models:
                if model in self._handlers:
                    raise ValueError(f"{model.type} has a handler already")
                self._handlers[model] = cast("Handler[Event]", handler)
            return handler

        return register

    @property
    def topics(self) -> set[str]:
        return {model.topic for model in self._handlers}

    def by_type(self) -> dict[str, tuple[type[Event], Handler[Event]]]:
        return {model.type: (model, handler) for model, handler in self._handlers.items()}


class _Malformed(Exception):
    """Not a message of this system; no retry can help."""


@dataclass(slots=True)
class _Partition:
    """Messages of one partition that wait for their turn, and the task that handles them."""

    first: int
    """The offset at which this process began."""
    records: asyncio.Queue[ConsumerRecord] = field(default_factory=asyncio.Queue)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    paused: bool = False
    task: asyncio.Task[None] | None = None


_REMEMBER = text("""
    INSERT INTO inbox (consumer, event_id) VALUES (:consumer, CAST(:event_id AS uuid))
    ON CONFLICT DO NOTHING RETURNING 1
""")

_MAX_WAITING = 500
_POLL_MS = 500
_COMMIT_SECONDS = 0.1
_MEASURE_SECONDS = 5.0
_FINISH_SECONDS = 10


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """The consumer group of one subgraph; each replica takes its share of the partitions.

    Messages of one partition are handled one after the other, partitions concurrently. A partition whose
    message meets a passing fault waits, the others go on.
    """

    retries = 5

    def __init__(self, name: str, handlers: Handlers, database: Database, settings: Settings) -> None:
        self.name = name
        self._database = database
        self._settings = settings
        self._topics = handlers.topics
        self._handlers = handlers.by_type()
        # Requests need connections of the same pool.
        self._slots = asyncio.Semaphore(max(1, settings.transaction_pool_size // 2))
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._handled: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._committing = asyncio.Lock()
        self._to_commit = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._producer: AIOKafkaProducer | None = None
        self._producer_lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self.failure: str | None = "starting"
        """Why nothing is consumed at the moment, if so."""

    @property
    def healthy(self) -> bool:
        return self._task is not None and not self._task.done() and self.failure is None

    async def start(self) -> None:
        """Starts consuming; waits for neither PostgreSQL nor Kafka."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._supervise(), name=f"consumer {self.name}")

    async def stop(self) -> None:
        """Ends after the messages at hand, commits their offsets and leaves the group."""
        self._stopping.set()
        if self._task is None:
            return
        patience = _FINISH_SECONDS + 5
        await background.end(self._task, grace_seconds=patience, again_seconds=patience)
        self._task = None
        if self._producer is not None:
            await discard_producer(self._producer)
            self._producer = None

    async def _supervise(self) -> None:
        backoff = Backoff()
        stopping = asyncio.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            started = time.monotonic()
            work = asyncio.create_task(self._consume())
            try:
                await asyncio.wait([work, stopping], return_when=asyncio.FIRST_COMPLETED)
            finally:
                await background.end(work, again_seconds=_FINISH_SECONDS + 5)
            if work.cancelled() or (error := work.exception()) is None:
                continue
            self.failure = type(error).__name__
            if isinstance(error, KafkaError | TimeoutError | OSError):
                log.warning("consumer interrupted", consumer=self.name, error=repr(error))
            else:
                log.error("consumer failed", consumer=self.name, exc_info=error)
            if time.monotonic() - started > 10:
                backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next()):
                    await self._stopping.wait()

    async def _consume(self) -> None:
        await ensure_topics(self._settings, self._topics)
        consumer = await start_consumer(self._settings, group=topic_name(self._settings, self.name))
        self._consumer = consumer
        committer = asyncio.create_task(self._commit_now_and_then(consumer))
        try:
            topics = [topic_name(self._settings, topic) for topic in self._topics]
            consumer.subscribe(topics=topics, listener=self)
            next_measure = 0.0
            while True:
                batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_WAITING)
                self.failure = None
                for partition, records in batches.items():
                    self._take(consumer, partition, records)
                for task in (committer, *(partition.task for partition in self._partitions.values())):
                    if task is not None and task.done():
                        task.result()
                if time.monotonic() >= next_measure:
                    self._measure(consumer)
                    next_measure = time.monotonic() + _MEASURE_SECONDS
        finally:
            await background.end(committer)
            with contextlib.suppress(Exception):
                await self.on_partitions_revoked(list(self._partitions))
            self._consumer = None
            await stop_consumer(consumer)

    def _take(self, consumer: AIOKafkaConsumer, key: TopicPartition, records: Sequence[ConsumerRecord]) -> None:
        partition = self._partitions.get(key)
        if partition is None:
            partition = self._partitions[key] = _Partition(records[0].offset)
            partition.task = asyncio.create_task(self._work(consumer, key, partition), name=f"consume {key}")
        for record in records:
            partition.records.put_nowait(record)
        # Pausing costs latency after the resumption, so it is for a real backlog only.
        if not partition.paused and partition.records.qsize() >= _MAX_WAITING:
            partition.paused = True
            consumer.pause(key)

    async def _work(self, consumer: AIOKafkaConsumer, key: TopicPartition, partition: _Partition) -> None:
        closing = asyncio.create_task(partition.closing.wait())
        try:
            while not partition.closing.is_set():
                if partition.records.empty():
                    getting = asyncio.create_task(partition.records.get())
                    await asyncio.wait([getting, closing], return_when=asyncio.FIRST_COMPLETED)
                    if not getting.done():
                        getting.cancel()
                        return
                    record = getting.result()
                else:
                    record = partition.records.get_nowait()
                if not await self._settle(record, partition.closing):
                    return
                self._handled[key] = record.offset + 1
                self._to_commit.set()
                if partition.paused and partition.records.qsize() < _MAX_WAITING // 4:
                    partition.paused = False
                    consumer.resume(key)
        finally:
            closing.cancel()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called by aiokafka; the workers start with the first message."""

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called by aiokafka before the partitions go to another member: finishes and commits what is at hand."""
        gone = {key: partition for key in revoked if (partition := self._partitions.get(key))}
        for partition in gone.values():
            partition.closing.set()
        tasks = [partition.task for partition in gone.values() if partition.task is not None]
        await background.end(*tasks, grace_seconds=_FINISH_SECONDS)
        if self._consumer is not None:
            await self._commit(self._consumer)
        for key in revoked:
            self._partitions.pop(key, None)
            self._handled.pop(key, None)
            self._committed.pop(key, None)
            with contextlib.suppress(KeyError):
                LAG.remove(self.name, key.topic, str(key.partition))

    async def _commit_now_and_then(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            await self._to_commit.wait()
            self._to_commit.clear()
            await self._commit(consumer)
            # What is handled meanwhile shares the next request; the inbox covers a crash in between.
            await asyncio.sleep(_COMMIT_SECONDS)

    async def _commit(self, consumer: AIOKafkaConsumer) -> None:
        async with self._committing:
            offsets = {key: at for key, at in self._handled.items() if self._committed.get(key) != at}
            if not offsets:
                return
            try:
                async with asyncio.timeout(5):
                    await consumer.commit(offsets)
            except (CommitFailedError, IllegalStateError):
                log.info("partitions moved before their offsets were committed", consumer=self.name)
            except (KafkaError, TimeoutError) as error:
                log.warning("offsets not committed yet", consumer=self.name, error=repr(error))
                self._to_commit.set()
            else:
                self._committed.update(offsets)

    def _measure(self, consumer: AIOKafkaConsumer) -> None:
        for key, partition in self._partitions.items():
            end = consumer.highwater(key)
            if end is not None:
                at = self._handled.get(key, partition.first)
                LAG.labels(self.name, key.topic, str(key.partition)).set(max(end - at, 0))

    async def _settle(self, record: ConsumerRecord, closing: asyncio.Event) -> bool:
        """Handles, skips or buries a message; False if the partition is taken away before that."""
        headers = dict(record.headers)
        try:
            type_ = _text(headers, "ce_type")
            if headers.get(REPLAY_FOR, self.name.encode()) != self.name.encode():
                return True
            known = self._handlers.get(type_)
            if known is None:
                return True
            model, handler = known
            envelope = _envelope(record, headers, model)
        except _Malformed as error:
            return await self._bury(record, error, 1, closing)
        with structlog.contextvars.bound_contextvars(
            consumer=self.name, event_type=type_, event_id=envelope.id, stream=envelope.stream
        ):
            return await self._handle(record, envelope, type_, handler, closing)

    async def _handle(
        self,
        record: ConsumerRecord,
        envelope: Envelope[Event],
        type_: str,
        handler: Handler[Event],
        closing: asyncio.Event,
    ) -> bool:
        attempts = 0
        passing, failing = Backoff(0.05, 2.0), Backoff(0.02, 1.0)
        while not closing.is_set():
            try:
                async with self._slots:
                    await self._apply(record, envelope, type_, handler)
                return True
            except Exception as error:
                if is_passing(error):
                    log.warning("event waits for a passing fault", error=describe(error))
                    HANDLED.labels(self.name, type_, "waited").inc()
                    delay = passing.next()
                else:
                    attempts += 1
                    HANDLED.labels(self.name, type_, "failed").inc()
                    if attempts > self.retries:
                        log.error("event becomes a dead letter", attempts=attempts, stack=stack(error))
                        return await self._bury(record, error, attempts, closing)
                    log.warning("event failed; trying again", attempts=attempts, error=describe(error))
                    delay = failing.next()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await closing.wait()
        return False

    async def _apply(
        self, record: ConsumerRecord, envelope: Envelope[Event], type_: str, handler: Handler[Event]
    ) -> None:
        """Runs the handler unless the inbox has the event already; both in one transaction."""
        attributes: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.destination.name": record.topic,
            "messaging.consumer.group.name": self.name,
            "messaging.message.id": envelope.id,
            "messaging.kafka.offset": record.offset,
        }
        started = time.perf_counter()
        with with_traceparent(envelope.traceparent), span(f"consume {type_}", SpanKind.CONSUMER, **attributes):
            async with self._database.transaction() as session:
                # A second delivery that runs at the same time waits here for the first one's commit.
                remembered = await session.execute(_REMEMBER, {"consumer": self.name, "event_id": envelope.id})
                new = remembered.one_or_none() is not None
                if new:
                    await handler(session, envelope)
        HANDLED.labels(self.name, type_, "handled" if new else "repeated").inc()
        DURATION.labels(self.name, type_).observe(time.perf_counter() - started)

    async def _bury(self, record: ConsumerRecord, error: Exception, attempts: int, closing: asyncio.Event) -> bool:
        """Puts a message among the dead letters, however long Kafka takes."""
        target = dead_letter_topic(record.topic)
        reason = str(error) if isinstance(error, _Malformed) else describe(error)
        headers: Headers = [
            *(pair for pair in record.headers if pair[0] != REPLAY_FOR and not pair[0].startswith("dlq_")),
            ("dlq_consumer", self.name.encode()),
            ("dlq_topic", record.topic.encode()),
            ("dlq_partition", str(record.partition).encode()),
            ("dlq_offset", str(record.offset).encode()),
            ("dlq_error_type", type(error).__name__.lstrip("_").encode()),
            ("dlq_error", reason.encode()),
            ("dlq_attempts", str(attempts).encode()),
            ("dlq_at", clock.now().isoformat().encode()),
        ]
        backoff = Backoff()
        while not closing.is_set():
            try:
                async with asyncio.timeout(20):
                    producer = await self._dead_letter_producer()
                    # A message without key and value could not be sent on.
                    key = record.key if record.key or record.value else b""
                    await producer.send_and_wait(target, record.value, key, headers=headers)
            except (KafkaError, TimeoutError) as failure:
                log.warning("dead letter not written yet", error=repr(failure))
                await self._drop_dead_letter_producer()
            else:
                DEAD_LETTERS.labels(self.name, record.topic).inc()
                log.error(
                    "dead letter", consumer=self.name, topic=record.topic, partition=record.partition,
                    offset=record.offset, error=reason,
                )  # fmt: skip
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next()):
                    await closing.wait()
        return False

    async def _dead_letter_producer(self) -> AIOKafkaProducer:
        async with self._producer_lock:
            if self._producer is None:
                self._producer = await start_producer(self._settings)
            return self._producer

    async def _drop_dead_letter_producer(self) -> None:
        async with self._producer_lock:
            if self._producer is not None:
                producer, self._producer = self._producer, None
                await discard_producer(producer)


def _envelope(record: ConsumerRecord, headers: dict[str, bytes], model: type[Event]) -> Envelope[Event]:
    if record.value is None:
        raise _Malformed("no body")
    try:
        return Envelope(
            event=model.from_json(record.value),
            id=str(uuid.UUID(_text(headers, "ce_id"))),
            seq=int(_text(headers, "seq")),
            stream=_text(headers, "ce_subject"),
            occurred_at=datetime.fromisoformat(_text(headers, "ce_time")),
            traceparent=headers["traceparent"].decode() if "traceparent" in headers else None,
        )
    except ValidationError as error:
        raise _Malformed(describe(error)) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise _Malformed(f"{type(error).__name__} in headers or body") from error


def _text(headers: dict[str, bytes], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise _Malformed(f"no header {name}")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _Malformed(f"header {name} is not UTF-8") from error
