"""The seam to aiokafka: producers, consumers and topics with this system's settings.

aiokafka has no complete types and a few states that it does not leave by itself; both are dealt with here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.metadata import MetadataRequest

from shared.background import Backoff
from shared.config import Settings
from shared.telemetry.seldom import Seldom

log = structlog.get_logger(__name__)

_CHATTY = ("client", "cluster", "conn", "consumer.fetcher", "consumer.group_coordinator", "producer.sender")
for _name in _CHATTY:
    logging.getLogger(f"aiokafka.{_name}").addFilter(Seldom(10))

Headers = list[tuple[str, bytes]]

# A request to a broker that does not answer ends after this; then another connection is tried.
REQUEST_TIMEOUT_MS = 10_000
_RETRY_BACKOFF_MS = 200
# Topics that others create meanwhile are seen after this at the latest.
METADATA_MAX_AGE_MS = 30_000
_MAX_MESSAGE_BYTES = 1_000_000
_DAY_MS = 86_400_000

_CONNECTING_SECONDS = 15
_CLOSING_SECONDS = 3


def topic_name(settings: Settings, topic: str) -> str:
    """The topic's name on the broker."""
    return settings.topic_prefix + topic


def dead_letter_topic(topic: str) -> str:
    """Where messages of `topic` go that no handler can take."""
    return f"{topic}.dlq"


async def start_producer(settings: Settings) -> AIOKafkaProducer:
    """A connected idempotent producer. Raises KafkaError or TimeoutError when no broker answers."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        max_batch_size=_MAX_MESSAGE_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        retry_backoff_ms=_RETRY_BACKOFF_MS,
    )
    try:
        async with asyncio.timeout(_CONNECTING_SECONDS):
            await producer.start()
    except BaseException:
        await discard_producer(producer)
        raise
    return producer


async def discard_producer(producer: AIOKafkaProducer) -> None:
    """Closes a producer at once, whatever has become of it.

    `stop()` waits until every batch is delivered, for ever if the broker is gone. Closing the connections
    first fails what is in flight. Either may hang in what it waits for, so neither is waited for long.
    """
    producer._closed = True
    await _is_closed(producer.client.close)
    await _is_closed(producer._sender.close)


async def _is_closed(close: Callable[[], Awaitable[object]]) -> bool:
    """Closes something of aiokafka's, and answers whether it closed in time; some of it may hang for ever."""
    try:
        async with asyncio.timeout(_CLOSING_SECONDS):
            await close()
    except TimeoutError:
        return False
    return True


async def start_consumer(
    settings: Settings, *topics: str, group: str | None = None, offset_reset: str = "earliest"
) -> AIOKafkaConsumer:
    """A connected consumer of all partitions of `topics`; it never commits by itself.

    Raises KafkaError or TimeoutError when no broker answers.
    """
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset=offset_reset,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        metadata_max_age_ms=METADATA_MAX_AGE_MS,
        retry_backoff_ms=_RETRY_BACKOFF_MS,
        # As short as brokers allow: so long the partitions of a killed process wait for another one.
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_500,
        # Revoked partitions finish the message that they are at.
        rebalance_timeout_ms=30_000,
        fetch_max_wait_ms=500,
    )
    try:
        async with asyncio.timeout(_CONNECTING_SECONDS):
            await consumer.start()
    except BaseException:
        await stop_consumer(consumer)
        raise
    return consumer


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Leaves the group and closes; a broker that does not answer is not waited for long."""
    try:
        if not await _is_closed(consumer.stop):
            await _is_closed(consumer._client.close)
    except KafkaError as error:
        log.info("consumer left with an error", error=repr(error))


async def ensure_topics(settings: Settings, topics: Iterable[str]) -> None:
    """Creates what is missing of `topics` and their dead-letter topics; retries until Kafka is there.

    Messages live as long as the log of the streams, so that a consumer may be away that long.
    """
    names = {topic_name(settings, topic) for topic in topics}
    names |= {dead_letter_topic(name) for name in names}
    backoff = Backoff(first=0.1)
    attempts = 0
    while names:
        try:
            async with asyncio.timeout(2 * _CONNECTING_SECONDS):
                await _create_missing(settings, names)
            return
        except (KafkaError, TimeoutError, OSError) as error:
            attempts += 1
            # A long outage is told by ever rarer lines: at 1, 2, 4, 8 … attempts.
            if attempts.bit_count() == 1:
                log.warning("topics not ensured yet", attempts=attempts, error=repr(error))
        await backoff.wait()


async def _create_missing(settings: Settings, names: Collection[str]) -> None:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    try:
        await admin.start()
        topics = await _describe(admin, names)
        missing = [topic["topic"] for topic in topics if topic["error_code"] == UnknownTopicOrPartitionError.errno]
        if missing:
            await _create(admin, settings, missing)
        # A consumer that subscribes before brokers know of a topic gets none of its partitions, and asks
        # again only when its metadata is old.
        while not all(_is_served(topic) for topic in topics):
            await asyncio.sleep(0.05)
            topics = await _describe(admin, names)
    finally:
        await _is_closed(admin._client.close)


async def _describe(admin: AIOKafkaAdminClient, names: Collection[str]) -> Sequence[Mapping[str, Any]]:
    """What the cluster knows of these topics; a list of all that it has may be long.

    aiokafka's own `describe_topics` has a broker that may do so create what is missing, by its own settings.
    """
    answer = await admin._send_request(MetadataRequest(sorted(names), allow_auto_topic_creation=False))
    topics: Sequence[Mapping[str, Any]] = answer.to_object()["topics"]
    return topics


async def _create(admin: AIOKafkaAdminClient, settings: Settings, names: Sequence[str]) -> None:
    retention = {
        "retention.ms": str(settings.stream_retention_days * _DAY_MS),
        # A segment is deleted as a whole, and a small topic would fill one for a week.
        "segment.ms": str(_DAY_MS),
    }
    answer = await admin.create_topics(
        [
            NewTopic(
                name,
                settings.topic_partitions,
                settings.topic_replication_factor,
                topic_configs=retention,
            )
            for name in names
        ]
    )
    for name, code, *_ in answer.topic_errors:
        # Another process was faster.
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)(name)


def _is_served(topic: Mapping[str, Any]) -> bool:
    """Whether each partition of a described topic has a leader."""
    partitions = topic["partitions"]
    return not topic["error_code"] and bool(partitions) and all(each["leader"] >= 0 for each in partitions)
