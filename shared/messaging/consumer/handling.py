"""What becomes of a message: handled once, skipped, or put aside."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog
from aiokafka.structs import ConsumerRecord
from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from sqlalchemy import text

from shared.background import Backoff
from shared.config import Settings
from shared.database.db import Database
from shared.events import Envelope, Event
from shared.faults import describe, is_passing, stack
from shared.messaging.consumer.burial import Burial
from shared.messaging.consumer.handlers import Handler, Handlers
from shared.messaging.consumer.messages import REPLAY_FOR, Malformed, envelope_of, header
from shared.telemetry import span, with_traceparent

log = structlog.get_logger(__name__)

HANDLED = Counter("exchange_consumed_total", "Messages by outcome.", ("consumer", "type", "outcome"))
DURATION = Histogram("exchange_consumer_seconds", "Time to handle a message.", ("consumer", "type"))

_REMEMBER = text("""
    INSERT INTO inbox (consumer, event_id) VALUES (:consumer, CAST(:event_id AS uuid))
    ON CONFLICT DO NOTHING RETURNING 1
""")


class Handling:
    """Gives the messages of one consumer to its handlers."""

    def __init__(
        self,
        name: str,
        handlers: Handlers,
        database: Database,
        settings: Settings,
        retries: int,
        told: Callable[[str], None],
    ) -> None:
        self._name = name
        self._handlers = handlers.by_type()
        self._database = database
        self._retries = retries
        self._told = told
        # Requests need connections of the same pool.
        self._slots = asyncio.Semaphore(max(1, settings.transaction_pool_size // 2))
        self._burial = Burial(name, settings)

    async def settle(self, record: ConsumerRecord, closing: asyncio.Event) -> bool:
        """Handles, skips or buries a message; False if the partition is taken away before that."""
        headers = dict(record.headers)
        try:
            type_ = header(headers, "ce_type")
            if headers.get(REPLAY_FOR, self._name.encode()) != self._name.encode():
                return True
            known = self._handlers.get(type_)
            if known is None:
                return True
            model, handler = known
            envelope = envelope_of(record, headers, model)
        except Malformed as error:
            return await self._burial.bury(record, error, 1, closing)
        with structlog.contextvars.bound_contextvars(
            consumer=self._name, event_type=type_, event_id=envelope.id, stream=envelope.stream
        ):
            return await self._handle(record, envelope, type_, handler, closing)

    async def close(self) -> None:
        """Drops what it is connected with; call it when nothing is settled any more."""
        await self._burial.close()

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
                    HANDLED.labels(self._name, type_, "waited").inc()
                    delay = passing.next()
                else:
                    attempts += 1
                    HANDLED.labels(self._name, type_, "failed").inc()
                    if attempts > self._retries:
                        log.error("event becomes a dead letter", attempts=attempts, stack=stack(error))
                        return await self._burial.bury(record, error, attempts, closing)
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
            "messaging.consumer.group.name": self._name,
            "messaging.message.id": envelope.id,
            "messaging.kafka.offset": record.offset,
        }
        started = time.perf_counter()
        with with_traceparent(envelope.traceparent), span(f"consume {type_}", SpanKind.CONSUMER, **attributes):
            async with self._database.transaction() as session:
                # A second delivery that runs at the same time waits here for the first one's commit.
                remembered = await session.execute(_REMEMBER, {"consumer": self._name, "event_id": envelope.id})
                new = remembered.one_or_none() is not None
                if new:
                    await handler(session, envelope)
            self._told(envelope.stream)
        HANDLED.labels(self._name, type_, "handled" if new else "repeated").inc()
        DURATION.labels(self._name, type_).observe(time.perf_counter() - started)
