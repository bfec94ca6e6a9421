"""Measuring what bad input costs, whatever the machine."""

import gc
import time
from collections.abc import Awaitable, Callable

LIMIT_SECONDS = 0.05

# What `_work` takes on an idle core of the machine that the limits are meant for.
_WORK_SECONDS = 0.0040


def cpu_seconds(run: Callable[[], object], limit: float = LIMIT_SECONDS) -> float:
    """CPU time of one run on the machine that limits are meant for, without collecting other tests' garbage.

    The least of forty: neighbours on the machine, with which a core's caches and pipelines are shared,
    only ever make it longer. It stops when the limit is kept.
    """
    best, slow = float("inf"), float("inf")
    gc.collect()
    gc.disable()
    try:
        for _ in range(40):
            started = time.process_time()
            run()
            best = min(best, time.process_time() - started)
            slow = 1.0 if best < limit else min(slow, slowness())
            if best / slow < limit:
                break
    finally:
        gc.enable()
    return best / slow


async def cpu_seconds_once(run: Callable[[], Awaitable[object]]) -> float:
    """CPU time of one run that is awaited, on the machine that limits are meant for: what costs less when repeated."""
    slow = slowness()
    gc.collect()
    gc.disable()
    try:
        started = time.process_time()
        await run()
        seconds = time.process_time() - started
    finally:
        gc.enable()
    return seconds / max(slow, slowness())


def slowness() -> float:
    """How many times as long as on the machine that limits are meant for everything takes just now; 1 at least."""
    started = time.thread_time()
    _work()
    return max(1.0, (time.thread_time() - started) / _WORK_SECONDS)


def _work() -> None:
    """What processes of Python do most: look up, make and drop small objects."""
    known: dict[str, list[int]] = {}
    for number in range(30_000):
        known.setdefault(str(number % 997), []).append(number)
    sorted(known.items(), key=lambda item: len(item[1]))
