"""Many subscribers of one task: whether all get each event, and how long the last ones wait."""

import asyncio
import json
import subprocess
import sys
from typing import Any

from bench.figures import Figure, percentile
from bench.latency import EVENTS, FIRST_EVENTS
from bench.processes import cpu_seconds
from bench.system import System
from deploy.local.layout import REPOSITORY

_EVENTS = 20
_WARM_UP = 2
_PAUSE_SECONDS = 1.0
_LAST_SECONDS = 30


async def measure(system: System, router: str, subscribers: int, limit: float | None) -> list[Figure]:
    """Changes a task once a second in front of its subscribers, each with a token of its own."""
    poster = system.people[0]
    task_id = await system.create_task(poster, 0)
    names = ("tasks", system.stack.router(router))
    committed: dict[int, float] = {}
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.subscribers",
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=2**28,
    )  # fmt: skip
    try:
        order = {
            "port": system.router_port(router),
            "tokens": [system.token(poster, f"session_{number}") for number in range(subscribers)],
            "query": EVENTS,
            "variables": {"taskId": task_id, "after": 0},
        }
        await _ask(client, order)
        pids = {name: system.stack.record(name).pid for name in names} | {"client": client.pid}
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        last = FIRST_EVENTS + _WARM_UP + _EVENTS
        for seq in range(FIRST_EVENTS + 1, last + 1):
            await system.update_task(system.port("tasks"), poster, task_id, seq - 1)
            committed[seq] = await system.committed_at(task_id)
            await asyncio.sleep(_PAUSE_SECONDS)
        answer = await _ask(client, {"until": last, "seconds": _LAST_SECONDS})
        spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items() if name != "client"}
    finally:
        if client.returncode is None:
            client.terminate()
        await client.wait()
    moments = {int(seq): moments for seq, moments in answer["arrivals"].items() if int(seq) in committed}
    missing = sum(subscribers - len(moments.get(seq, ())) for seq in committed)
    delays = [
        (moment - committed[seq]) * 1000
        for seq, arrived in moments.items()
        if seq > FIRST_EVENTS + _WARM_UP
        for moment in arrived
    ]
    note = f"{router}, {_EVENTS} events"
    failed = f": {answer['failures'][0]}" if answer["failures"] else ""
    each = len(committed)
    return [
        Figure(
            f"{subscribers:,} subscribers, events lost", missing, "", None if limit is None else 0, f"{note}{failed}"
        ),
        Figure(f"{subscribers:,} subscribers, p50", percentile(delays, 0.5), "ms", note=note),
        Figure(f"{subscribers:,} subscribers, p99", percentile(delays, 0.99), "ms", limit, note),
        *(
            Figure(f"{subscribers:,} subscribers, CPU of {name} per event", seconds * 1000 / each, "ms", note=note)
            for name, seconds in spent.items()
        ),
    ]


async def _ask(client: asyncio.subprocess.Process, order: dict[str, Any]) -> dict[str, Any]:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(json.dumps(order).encode() + b"\n")
    await client.stdin.drain()
    line = await client.stdout.readline()
    if not line:
        raise RuntimeError("the subscribers' process ended")
    answer: dict[str, Any] = json.loads(line)
    return answer
