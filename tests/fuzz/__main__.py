"""Fuzzes a system of its own: `python -m tests.fuzz [place …] [--seconds N] [--seed N] [--only FIELD]`.

A place is a subgraph or a router (`hive-router`, `embedded`); without any, all of them, one after the other. The
seed is printed; with it everything is sent again in the same order. The first failure ends it, with the shortest
operation that still fails.
"""

import argparse
import asyncio
import os
import sys

from tests.abuse import scene as scenes
from tests.fuzz import places
from tests.fuzz.fuzzer import fuzz
from tests.support import infrastructure


def main() -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", metavar="place")
    parser.add_argument("--seconds", type=float, default=60, help="for each place (default 60)")
    parser.add_argument("--seed", type=int, default=None, help="to repeat what was printed")
    parser.add_argument("--only", default="", help="of one root field, such as Mutation.placeBid")
    options = parser.parse_args()
    number = options.seed if options.seed is not None else int.from_bytes(os.urandom(4))
    with infrastructure.whole_system() as stack:
        known = places.names(stack)
        if unknown := set(options.places) - set(known):
            parser.error(f"{', '.join(sorted(unknown))}: the places are {', '.join(known)}")
        for name in options.places or known:
            # What went before may have used up or suspended somebody.
            scene = asyncio.run(scenes.play(stack))
            print(f"{name}: {options.seconds:.0f} s with --seed {number}", flush=True)
            try:
                print(fuzz(places.endpoint(stack, scene, name), number, options.seconds, options.only), flush=True)
            except AssertionError as failure:
                print(f"FAILED. To repeat it: make fuzz ARGS='{name} --seed {number}'\n{failure}", flush=True)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
