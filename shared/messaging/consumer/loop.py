"""The loop of a consumer: takes messages from its partitions, has them handled, commits how far it came."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition
from prometheus_client import Gauge

from shared import background
from shared.background import Backoff
from shared.config import Settings
from shared.database.db import Database
from shared.messaging.consumer.handlers import Handlers
from shared.messaging.consumer.handling import Handling
from shared.messaging.kafka import ensure_topics, start_consumer, stop_consumer, topic_name

log = structlog.get_logger(__name__)

LAG = Gauge("exchange_consumer_lag", "Messages that are not handled yet.", ("consumer", "topic", "partition"))

_MAX_WAITING = 500
_POLL_MS = 500
_COMMIT_SECONDS = 0.1
_MEASURE_SECONDS = 5.0
_FINISH_SECONDS = 10


@dataclass(slots=True)
class _Partition:
    """Messages of one partition that wait for their turn, and the task that handles them."""

    first: int
    """The offset at which this process began."""
    records: asyncio.Queue[ConsumerRecord] = field(default_factory=asyncio.Queue)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    paused: bool = False
    task: asyncio.Task[None] | None = None


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """The consumer group of one subgraph; each replica takes its share of the partitions.

    Messages of one partition are handled one after the other, partitions concurrently. A partition whose
    message meets a passing fault waits, the others go on. `told` is called with the stream of each event whose
    effect has been committed.
    """

    retries = 5

    def __init__(
        self,
        name: str,
        handlers: Handlers,
        database: Database,
        settings: Settings,
        told: Callable[[str], None] = lambda stream: None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._topics = handlers.topics
        self._handling = Handling(name, handlers, database, settings, self.retries, told)
        self._partitions: dict[TopicPartition, _Partition] = {}
        self._handled: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._committing = asyncio.Lock()
        self._to_commit = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
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
        await self._handling.close()

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
                if not await self._handling.settle(record, partition.closing):
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
