"""Ending what a process does in the background."""

import asyncio


async def end(task: asyncio.Task[None]) -> None:
    """Cancels a task until it is over.

    Once may not be enough: a client of Redis whose own time limit runs out in the same moment takes the cancellation
    for that, and a loop that survives failures goes on.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=1)
