"""From the acceptance of a bid to the poster's being shown that the task is assigned: charged meanwhile, and held."""

import asyncio
import time

from bench.figures import Figure, percentile
from bench.http import graphql_request, send_once
from bench.latency import EVENTS
from bench.system import System
from bench.websocket import subscribe

ACCEPT_BID = "mutation($input: AcceptBidInput!) { acceptBid(input: $input) { bid { id } userErrors { code } } }"
# Of a task: created, published, funding started, assigned.
_ASSIGNED = 4
_WARM_UP = 10
_SAMPLES = 200
_PAUSE_SECONDS = 0.2


async def measure(system: System, router: str, limits: tuple[float | None, float | None]) -> list[Figure]:
    """Accepts one bid after the other through the router, of tasks that their poster follows there."""
    await system.prepare_for_money()
    poster, tasker = system.people[:2]
    port, token = system.router_port(router), system.token(poster)
    milliseconds = []
    for number in range(_WARM_UP + _SAMPLES):
        task_id = await system.create_task(poster, number)
        bid_id = await system.place_bid(tasker, task_id)
        (subscriber,) = await subscribe(port, [token], EVENTS, {"taskId": task_id, "after": 0})
        try:
            # What is told of the new bid has come to its end.
            await asyncio.sleep(_PAUSE_SECONDS)
            request = graphql_request(ACCEPT_BID, {"input": {"bidId": bid_id, "expectedVersion": 1}}, token)
            began = time.time()
            accepted = (await send_once(port, request))["acceptBid"]
            if accepted["userErrors"]:
                raise ValueError(str(accepted["userErrors"]))
            if not await subscriber.wait_for(_ASSIGNED, 10):
                raise TimeoutError("the task was not assigned")
            if number >= _WARM_UP:
                milliseconds.append((subscriber.arrivals[_ASSIGNED] - began) * 1000)
        finally:
            subscriber.close()
    note = f"{router}, {_SAMPLES} acceptances"
    return [
        Figure(f"Accepted to assigned, p{share:.0%}".rstrip("%"), percentile(milliseconds, share), "ms", limit, note)
        for share, limit in zip((0.5, 0.99), limits, strict=True)
    ]
