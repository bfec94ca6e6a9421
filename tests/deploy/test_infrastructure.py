import asyncpg
import pytest
import redis.asyncio as redis
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

_EVENTS = """INSERT INTO outbox (stream, seq, event_id, type, topic, body, occurred_at)
    SELECT 'task:1', seq, gen_random_uuid(), 'none', 'none', '{}', now() FROM generate_series(1, $1) seq
    RETURNING position"""


@pytest.mark.parametrize("rows", [1, 20_000, 2])
async def test_database_is_empty_at_the_start_of_each_test(database_url, rows):
    connection = await asyncpg.connect(database_url("platform").replace("+asyncpg", ""))
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    positions = [row["position"] for row in await connection.fetch(_EVENTS, rows)]
    assert positions == list(range(1, rows + 1))
    await connection.close()


@pytest.mark.parametrize("round_number", [1, 2])
async def test_redis_is_empty_at_the_start_of_each_test(redis_url, round_number):
    async with redis.from_url(redis_url) as client:
        assert await client.set("key", "value", nx=True)


async def test_kafka_creates_topics(kafka_bootstrap, topic_prefix):
    topic = f"{topic_prefix}bids.bid"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    # The controller answers as soon as it has decided; the broker knows of it a moment later, for which producers wait.
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await producer.start()
    try:
        await admin.create_topics([NewTopic(topic, 2, 1)])
        assert await producer.partitions_for(topic) == {0, 1}
    finally:
        await producer.stop()
        await admin.close()
