"""Measuring what bad input costs."""

import gc
import time
from collections.abc import Callable

LIMIT_SECONDS = 0.05


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU time of one run, without collecting other tests' garbage.

    The least of twenty: neighbours on the machine, with which a core's caches and pipelines are shared,
    only ever make it longer. It stops when half of the limit is reached.
    """
    best = float("inf")
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            started = time.process_time()
            run()
            best = min(best, time.process_time() - started)
            if best < LIMIT_SECONDS / 2:
                break
    finally:
        gc.enable()
    return best
