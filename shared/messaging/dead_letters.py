"""Dead letters: messages that a consumer could not handle, and their second chance.

They lie in `<topic>.dlq`, as they were, with headers that tell who failed and why. A replay publishes one
again for the consumer that failed; the inbox still guards against a second effect. That a letter was
replayed is told by a marker behind it in the same partition, so that letter and marker are kept and
forgotten together.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import ConsumerRecord, TopicPartition

from shared.config import Settings
from shared.messaging.consumer import REPLAY_FOR
from shared.messaging.kafka import (
    REQUEST_TIMEOUT_MS,
    dead_letter_topic,
    discard_producer,
    start_consumer,
    start_producer,
    stop_consumer,
    topic_name,
)

_MARKER = "dlq_replayed_offset"
_READ_SECONDS = 30


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was put aside. `topic`, `partition` and `offset` are its place among the dead letters."""

    topic: str
    """The topic of the message itself, without prefix and without `.dlq`."""
    partition: int
    offset: int
    at: datetime
    consumer: str
    error_type: str
    error: str
    attempts: int
    original_partition: int
    original_offset: int
    event_type: str | None
    event_id: str | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    """Those of the message as it was first published."""


async def list_dead_letters(settings: Settings, topics: Collection[str] = ()) -> list[DeadLetter]:
    """The letters that were not replayed, oldest first; of all topics unless some are given.

    Raises KafkaError or TimeoutError when Kafka cannot be reached.
    """
    letters: list[DeadLetter] = []
    for topic in sorted(topics) or await _topics(settings):
        letters += await _pending(settings, _without_suffix(topic))
    return sorted(letters, key=lambda letter: letter.at)


async def show(settings: Settings, topic: str, partition: int, offset: int) -> DeadLetter:
    """One letter that was not replayed. Raises LookupError if there is none at this place."""
    for letter in await _pending(settings, _without_suffix(topic)):
        if (letter.partition, letter.offset) == (partition, offset):
            return letter
    raise LookupError(f"no dead letter of {topic} at partition {partition}, offset {offset}")


async def replay(
    settings: Settings, topic: str, partition: int | None = None, offset: int | None = None
) -> list[DeadLetter]:
    """Publishes a letter again, for the consumer that failed; without a place all that are pending, in order.

    A crash in between leaves a letter pending that was published: its next replay has no second effect.
    Raises LookupError if there is none at the given place.
    """
    if partition is None or offset is None:
        letters = await _pending(settings, _without_suffix(topic))
    else:
        letters = [await show(settings, topic, partition, offset)]
    if not letters:
        return []
    producer = await start_producer(settings)
    try:
        async with asyncio.timeout(_READ_SECONDS):
            for letter in letters:
                await _publish(settings, producer, letter)
    finally:
        await discard_producer(producer)
    return letters


async def _publish(settings: Settings, producer: AIOKafkaProducer, letter: DeadLetter) -> None:
    target = topic_name(settings, letter.topic)
    await producer.send_and_wait(
        target,
        letter.value,
        letter.key,
        partition=None if letter.key else letter.original_partition,
        headers=[*letter.headers, (REPLAY_FOR, letter.consumer.encode())],
    )
    await producer.send_and_wait(
        dead_letter_topic(target),
        b"",
        letter.key,
        partition=letter.partition,
        headers=[(_MARKER, str(letter.offset).encode())],
    )


def _without_suffix(topic: str) -> str:
    return topic.removesuffix(dead_letter_topic(""))


async def _topics(settings: Settings) -> list[str]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    try:
        await admin.start()
        names = await admin.list_topics()
    finally:
        await admin.close()
    prefix, suffix = settings.topic_prefix, dead_letter_topic("")
    return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix) and name.endswith(suffix))


async def _pending(settings: Settings, topic: str) -> list[DeadLetter]:
    letters: dict[tuple[int, int], DeadLetter] = {}
    async with _everything(settings, dead_letter_topic(topic_name(settings, topic))) as records:
        async for record in records:
            headers = dict(record.headers)
            if _MARKER in headers:
                letters.pop((record.partition, int(headers[_MARKER])), None)
            elif "dlq_consumer" in headers:
                letters[record.partition, record.offset] = _letter(topic, record, headers)
    return list(letters.values())


@asynccontextmanager
async def _everything(settings: Settings, name: str) -> AsyncIterator[AsyncIterator[ConsumerRecord]]:
    """All messages of a topic up to its present end; those of a partition in order."""
    consumer = await start_consumer(settings, name)

    async def records() -> AsyncIterator[ConsumerRecord]:
        partitions = sorted(consumer.assignment())
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        left: set[TopicPartition] = {one for one in partitions if starts[one] < ends[one]}
        await consumer.seek_to_beginning()
        while left:
            async with asyncio.timeout(_READ_SECONDS):
                batches = await consumer.getmany(timeout_ms=1000)
            for partition, batch in batches.items():
                for record in batch:
                    if record.offset < ends[partition]:
                        yield record
                if await consumer.position(partition) >= ends[partition]:
                    left.discard(partition)

    try:
        yield records()
    finally:
        await stop_consumer(consumer)


def _letter(topic: str, record: ConsumerRecord, headers: dict[str, bytes]) -> DeadLetter:
    def text(name: str) -> str | None:
        return headers[name].decode(errors="replace") if name in headers else None

    return DeadLetter(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        at=datetime.fromisoformat(headers["dlq_at"].decode()),
        consumer=headers["dlq_consumer"].decode(),
        error_type=headers["dlq_error_type"].decode(),
        error=headers["dlq_error"].decode(),
        attempts=int(headers["dlq_attempts"]),
        original_partition=int(headers["dlq_partition"]),
        original_offset=int(headers["dlq_offset"]),
        event_type=text("ce_type"),
        event_id=text("ce_id"),
        key=record.key,
        value=record.value,
        headers=tuple((name, value) for name, value in record.headers if not name.startswith("dlq_")),
    )
