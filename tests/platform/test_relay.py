"""The relay loses nothing and keeps the order of each stream, whatever breaks."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, KafkaTimeoutError, OutOfOrderSequenceNumber, UnknownProducerId
from aiokafka.producer.message_accumulator import BatchBuilder
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.config import Settings
from shared.database.db import Database
from shared.events import Envelope
from shared.messaging import kafka
from shared.messaging.consumer import Consumer, Handlers
from shared.messaging.outbox import Relay
from shared.messaging.outbox import relay as outbox
from shared.messaging.outbox.pruning import prune
from shared.messaging.streams import StreamHub
from tests.conftest import SettingsFor
from tests.support.messaging import (
    TOPIC,
    Broker,
    emit_numbers,
    eventually,
    first_seqs,
    header,
    linked,
    published,
    running,
    sql,
    unpublished,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def settings(settings_for: SettingsFor) -> Settings:
    return settings_for("platform")


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    yield database
    await database.close()


async def _all_published(database: Database) -> bool:
    return await unpublished(database) == 0


async def test_an_event_is_published_with_its_attributes(settings: Settings, database: Database) -> None:
    async with running(Relay(database, settings, [TOPIC])):
        await emit_numbers(database, 7)
        await eventually(partial(_all_published, database))

    ((id_, at),) = await sql(database, "SELECT CAST(event_id AS text), occurred_at FROM outbox")
    (record,) = await published(settings, 1)
    assert record.key == b"user:user_1"
    assert events.parse("users.user.suspended", record.value or b"") == events.UserSuspended(
        user_id="user_1", reason="7"
    )
    assert {name: value.decode() for name, value in record.headers} == {
        "ce_specversion": "1.0",
        "ce_id": id_,
        "ce_type": "users.user.suspended",
        "ce_source": "/service-exchange/users",
        "ce_time": at.isoformat(),  # type: ignore[attr-defined] # a datetime, by the column
        "ce_subject": "user:user_1",
        "content-type": "application/json",
        "seq": "1",
    }


async def test_what_was_written_while_no_relay_ran_is_published_in_order(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several batches from the outbox, several batches to the broker.
    monkeypatch.setattr(Relay, "batch_size", 30)
    monkeypatch.setattr(kafka, "_MAX_MESSAGE_BYTES", 2000)
    await asyncio.gather(*(emit_numbers(database, *range(40), user=f"user_{n}") for n in range(4)))

    async with running(Relay(database, settings, [TOPIC])):
        records = await published(settings, 160)

    for user in range(4):
        mine = [record for record in records if record.key == f"user:user_{user}".encode()]
        assert [int(header(record, "seq")) for record in mine] == list(range(1, 41))


@pytest.mark.timing
async def test_an_idle_relay_publishes_within_milliseconds(settings: Settings, database: Database) -> None:
    relay = Relay(database, settings, [TOPIC])
    async with running(relay):
        await eventually(lambda: relay.leading and relay.healthy)
        await emit_numbers(database, 0)
        await eventually(partial(_all_published, database))
        took = []
        for number in range(1, 6):
            began = time.monotonic()
            await emit_numbers(database, number)
            await eventually(partial(_all_published, database))
            took.append(time.monotonic() - began)

    # Without NOTIFY each would wait for the poll of a second.
    assert median(took) < 0.5


async def test_a_crash_between_publishing_and_marking_repeats(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[int] = []
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def remember(session: AsyncSession, event: Envelope[events.UserSuspended]) -> None:
        handled.append(event.seq)

    mark = outbox._MARK
    monkeypatch.setattr(outbox, "_MARK", "SELECT 1 / 0 FROM unnest($1::bigint[])")
    relay = Relay(database, settings, [TOPIC])
    async with running(Consumer("other", handlers, database, settings)):
        async with running(relay):
            await emit_numbers(database, 1, 2, 3)
            await published(settings, 3)
        assert await unpublished(database) == 3
        monkeypatch.setattr(outbox, "_MARK", mark)
        async with running(Relay(database, settings, [TOPIC])):
            await eventually(partial(_all_published, database))
            records = await published(settings, 6)
            await emit_numbers(database, 4)
            await eventually(lambda: 4 in handled)

    assert len({header(record, "ce_id") for record in records}) == 3
    assert first_seqs(records) == [1, 2, 3]
    assert handled == [1, 2, 3, 4]


async def test_a_second_relay_takes_over_when_the_first_is_killed(settings: Settings, database: Database) -> None:
    async with _successor(settings, database):
        await emit_numbers(database, 3, 4)
        await eventually(partial(_all_published, database))
    assert first_seqs(await published(settings, 4)) == [1, 2, 3, 4]


@pytest.mark.timing
async def test_a_second_relay_takes_over_within_2_seconds(settings: Settings, database: Database) -> None:
    async with _successor(settings, database) as second:
        killed = time.monotonic()
        await emit_numbers(database, 3, 4)
        await eventually(lambda: second.leading)
        assert time.monotonic() - killed < 2


@asynccontextmanager
async def _successor(settings: Settings, database: Database) -> AsyncIterator[Relay]:
    """A relay beside one that led in a process of its own, had published two events, and was killed."""
    environment = {
        **os.environ,
        "EXCHANGE_DATABASE_URL": settings.database_url.get_secret_value(),
        "EXCHANGE_REDIS_URL": settings.redis_url.get_secret_value(),
        "EXCHANGE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "EXCHANGE_TOPIC_PREFIX": settings.topic_prefix,
        "EXCHANGE_TOPIC_PARTITIONS": str(settings.topic_partitions),
        "EXCHANGE_JWKS_FILE": str(settings.jwks_file),
    }
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RELAY, cwd=REPOSITORY, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert first.stdout is not None
        async with asyncio.timeout(30):
            while b"relay leads" not in await first.stdout.readline():
                assert first.returncode is None
        second = Relay(database, settings, [TOPIC])
        async with running(second):
            await emit_numbers(database, 1, 2)
            await eventually(partial(_all_published, database))
            assert not second.leading

            first.send_signal(signal.SIGKILL)
            await first.wait()
            yield second
    finally:
        if first.returncode is None:
            first.kill()
            await first.wait()


_RELAY = """
import asyncio
from shared.config import Settings
from shared.database.db import Database
from shared.messaging.outbox import Relay

