"""Many subscribers of one task in a process of their own: `python -m bench.subscribers`.

Reads one JSON line {"port", "tokens", "query", "variables"} and answers `{"ready": n}` once all are live. A
line {"until": seq, "seconds": n} waits until everybody has that event, and is answered by all arrivals,
{"<seq>": [moment, …]}, and the failures.
"""

import asyncio
import json
import sys
from collections import defaultdict

import uvloop

from bench.websocket import Subscriber, subscribe


async def _arrivals(subscribers: list[Subscriber], until: int, seconds: float) -> dict[str, object]:
    async def wait(subscriber: Subscriber) -> str | None:
        try:
            return None if await subscriber.wait_for(until, seconds) else "events are missing"
        except RuntimeError as error:
            return str(error)

    failures = [reason for reason in await asyncio.gather(*map(wait, subscribers)) if reason]
    moments: defaultdict[int, list[float]] = defaultdict(list)
    for subscriber in subscribers:
        for seq, moment in subscriber.arrivals.items():
            moments[seq].append(moment)
    return {"arrivals": moments, "failures": failures}


async def _serve() -> None:
    reader = asyncio.StreamReader(limit=2**26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    order = json.loads(await reader.readline())
    subscribers = await subscribe(order["port"], order["tokens"], order["query"], order["variables"])
    print(json.dumps({"ready": len(subscribers)}), flush=True)
    order = json.loads(await reader.readline())
    print(json.dumps(await _arrivals(subscribers, order["until"], order["seconds"])), flush=True)


if __name__ == "__main__":
    uvloop.run(_serve())
