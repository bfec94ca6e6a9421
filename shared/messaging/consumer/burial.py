"""Putting messages aside that a consumer cannot handle; `shared.messaging.dead_letters` reads them."""

import asyncio
import contextlib

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from prometheus_client import Counter

from shared import clock
from shared.background import Backoff
from shared.config import Settings
from shared.faults import describe
from shared.messaging.consumer.messages import REPLAY_FOR, Malformed
from shared.messaging.kafka import Headers, dead_letter_topic, discard_producer, start_producer

log = structlog.get_logger(__name__)

DEAD_LETTERS = Counter("exchange_dead_letters_total", "Messages put aside as dead letters.", ("consumer", "topic"))


class Burial:
    """Writes the dead letters of one consumer; connects with the first of them."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._lock = asyncio.Lock()

    async def bury(self, record: ConsumerRecord, error: Exception, attempts: int, closing: asyncio.Event) -> bool:
        """Puts a message among the dead letters, however long Kafka takes; False if `closing` comes before that."""
        target = dead_letter_topic(record.topic)
        reason = str(error) if isinstance(error, Malformed) else describe(error)
        headers: Headers = [
            *(pair for pair in record.headers if pair[0] != REPLAY_FOR and not pair[0].startswith("dlq_")),
            ("dlq_consumer", self._name.encode()),
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
                    producer = await self._started()
                    # A message without key and value could not be sent on.
                    key = record.key if record.key or record.value else b""
                    await producer.send_and_wait(target, record.value, key, headers=headers)
            except (KafkaError, TimeoutError) as failure:
                log.warning("dead letter not written yet", error=repr(failure))
                await self.close()
            else:
                DEAD_LETTERS.labels(self._name, record.topic).inc()
                log.error(
                    "dead letter", consumer=self._name, topic=record.topic, partition=record.partition,
                    offset=record.offset, error=reason,
                )  # fmt: skip
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(backoff.next()):
                    await closing.wait()
        return False

    async def close(self) -> None:
        """Drops the connection; the next letter makes a new one."""
        async with self._lock:
            if self._producer is not None:
                producer, self._producer = self._producer, None
                await discard_producer(producer)

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                self._producer = await start_producer(self._settings)
            return self._producer