async def main():
    settings = Settings()
    relay = Relay(Database(settings), settings, ["users.user"])
    await relay.start()
    await asyncio.sleep(3600)

asyncio.run(main())
"""


class _Producer:
    """A real producer whose second batch fails."""

    def __init__(self, real: AIOKafkaProducer, error: KafkaError) -> None:
        self._real = real
        self._error = error
        self._sent = 0
        self.client, self._sender = real.client, real._sender
        self.create_batch, self.partitions_for = real.create_batch, real.partitions_for

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[object]:
        self._sent += 1
        if self._sent == 2:
            raise self._error
        future: asyncio.Future[object] = await self._real.send_batch(batch, topic, partition=partition)
        return future


@pytest.mark.parametrize("error", [KafkaTimeoutError(), OutOfOrderSequenceNumber(), UnknownProducerId()])
async def test_a_batch_that_fails_is_not_overtaken_and_gets_a_new_producer(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, error: KafkaError
) -> None:
    producers: list[AIOKafkaProducer] = []

    async def start(settings: Settings) -> AIOKafkaProducer:
        real = await kafka.start_producer(settings)
        producers.append(real)
        return _Producer(real, error) if len(producers) == 1 else real

    monkeypatch.setattr(outbox, "start_producer", start)
    monkeypatch.setattr(kafka, "_MAX_MESSAGE_BYTES", 1000)
    await emit_numbers(database, *range(12))

    async with running(Relay(database, settings, [TOPIC])):
        await eventually(partial(_all_published, database))

    assert len(producers) == 2
    assert first_seqs(await published(settings, 12)) == list(range(1, 13))


async def test_a_relay_outlives_postgresql_going_away(settings: Settings, database: Database) -> None:
    async with linked(settings) as (behind, link):
        far = Database(behind)
        relay = Relay(far, behind, [TOPIC])
        async with running(relay):
            await emit_numbers(database, 1)
            await eventually(partial(_all_published, database))
            await link.cut()
            await eventually(lambda: relay.failure)
            await emit_numbers(database, 2)
            assert await unpublished(database) == 1
            await link.mend()
            await eventually(partial(_all_published, database))
            assert relay.healthy
        await far.close()
    assert first_seqs(await published(settings, 2)) == [1, 2]


@pytest.mark.timeout(480)  # two starts of a broker
async def test_a_killed_broker_costs_nothing_but_time(settings: Settings, database: Database, tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    await broker.prepare()
    broker.start()
    own = settings.model_copy(update={"kafka_bootstrap_servers": broker.address})
    handled: list[int] = []
    followed: list[int] = []
    handlers = Handlers()

    @handlers.on(events.UserSuspended)
    async def remember(session: AsyncSession, event: Envelope[events.UserSuspended]) -> None:
        handled.append(int(event.event.reason))

    async def follow() -> None:
        async for envelope in hub.follow("user:user_1", 0):
            followed.append(envelope.seq)

    hub = StreamHub(database, own, [TOPIC])
    try:
        await broker.wait(own)
        async with running(Relay(database, own, [TOPIC]), Consumer("other", handlers, database, own), hub):
            following = asyncio.create_task(follow())
            await emit_numbers(database, *range(1, 11))
            await eventually(lambda: len(handled) == 10)

            writing = asyncio.create_task(emit_numbers(database, *range(11, 101)))
            await eventually(lambda: len(handled) > 20)
            broker.kill()
            await writing
            await emit_numbers(database, *range(101, 121))
            # Subscribers get them all without Kafka.
            await eventually(lambda: len(followed) == 120)
            assert len(handled) < 120
            broker.start()

            await eventually(lambda: len(handled) == 120, 150)
            await eventually(partial(_all_published, database))
            following.cancel()
            records = await published(own, 120)
    finally:
        broker.kill()

    assert handled == list(range(1, 121))
    assert followed == list(range(1, 121))
    assert first_seqs(records) == list(range(1, 121))


async def test_what_is_too_old_is_deleted_and_streams_keep_their_heads(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Relay, "prune_seconds", 0.05)
    monkeypatch.setattr(Relay, "prune_rows", 2)
    with clock.offset(timedelta(days=-31)):
        await emit_numbers(database, 1, 2, 3, 4, 5)
    await emit_numbers(database, 6)
    await sql(database, _OLD_INBOX)
    await sql(database, _OLD_KEYS)

    async def pruned() -> bool:
        return await sql(database, _COUNTS) == [(1, 2, 2)]

    async with running(Relay(database, settings, [TOPIC])):
        await eventually(pruned)
    assert first_seqs(await published(settings, 6)) == [1, 2, 3, 4, 5, 6]
    assert await sql(database, "SELECT head FROM streams") == [(6,)]


async def test_nothing_is_deleted_before_it_is_published(settings: Settings, database: Database) -> None:
    with clock.offset(timedelta(days=-31)):
        await emit_numbers(database, 1, 2)
    await sql(database, "UPDATE outbox SET published_at = now() WHERE seq = 1")
    connection = await database.listen()
    await prune(connection, settings, Relay.prune_rows)
    await connection.close()

    assert await sql(database, "SELECT seq FROM outbox") == [(2,)]


_OLD_INBOX = """
    INSERT INTO inbox
    SELECT 'other', gen_random_uuid(), now() - n * interval '1 day' FROM generate_series(29, 33) AS n
