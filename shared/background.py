"""What goes on in the background of a process: waiting before it tries again, and ending it."""

import asyncio
import random


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


class Backoff:
    """Waits that double from `first` to `most` seconds, with jitter so that replicas do not march in step."""

    def __init__(self, first: float = 0.05, most: float = 1.5) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        self._next = self._first

    def next(self) -> float:
        delay, self._next = self._next, min(self._next * 2, self._most)
        return delay * random.uniform(0.5, 1.0)

    async def wait(self) -> None:
        await asyncio.sleep(self.next())
