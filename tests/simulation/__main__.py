"""Plays the money path as seeds say: `python -m tests.simulation [--seed N] [--seeds N] [--first N]`.

A failure prints its seed and what happened; `--seed` plays it again, step by step.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.simulation.run import Run
from tests.simulation.scheduling import Violation
from tests.simulation.world import a_world
from tests.support import infrastructure


async def play(first: int, count: int, *, is_told: bool) -> int:
    """The exit code: 1 if something did not hold."""
    began = time.monotonic()
    with infrastructure.start(), tempfile.TemporaryDirectory() as folder:
        async with a_world(Path(folder)) as world:
            for seed in range(first, first + count):
                run = Run(world, seed)
                try:
                    await run.play()
                except Violation as violation:
                    print(f"{violation}\nTo play it again: make simulate SEED={seed}", flush=True)
                    return 1
                if is_told:
                    print("\n".join(run.trace), flush=True)
    print(f"{count} seeds from {first} in {time.monotonic() - began:.0f} s: all held", flush=True)
    return 0


def main() -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="play one, and show what happens")
    parser.add_argument("--seeds", type=int, default=200, help="how many to play (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default 0)")
    options = parser.parse_args()
    if options.seed is not None:
        return uvloop.run(play(options.seed, 1, is_told=True))
    return uvloop.run(play(options.first, options.seeds, is_told=False))


if __name__ == "__main__":
    sys.exit(main())
