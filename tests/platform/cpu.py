"""Measuring what bad input costs."""

import time
from collections.abc import Callable

LIMIT_SECONDS = 0.05


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU time of one run, the least of five: neighbours on the machine only ever make it longer."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
        if best < LIMIT_SECONDS / 2:
            break
    return best
