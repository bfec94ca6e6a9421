"""The system under measurement: started anew, with data of its own."""

import asyncio
import contextlib
import fcntl
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import jwt

from bench.http import graphql_request, send_once
from deploy.demo.provider import give_card, set_up_payouts
from deploy.local import control, postgres_server, routers, secret_files, system
from deploy.local.layout import Instance
from deploy.local.stack import Stack

POSTERS = 20
TASKS = 200
_TASKS_WITH_BIDS = 40
_BIDS_OF_A_TASK = 3
_PASSWORD = "a long password of the benchmark"  # noqa: S105  # of accounts that live for this run

_CREATE_TASK = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } userErrors { message } } }"
_UPDATE_TASK = (
    "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { task { version } userErrors { message } } }"
)
_PLACE_BID = "mutation($input: PlaceBidInput!) { placeBid(input: $input) { bid { id } userErrors { code message } } }"
_SIGN_UP = "mutation($input: SignUpInput!) { signUp(input: $input) { session { user { id } } userErrors { message } } }"
_CATEGORIES = "{ categories { children { id } } }"


@dataclass(frozen=True)
class System:
    """The running stack, who is in it and what there is."""

    stack: Stack
    routers: tuple[str, ...]
    people: tuple[str, ...]
    """Ids of accounts; each is poster and tasker."""
    tasks: tuple[str, ...]
    """Ids of open tasks, oldest first; they belong to the people in turn."""
    category: str

    def token(self, user_id: str, session: str = "session_01benchmark") -> str:
        """An access token as `users` signs it, valid for longer than the benchmark runs."""
        key = json.loads(secret_files.signing_keys(self.stack.instance).read_text())["keys"][0]
        now = int(time.time())
        claims = {
            "iss": "service-exchange", "aud": "service-exchange", "sub": user_id, "sid": session,
            "roles": ["POSTER", "TASKER"], "scope": "marketplace", "iat": now, "exp": now + 7200,
        }  # fmt: skip
        return jwt.encode(claims, jwt.PyJWK(key), algorithm="EdDSA", headers={"kid": key["kid"]})

    def port(self, name: str) -> int:
        return self.stack.instance.port(name)

    def router_port(self, kind: str) -> int:
        return self.port(self.stack.router(kind))

    async def create_task(self, poster: str, number: int, port: int | None = None) -> str:
        """Publishes a task, straight at the subgraph or through the server at `port`; answers its id."""
        task = {
            "title": f"Assemble wardrobe number {number}",
            "description": "Everything is unpacked in the bedroom on the third floor. Please bring your own tools.",
            "categoryId": self.category, "budget": {"amount": "120.00", "currency": "EUR"}, "mode": "REMOTE",
            "dueAt": (datetime.now(UTC) + timedelta(days=20)).isoformat(), "publish": True,
        }  # fmt: skip
        answer = await self._act(port or self.port("tasks"), poster, _CREATE_TASK, task)
        return str(answer["createTask"]["task"]["id"])

    async def prepare_for_money(self) -> None:
        """Gives everybody a card, and taskers' payouts a bank account."""
        for person in self.people:
            call = partial(self._call_payments, person)
            await give_card(call, self.stack.url("sandbox"))
            await set_up_payouts(call)
        async with self.superuser("payments") as connection, asyncio.timeout(60):
            while await connection.fetchval("SELECT count(*) FROM payout_accounts WHERE status = 'ACTIVE'") < POSTERS:
                await asyncio.sleep(0.1)

    async def _call_payments(self, actor: str, document: str, **variables: object) -> Any:
        request = graphql_request(document, variables, self.token(actor))
        return next(iter((await send_once(self.port("payments"), request)).values()))

    async def update_task(self, port: int, poster: str, task_id: str, version: int) -> None:
        """Changes a task through the server at `port`; its events are seen by whoever follows the task."""
        change = {"taskId": task_id, "expectedVersion": version, "title": f"Assemble a wardrobe, version {version}"}
        request = graphql_request(_UPDATE_TASK, {"input": change}, self.token(poster))
        answer = (await send_once(port, request))["updateTask"]
        if answer["userErrors"]:
            raise ValueError(str(answer["userErrors"]))

    async def place_bid(self, tasker: str, task_id: str, port: int | None = None) -> str:
        """Bids on a task once `bids` knows it; answers the bid's id."""
        bid = {
            "taskId": task_id, "amount": {"amount": "110.00", "currency": "EUR"},
            "message": "I assemble furniture every day and can come on Saturday.",
        }  # fmt: skip
        port = port or self.port("bids")
        async with asyncio.timeout(60):
            while errors := (placed := (await self._act(port, tasker, _PLACE_BID, bid))["placeBid"])["userErrors"]:
                if errors[0]["code"] != "NOT_FOUND":
                    raise ValueError(str(errors))
                await asyncio.sleep(0.1)
        return str(placed["bid"]["id"])

    async def _act(self, port: int, actor: str, mutation: str, input: dict[str, Any]) -> dict[str, Any]:
        return await send_once(port, graphql_request(mutation, {"input": input}, self.token(actor)))

    @asynccontextmanager
    async def superuser(self, database: str = "postgres") -> AsyncIterator[asyncpg.Connection]:
        """A connection past all subgraphs."""
        connection = await asyncpg.connect(postgres_server.superuser_url(self.stack.instance, database))
        try:
            yield connection
        finally:
            await connection.close()

    async def committed_at(self, task_id: str) -> float:
        """When PostgreSQL committed the task's last change, in seconds since 1970."""
        async with self.superuser("tasks") as connection:
            moment = await connection.fetchval(
                "SELECT pg_xact_commit_timestamp(xmin) FROM tasks WHERE id = $1", task_id
            )
        return float(moment.timestamp())


