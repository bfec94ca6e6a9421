"""Operations over a caller's budget are refused by every process, over HTTP and WebSocket, before they run."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
import strawberry

from shared.context import Context
from shared.graphql.limits import list_size
from shared.graphql.schema import build_schema, query, subscription
from shared.ids import new_id
from shared.process.app import create_app
from tests.conftest import AccessToken, SettingsFor
from tests.support.serving import Served, serve

Info = strawberry.Info[Context[None], None]
USER = "user_01h455vb4pex5vsknk084sn02q"
runs = 0


@strawberry.type
class Thing:
    name: str


@strawberry.federation.type(keys=["id"])
class Entity:
    id: strawberry.ID

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> "list[Entity]":
        return [cls(id=strawberry.ID(each)) for each in ids]


@strawberry.type
class Query:
    @query(description="Counts its runs.")
    async def run(self, info: Info) -> int:
        global runs  # what a test asks for is whether it ran
        runs += 1
        return runs

    @query(description="Things.", directives=[list_size(slicing_arguments=["first"])])
    async def things(self, info: Info, first: int) -> list[Thing]:
        return []

    @query(description="An entity.")
    async def entity(self, info: Info) -> Entity:
        return Entity(id=strawberry.ID("1"))


@strawberry.type
class Subscription:
    @subscription(description="Counts to 2.")
    async def count(self, info: Info) -> AsyncIterator[int]:
        yield 1
        yield 2


schema = build_schema(Query, subscription=Subscription)


@pytest.fixture
async def replicas(settings_for: SettingsFor) -> AsyncIterator[list[Served]]:
    """Two processes' applications with a budget of 100 for an actor or an address."""
    settings = settings_for(
        "platform", operation_cost_per_actor="100/30 days", operation_cost_per_address="100/30 days"
    )
    async with AsyncExitStack() as stack:
        apps = [create_app("platform", schema, loaders=lambda database: None, settings=settings) for _ in range(2)]
        yield [await stack.enter_async_context(serve(app)) for app in apps]


async def execute(
    served: Served, document: str, variables: dict[str, Any] | None = None, *, token: str = "", address: str = ""
) -> str:
    """OK, or the code with which an operation was refused."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers |= {"x-forwarded-for": address} if address else {}
    body = {"query": document, "variables": variables}
    answer = (await served.client.post("/graphql", json=body, headers=headers)).json()
    if "errors" not in answer:
        return "OK"
    assert answer["data"] is None
    extensions = answer["errors"][0]["extensions"]
    if extensions["code"] == "RATE_LIMITED":
        assert extensions["retryAfterSeconds"] > 0
    return str(extensions["code"])


async def until_refused(served: Served, document: str, token: str) -> None:
    async with asyncio.timeout(30):
        while await execute(served, document, token=token) != "RATE_LIMITED":
            await asyncio.sleep(0.02)


async def test_replicas_share_a_budget_and_run_nothing_beyond_it(
    replicas: list[Served], access_token: AccessToken
) -> None:
    first, second = replicas
    token = access_token(USER)
    things = "query($first: Int!) { things(first: $first) { name } }"

    assert await execute(first, things, {"first": 90}, token=token) == "OK"
    assert await execute(first, things, {"first": 10}, token=token) == "RATE_LIMITED"
    # Whoever asks the second process is refused there, too, once it has heard of the first.
    for served in (second, first):
        await until_refused(served, "{ run }", token)

    before = runs
    assert {await execute(served, "{ run }", token=token) for served in replicas for _ in range(5)} == {"RATE_LIMITED"}
    assert runs == before
    # Another session of the same person has no other budget; another person and strangers have.
    assert await execute(second, "{ run }", token=access_token(USER, session_id="session_other")) == "RATE_LIMITED"
    assert await execute(second, "{ run }", token=access_token("user_01h455vb4pex5vsknk084sn02r")) == "OK"
    assert await execute(second, "{ run }") == "OK"


async def test_an_address_is_refused_without_its_neighbours(replicas: list[Served]) -> None:
    things = "{ things(first: 95) { name } }"
    served = replicas[0]
    assert await execute(served, things, address="203.0.113.1") == "OK"
    assert await execute(served, things, address="203.0.113.1") == "RATE_LIMITED"
    assert await execute(served, things, address="203.0.113.2") == "OK"
    # The router's own address stands for all whose address nobody told: ten times as much.
    assert [await execute(served, things) for _ in range(11)] == ["OK"] * 10 + ["RATE_LIMITED"]


async def test_entities_cost_what_they_are(replicas: list[Served], access_token: AccessToken) -> None:
    document = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Entity { id } } }"
    token = access_token(USER)

    async def entities(count: int) -> str:
        given = [{"__typename": "Entity", "id": new_id("entity")} for _ in range(count)]
        return await execute(replicas[0], document, {"r": given}, token=token)

    assert await entities(60) == "OK"
    assert await entities(60) == "RATE_LIMITED"
    assert await entities(20) == "OK"


@pytest.mark.parametrize("document", ["{ " + "x " * 900 + "}", "{" * 1000, "{ run } #" + "x" * 1800])
async def test_documents_that_are_refused_or_new_cost_their_reading(
    replicas: list[Served], access_token: AccessToken, document: str
) -> None:
    token = access_token(USER)
    codes = [await execute(replicas[0], document + f"#{n}", token=token) for n in range(4)]
    assert codes[0] in ("BAD_REQUEST", "TOO_COMPLEX", "OK")
    assert codes[-1] == "RATE_LIMITED"
    assert await execute(replicas[0], "{ run }", token=access_token("user_01h455vb4pex5vsknk084sn02r")) == "OK"


async def test_over_websocket_one_operation_is_refused_and_the_connection_lives(
    replicas: list[Served], access_token: AccessToken
) -> None:
    async with replicas[0].connect(token=access_token(USER)) as client:
        await client.subscribe("subscription { count }", id="a")
        assert await client.next() == {"data": {"count": 1}}
        assert await client.next() == {"data": {"count": 2}}
        assert await client.receive() == {"id": "a", "type": "complete"}
        await client.subscribe("{ things(first: 90) { name } }", id="b")
        assert await client.next() == {"data": {"things": []}}
        assert await client.receive() == {"id": "b", "type": "complete"}

        for document in ("subscription { count }", "{ things(first: 90) { name } }"):
            for _ in range(20):
                await client.subscribe(document, id="c")
                message = await client.receive()
                if message["type"] == "error":
                    break
                while message["type"] != "complete":
                    message = await client.receive()
            assert message["type"] == "error"
            assert message["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert message["payload"][0]["extensions"]["retryAfterSeconds"] > 0
        await client.send({"type": "ping"})
        assert await client.receive() == {"type": "pong"}
