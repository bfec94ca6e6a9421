"""Background work ends even if something swallows its cancellation."""

import asyncio

import pytest
from aiokafka.client import AIOKafkaClient

from shared import background
from shared.messaging.kafka import discard_producer, ensure_topics, start_producer
from tests.conftest import SettingsFor
from tests.support.messaging import TOPIC


async def test_a_task_that_swallows_its_cancellation_ends_with_the_next_one() -> None:
    swallowed = 0

    async def work() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await background.end(task)
    assert (task.done(), swallowed) == (True, 2)


async def test_what_ends_in_its_time_is_not_cancelled() -> None:
    task = asyncio.create_task(asyncio.sleep(0.05))
    await background.end(task, grace_seconds=10)
    assert (task.done(), task.cancelled()) == (True, False)


@pytest.mark.parametrize("hanging", ["client", "_sender"])
async def test_a_producer_is_given_up_also_if_it_hangs(settings_for: SettingsFor, hanging: str) -> None:
    settings = settings_for("platform")
    await ensure_topics(settings, [TOPIC])
    producer = await start_producer(settings)
    part = getattr(producer, hanging)
    close = part.close
    part.close = asyncio.Event().wait
    async with asyncio.timeout(30):
        await discard_producer(producer)
    await close()
    assert producer._sender.sender_task.done()


async def test_topics_are_ensured_also_if_the_client_hangs(
    settings_for: SettingsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = AIOKafkaClient.close
    left: list[AIOKafkaClient] = []

    async def hang(client: AIOKafkaClient) -> None:
        left.append(client)
        await asyncio.Event().wait()

    monkeypatch.setattr(AIOKafkaClient, "close", hang)
    async with asyncio.timeout(30):
        await ensure_topics(settings_for("platform"), [TOPIC])
    assert len(left) == 1
    await close(left[0])
