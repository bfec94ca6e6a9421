"""Background work ends even if something swallows its cancellation."""

import asyncio

from shared import background


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
    async with asyncio.timeout(10):
        await background.end(task)
    assert (task.done(), swallowed) == (True, 2)