@contextlib.asynccontextmanager
async def start(instance: Instance) -> AsyncIterator[System]:
    """The whole system from empty databases, with the routers that are installed, until the block ends."""
    kinds = routers.installed()
    # A handful of accounts do the work of many thousand.
    budgets = {
        "EXCHANGE_OPERATION_COST_PER_ACTOR": "1000000000/1 minute",
        "EXCHANGE_SUBSCRIPTIONS_PER_ACTOR": "100000",
        "EXCHANGE_PAYOUTS_PER_ACCOUNT": "1000000/1 hour",
    }
    options = system.Options(routers=kinds, fresh=("kafka", "redis", "pg", "sandbox"), environment=budgets)
    instance.state.mkdir(parents=True, exist_ok=True)
    # Whatever ends this process, the system ends too once nobody holds the lock any more.
    with (instance.state / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        control.shut_down(instance)
        stack = await asyncio.to_thread(Stack.start, instance, options, Path(users.name))
        try:
            await _observe_postgres(stack)
            yield await _fill(stack, kinds)
        finally:
            await asyncio.to_thread(stack.shut_down)


async def _observe_postgres(stack: Stack) -> None:
    """Has PostgreSQL count statements and remember the moments of commits."""
    connection = await asyncpg.connect(postgres_server.superuser_url(stack.instance))
    try:
        await connection.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    finally:
        await connection.close()
    await stack.restart("postgres")
    await stack.ready()
    connection = await asyncpg.connect(postgres_server.superuser_url(stack.instance))
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    finally:
        await connection.close()


async def _fill(stack: Stack, kinds: tuple[str, ...]) -> System:
    people = [await _sign_up(stack, number) for number in range(POSTERS)]
    request = graphql_request(_CATEGORIES, {})
    categories = (await send_once(stack.instance.port("tasks"), request))["categories"]
    empty = System(stack, kinds, tuple(people), (), str(categories[0]["children"][0]["id"]))
    # One after the other, so that the newest page holds tasks of all posters.
    tasks = [await empty.create_task(people[number % POSTERS], number) for number in range(TASKS)]
    for number, task_id in enumerate(tasks[-_TASKS_WITH_BIDS:]):
        for place in range(1, _BIDS_OF_A_TASK + 1):
            await empty.place_bid(people[(number + place) % POSTERS], task_id)
    return System(stack, kinds, tuple(people), tuple(tasks), empty.category)


async def _sign_up(stack: Stack, number: int) -> str:
    account = {
        "email": f"person{number}@example.com", "password": _PASSWORD, "displayName": f"Person {number}",
        "roles": ["POSTER", "TASKER"],
    }  # fmt: skip
    request = graphql_request(_SIGN_UP, {"input": account})
    answer = await send_once(stack.instance.port("users"), request)
    return str(answer["signUp"]["session"]["user"]["id"])
