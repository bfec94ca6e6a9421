"""Tasks from their post to the payout, as many at a time as the machine takes; and the ledger after it."""

import asyncio
import os
import time
import uuid
from itertools import count
from typing import Any

import asyncpg
import httpx

from bench.figures import Figure
from bench.http import graphql_request, send_once
from bench.payment import ACCEPT_BID
from bench.processes import cpu_seconds, family_seconds
from bench.system import POSTERS, System
from deploy.local import secret_files
from deploy.local.layout import built_subgraphs

_WARM_UP = 40
_LIFECYCLES = 600
_AT_ONCE = 24
_LEAST = 20
_POLL_SECONDS = 0.02
_SHOWN = 6
_PROCESSES = ("postgres", "kafka", "redis", "sandbox", *built_subgraphs())


def _step(name: str) -> str:
    kind = name[0].upper() + name[1:]
    return f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ task {{ version }} userErrors {{ code }} }} }}"


_START_TASK, _SUBMIT_DELIVERY, _APPROVE_DELIVERY = map(_step, ("startTask", "submitDelivery", "approveDelivery"))
_REQUEST_PAYOUT = (
    "mutation($input: RequestPayoutInput!) { requestPayout(input: $input) { payout { id } userErrors { code } } }"
)
# 110.00 without the fee of 10 %.
_EARNED = {"amount": "99.00", "currency": "EUR"}

_UNBALANCED = """
    SELECT count(*) FROM (
        SELECT transaction_id FROM ledger_entries
        GROUP BY transaction_id HAVING sum(CASE side WHEN 'DEBIT' THEN amount_minor ELSE -amount_minor END) <> 0
    ) AS unbalanced
"""
_CLEARING = "SELECT sum(balance_minor) FROM ledger_accounts WHERE kind = 'CLEARING'"
# What is held for a task whose work was approved, or owed to a tasker who was paid out.
_LEFT = """
    SELECT coalesce(sum(abs(balance_minor)), 0) FROM ledger_accounts
    WHERE kind IN ('PAYABLE', 'PAYOUTS') OR (kind = 'ESCROW' AND owner_id IN (
        SELECT id FROM escrows WHERE task_id = ANY($1)
    ))
"""


class Waiting:
    """Who waits for something that happens to a task: asked of the database, once for all."""

    def __init__(self, connection: asyncpg.Connection, query: str) -> None:
        self._connection = connection
        self._query = query
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def come(self, task_id: str) -> None:
        """Returns when the query answers this task."""
        async with asyncio.timeout(120):
            await self._waiting.setdefault(task_id, asyncio.get_running_loop().create_future())

    async def look(self) -> None:
        """Looks until it is cancelled."""
        while True:
            for (task_id,) in await self._connection.fetch(self._query, list(self._waiting)):
                self._waiting.pop(task_id).set_result(None)
            await asyncio.sleep(_POLL_SECONDS)


class Run:
    """Lifecycles of tasks, each from post to payout."""

    def __init__(self, system: System, port: int, assigned: Waiting, released: Waiting) -> None:
        self._system = system
        self._port = port
        self._assigned, self._released = assigned, released
        self._tokens = {person: system.token(person) for person in system.people}
        self._numbers = count()
        self.task_ids: list[str] = []

    async def lifecycles(self, number: int) -> None:
        """So many, a few at the same time."""
        few = asyncio.Semaphore(_AT_ONCE)

        async def one() -> None:
            async with few:
                await self._lifecycle()

        await asyncio.gather(*(one() for _ in range(number)))

    async def _lifecycle(self) -> None:
        system, number = self._system, next(self._numbers)
        poster, tasker = system.people[number % POSTERS], system.people[(number + 7) % POSTERS]
        task_id = await system.create_task(poster, number, self._port)
        bid_id = await system.place_bid(tasker, task_id, self._port)
        self.task_ids.append(task_id)
        await self._act(poster, ACCEPT_BID, bidId=bid_id, expectedVersion=1)
        await self._assigned.come(task_id)
        await self._act(tasker, _START_TASK, taskId=task_id)
        delivered = await self._act(tasker, _SUBMIT_DELIVERY, taskId=task_id, message="Both sides have two coats now.")
        version = delivered["task"]["version"]
        await self._act(poster, _APPROVE_DELIVERY, taskId=task_id, expectedVersion=version)
        await self._released.come(task_id)
        await self._act(tasker, _REQUEST_PAYOUT, amount=_EARNED, idempotencyKey=str(uuid.uuid4()))

    async def _act(self, person: str, mutation: str, **input: object) -> dict[str, Any]:
        request = graphql_request(mutation, {"input": input}, self._tokens[person])
        payload: dict[str, Any] = next(iter((await send_once(self._port, request)).values()))
        if payload["userErrors"]:
            raise ValueError(str(payload["userErrors"]))
        return payload


