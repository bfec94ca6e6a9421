"""CPU time of a subgraph per request, beside the reference's for the same answer."""

import asyncio
import contextlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.figures import Figure
from bench.http import graphql_request, send_many, send_once
from bench.processes import cpu_seconds
from bench.system import System
from deploy.local.layout import REPOSITORY

_LIMIT = 0.25
_ROUNDS = 10
_REQUESTS_PER_ROUND = 200
_WARM_UP = 200
_CONNECTIONS = 4
# In the instance's range of ports, behind its own.
_REFERENCE_OFFSET = 40

_FIELDS = """id poster { id } title description category { id slug name } budget { amount currency } mode status
    version dueAt createdAt publishedAt expiresAt"""
_TASK = f"query Task($id: ID!) {{ task(id: $id) {{ {_FIELDS} }} }}"
_PAGE = f"query Tasks($first: Int) {{ tasks(first: $first) {{ nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage }} }} }}"
_ENTITIES = f"""query Entities($representations: [_Any!]!) {{
  _entities(representations: $representations) {{ ... on Task {{ {_FIELDS} }} }}
}}"""


@dataclass(frozen=True, slots=True)
class _Server:
    port: int
    pid: int

    async def milliseconds(self, requests: Sequence[bytes], count: int) -> float:
        """CPU time of the process while it answers `count` requests."""
        before = cpu_seconds(self.pid)
        await send_many(self.port, requests, count, _CONNECTIONS)
        return (cpu_seconds(self.pid) - before) * 1000


async def measure(system: System) -> list[Figure]:
    """The three kinds of request, each in rounds that alternate between subgraph and reference."""
    ours = _Server(system.port("tasks"), system.stack.record("tasks").pid)
    token = system.token(system.people[0])
    cases = {
        "task(id)": [graphql_request(_TASK, {"id": task_id}, token) for task_id in system.tasks],
        "page of 20 tasks": [graphql_request(_PAGE, {"first": 20}, token)],
        "20 _entities": [
            graphql_request(_ENTITIES, {"representations": [_representation(each) for each in chunk]}, token)
            for chunk in (system.tasks[start : start + 20] for start in range(0, len(system.tasks), 20))
        ],
    }
    figures: list[Figure] = []
    async with _reference(system) as reference:
        for name, requests in cases.items():
            await _check_same(ours, reference, requests)
            figures += await _compare(name, ours, reference, requests)
    return figures


async def _compare(name: str, ours: _Server, reference: _Server, requests: Sequence[bytes]) -> list[Figure]:
    for server in (ours, reference):
        await send_many(server.port, requests, _WARM_UP, _CONNECTIONS)
    our_time = reference_time = 0.0
    for _ in range(_ROUNDS):
        our_time += await ours.milliseconds(requests, _REQUESTS_PER_ROUND)
        reference_time += await reference.milliseconds(requests, _REQUESTS_PER_ROUND)
    count = _ROUNDS * _REQUESTS_PER_ROUND
    return [
        Figure(f"CPU per {name}", our_time / count, "ms", note=f"subgraph tasks, {count} requests"),
        Figure(f"CPU per {name}, reference", reference_time / count, "ms", note="Strawberry's router, SQLModel"),
        Figure(f"CPU per {name}, ratio", our_time / reference_time, "", _LIMIT),
    ]


async def _check_same(ours: _Server, reference: _Server, requests: Sequence[bytes]) -> None:
    """Raises ValueError unless both answer the same, apart from how they write times."""
    for request in (requests[0], requests[-1]):
        answers = [_plain(await send_once(server.port, request)) for server in (ours, reference)]
        if answers[0] != answers[1]:
            raise ValueError(f"The reference answers something else:\n{answers[0]}\n{answers[1]}"[:2000])


def _plain(answer: dict[str, Any]) -> str:
    text = re.sub(r"(\d\dT[\d:]{8}\.\d{3})(\d{3}\+00:00|Z)", r"\1Z", json.dumps(answer))
    return re.sub(r"(\d\dT[\d:]{8})(\+00:00|\.000Z)", r"\1Z", text)


def _representation(task_id: str) -> dict[str, str]:
    return {"__typename": "Task", "id": task_id}


@contextlib.asynccontextmanager
async def _reference(system: System) -> AsyncIterator[_Server]:
    port = system.stack.instance.base + _REFERENCE_OFFSET
    with (system.stack.instance.logs / "reference.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "uvicorn", "bench.reference:app", "--port", str(port),
            cwd=REPOSITORY,
            env={**os.environ, "REFERENCE_DATABASE_URL": system.stack.database_url("tasks")},
            stdout=log,
            stderr=log,
        )  # fmt: skip
        try:
            async with asyncio.timeout(60):
                while not await _listens(port):
                    await asyncio.sleep(0.1)
            yield _Server(port, process.pid)
        finally:
            process.terminate()
            await process.wait()


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
