"""Measures what docs/benchmarks.md reports: `python -m bench`, run by `make bench`."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from rich.console import Console

from bench import books, cpu, fanout, hops, latency, lifecycles, payment, search, system
from bench.figures import Figure, print_table
from bench.processes import busy_seconds
from deploy.local.layout import DEFAULT_STATE, Instance, tools_on_path
from deploy.local.routers import HIVE_ROUTER

# Pages come first, since the others publish tasks of their own, and what loads a million of them last.
PARTS = ("cpu", "hops", "latency", "fanout", "payment", "lifecycles", "books", "search")
_SUBSCRIBERS = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of {', '.join(PARTS)}; all by default")
    parser.add_argument("--report-only", action="store_true", help="exit with 0 also when a target is missed")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE / "bench", help="folder of the system measured")
    parser.add_argument("--port-base", type=int, default=18_200, help="first of about 50 ports")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    tools_on_path()
    console = Console(width=None if sys.stdout.isatty() else 150)
    figures = asyncio.run(_measure(Instance(options.state, options.port_base), options.parts or PARTS, console))
    print_table(console, figures)
    return int(any(figure.missed for figure in figures) and not options.report_only)


async def _measure(instance: Instance, parts: tuple[str, ...], console: Console) -> list[Figure]:
    console.print("Starting a system of its own …")
    figures: list[Figure] = []
    async with system.start(instance) as running:
        for part in PARTS:
            if part in parts:
                console.print(f"Measuring {part} …")
                started, busy = time.monotonic(), busy_seconds()
                figures += await _part(part, running, console)
                cores = (busy_seconds() - busy) / (time.monotonic() - started)
                console.print(f"  {cores:.2f} of {os.cpu_count()} cores were busy, with whatever else ran here.")
    return figures


async def _part(part: str, running: system.System, console: Console) -> list[Figure]:
    if part == "cpu":
        return await cpu.measure(running)
    if part == "search":
        return await search.measure(running, console)
    if part == "books":
        return await books.measure(running, console)
    if part == "lifecycles":
        # Hive Router, where it is installed, is the one that carries load.
        return await lifecycles.measure(running, running.routers[0])
    figures: list[Figure] = []
    for router in running.routers:
        # The targets hold behind the router of every deployment that carries load.
        aimed = router == HIVE_ROUTER
        if part == "hops":
            figures += await hops.measure(running, router, target=aimed)
        elif part == "latency":
            figures += await latency.measure(running, router, (25, 100) if aimed else (None, None))
        elif part == "payment":
            figures += await payment.measure(running, router, (150, 500) if aimed else (None, None))
        else:
            figures += await fanout.measure(running, router, _SUBSCRIBERS, 500 if aimed else None)
    return figures


if __name__ == "__main__":
    sys.exit(main())