async def measure(system: System, router: str) -> list[Figure]:
    """Runs many lifecycles through the router, and compares what the ledger says in the end with the provider."""
    await system.prepare_for_money()
    async with system.superuser("tasks") as tasks, system.superuser("payments") as payments:
        assigned = Waiting(tasks, "SELECT id FROM tasks WHERE status = 'ASSIGNED' AND id = ANY($1)")
        released = Waiting(payments, "SELECT task_id FROM escrows WHERE status = 'RELEASED' AND task_id = ANY($1)")
        run = Run(system, system.router_port(router), assigned, released)
        async with asyncio.TaskGroup() as group:
            looking = [group.create_task(each.look()) for each in (assigned, released)]
            await run.lifecycles(_WARM_UP)
            before, began = _cpu(system, router), time.monotonic()
            await run.lifecycles(_LIFECYCLES)
            seconds = time.monotonic() - began
            spent = {name: total - before[name] for name, total in _cpu(system, router).items()}
            for each in looking:
                each.cancel()
        async with asyncio.timeout(120):
            while await payments.fetchval("SELECT count(*) FROM payouts WHERE status = 'PENDING'"):
                await asyncio.sleep(0.1)
        unbalanced = await payments.fetchval(_UNBALANCED)
        left = await payments.fetchval(_LEFT, run.task_ids)
        difference = await payments.fetchval(_CLEARING) - await _held_by_provider(system)
    note = f"{router}, {_AT_ONCE} at a time"
    return [
        Figure("Lifecycles a second", _LIFECYCLES / seconds, "", note=note, least=_LEAST),
        Figure("CPU per lifecycle", sum(spent.values()) / _LIFECYCLES * 1000, "ms", note=note),
        *(
            Figure(f"CPU per lifecycle, {name}", spend / _LIFECYCLES * 1000, "ms", note=note)
            for name, spend in sorted(spent.items(), key=lambda each: -each[1])[:_SHOWN]
        ),
        Figure("Lifecycles, transactions out of balance", unbalanced, "", 0, "of the ledger"),
        Figure("Lifecycles, cents neither earned nor paid out", float(left), "", 0, "in escrows and balances"),
        Figure("Lifecycles, cents the provider has otherwise", float(abs(difference)), "", 0, "than the ledger"),
    ]


def _cpu(system: System, router: str) -> dict[str, float]:
    """CPU time of each process so far, in seconds, this one included."""
    names = (*_PROCESSES, system.stack.router(router))
    spent = {name: family_seconds(system.stack.record(name).pid) for name in names}
    return {**spent, "the client": cpu_seconds(os.getpid())}


async def _held_by_provider(system: System) -> int:
    """What the sandbox has for us, in cents."""
    headers = {"authorization": f"Bearer {secret_files.sandbox_api_key(system.stack.instance)}"}
    async with httpx.AsyncClient(headers=headers, verify=False) as client:  # noqa: S501  # it is on this machine
        answer = await client.get(system.stack.url("sandbox", "/v1/balances"))
    return int(answer.raise_for_status().json()["balances"]["EUR"])
