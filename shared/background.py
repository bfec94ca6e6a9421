"""Ending what a process does in the background."""

import asyncio


async def end(*tasks: asyncio.Task[object], grace_seconds: float = 0, again_seconds: float = 1) -> None:
    """Waits `grace_seconds` for tasks and then cancels them until they are over; their results stay readable.

    Once may not be enough: a client of Redis or Kafka whose own time limit runs out in the same moment takes the
    cancellation for that, and a loop that survives failures goes on. Whatever tidies up behind itself has
    `again_seconds` for it.
    """
    running = set(tasks)
    patience = grace_seconds
    while running:
        _, running = await asyncio.wait(running, timeout=patience)
        for task in running:
            task.cancel()
        patience = again_seconds
