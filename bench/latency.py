"""From the commit of a change to the client that follows it, while nothing else happens."""

import asyncio

from bench.figures import Figure, percentile
from bench.system import System
from bench.websocket import subscribe

EVENTS = """subscription TaskEvents($taskId: ID!, $after: Int) {
  taskEvents(taskId: $taskId, after: $after) { seq previousSeq type occurredAt task { id title status version } }
}"""
# What createTask and publishing have told, and the version that they left.
FIRST_EVENTS = 2
_WARM_UP = 20
_SAMPLES = 200
_PAUSE_SECONDS = 0.1


async def measure(system: System, router: str, limits: tuple[float | None, float | None]) -> list[Figure]:
    """Changes a task again and again, and compares the commit's time with the event's arrival."""
    poster = system.people[0]
    task_id = await system.create_task(poster, 0)
    port = system.router_port(router)
    (subscriber,) = await subscribe(port, [system.token(poster)], EVENTS, {"taskId": task_id, "after": 0})
    milliseconds = []
    try:
        for number in range(_WARM_UP + _SAMPLES):
            seq = FIRST_EVENTS + 1 + number
            await system.update_task(system.port("tasks"), poster, task_id, seq - 1)
            if not await subscriber.wait_for(seq, 10):
                raise TimeoutError(f"event {seq} did not arrive")
            delay = subscriber.arrivals[seq] - await system.committed_at(task_id)
            if number >= _WARM_UP:
                milliseconds.append(delay * 1000)
            await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        subscriber.close()
    note = f"{router}, {_SAMPLES} events"
    return [
        Figure(f"Commit to client, p{share:.0%}".rstrip("%"), percentile(milliseconds, share), "ms", limit, note)
        for share, limit in zip((0.5, 0.99), limits, strict=True)
    ]