"""
_OLD_KEYS = """
    INSERT INTO idempotency_keys
    SELECT 'user_1', n, 'placeBid', '', '', now() - n * interval '1 hour' FROM generate_series(23, 27) AS n
"""
_COUNTS = """
    SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM inbox), (SELECT count(*) FROM idempotency_keys)
"""


async def test_what_is_too_old_goes_from_small_topics_too(settings: Settings) -> None:
    await kafka.ensure_topics(settings, ["users.user"])

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    for topic in ("users.user", "users.user.dlq"):
        wanted = ConfigResource(ConfigResourceType.TOPIC, settings.topic_prefix + topic)
        (answer,) = await admin.describe_configs([wanted])
        found = {name: value for name, value, *_ in answer.resources[0][4]}
        assert found["retention.ms"] == str(settings.stream_retention_days * 86_400_000)
        # The segment that is written to is deleted by no retention.
        assert found["segment.ms"] == str(86_400_000)
    await admin.close()


async def test_topics_are_created_once_however_many_ask(settings: Settings) -> None:
    await asyncio.gather(*(kafka.ensure_topics(settings, ["users.user", "bids.bid"]) for _ in range(4)))

    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    topics = await admin.describe_topics()
    await admin.close()
    prefix = settings.topic_prefix
    assert {
        topic["topic"].removeprefix(prefix): len(topic["partitions"])
        for topic in topics
        if topic["topic"].startswith(prefix)
    } == {"users.user": 2, "users.user.dlq": 2, "bids.bid": 2, "bids.bid.dlq": 2}
