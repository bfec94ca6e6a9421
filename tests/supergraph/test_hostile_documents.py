"""Documents that are small and valid to the eye, and made to cost a router its time or its memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.supergraph.clients import codes, post, socket
from tests.supergraph.conftest import Router, assert_serves_at_rest

HONEST = "{ task(id: 1) { id title } }"
# What an honest client waits at most on a machine that does other things, too; without the limits it is for ever.
PATIENCE_SECONDS = 30


def multiplying(levels: int, times: int) -> str:
    """Fragments each of which spreads the next one so many times."""
    chain = [f"fragment f{n} on Task {{ {f'...f{n + 1} ' * times} }}" for n in range(levels)]
    return " ".join(["{ task(id: 1) { ...f0 } }", *chain, f"fragment f{levels} on Task {{ id }}"])


def entangled(number: int) -> str:
    """Fragments each of which spreads all others."""
    every = [f"...f{n}" for n in range(number)]
    chain = (
        f"fragment f{n} on Task {{ id {' '.join(each for each in every if each != every[n])} }}" for n in range(number)
    )
    return " ".join(["{ task(id: 1) { ...f0 } }", *chain])


MULTIPLYING = {
    "in many levels": multiplying(40, 2),
    "in four levels": multiplying(4, 40),
    "in four wide levels": multiplying(4, 100),
    "in one level": "{ task(id: 1) { " + "...f " * 230 + "} } fragment f on Task { " + "id " * 230 + "}",
    "into inline fragments": multiplying(4, 20).replace("{ id }", "{ " + "... on Task { " * 20 + "id" + " }" * 21),
    "into another's subgraph": multiplying(4, 40).replace("{ id }", "{ bidCount }"),
    "in a cycle": entangled(20),
    "in the second operation": "query a { task(id: 1) { id } } query b " + multiplying(4, 40),
}
OTHERS = {
    "a cycle": "{ task(id: 1) { ...a } } fragment a on Task { ...b } fragment b on Task { " + "...a " * 300 + "}",
    "a long cycle": "{ task(id: 1) { ...f0 } }"
    + "".join(f" fragment f{n} on Task {{ ...f{(n + 1) % 100} }}" for n in range(100)),
    "unused fragments": multiplying(4, 40).replace("{ ...f0 }", "{ id }", 1),
    "many operations": " ".join(f"query q{n} {{ task(id: 1) {{ ...f }} }}" for n in range(40))
    + " fragment f on Task { "
    + "id " * 120
    + "}",
    "nested inline fragments": "{ task(id: 1) { " + "... on Task { " * 190 + "id" + " }" * 192,
    "nested lists": "{ task(id: " + "[" * 450 + "]" * 450 + ") { id } }",
    "one field": "{ task(id: 1) { " + "id " * 980 + "} }",
    "fields in conflict": "{ task(id: 1) { " + "x: id x: title " * 155 + "} }",
    "fields of several names in conflict": "{ task(id: 1) { "
    + " ".join(f"x{n}: id x{n}: title " * 15 for n in range(8))
    + "} }",
    "arguments in conflict": "{ " + " ".join(f"task(id: {n}) {{ id }}" for n in range(105)) + " }",
    "conflicts between fragments": "{ "
    + "task(id: 1) { ...f ...g } " * 60
    + "} fragment f on Task { "
    + "x: id " * 35
    + "} fragment g on Task { "
    + "x: title " * 35
    + "}",
    "parents in pairs": "{ task(id: 1) { ...f0 } }"
    + "".join(f" fragment f{n} on Task {{ {f'parent {{ ...f{n + 1} }} ' * 4} }}" for n in range(5))
    + " fragment f5 on Task { id }",
}


@pytest.mark.parametrize("document", MULTIPLYING.values(), ids=MULTIPLYING)
async def test_fragments_that_multiply_are_refused_and_hold_nobody_up(router: Router, document: str) -> None:
    async with honest_client(router):
        refused = await asyncio.wait_for(post(router.url, document), PATIENCE_SECONDS)
        async with socket(router.url) as websocket:
            await websocket.subscribe(document + " ")
            [message] = await websocket.until_end(PATIENCE_SECONDS)

    assert codes(refused) == ["MAX_FIELDS_EXCEEDED"]
    assert "data" not in refused
    assert message["type"] == "error"
    # Hive Router has one code for all that is wrong with a document over WebSocket; see supergraph/README.md.
    over_websocket = "GRAPHQL_VALIDATION_FAILED" if router.kind == "hive-router" else "MAX_FIELDS_EXCEEDED"
    assert codes({"errors": message["payload"]}) == [over_websocket]
    await assert_serves_at_rest(router)


@pytest.mark.parametrize("document", OTHERS.values(), ids=OTHERS)
async def test_a_document_made_to_cost_much_holds_nobody_up(router: Router, document: str) -> None:
    async with honest_client(router):
        answer = await asyncio.wait_for(post(router.url, document), PATIENCE_SECONDS)
        async with socket(router.url) as websocket:
            await websocket.subscribe(document + " ")
            messages = await websocket.until_end(PATIENCE_SECONDS)

    assert set(answer) <= {"data", "errors"}
    # Hundred, and one that says that there are more.
    assert len(answer.get("errors", ())) <= 101
    assert len(str(answer)) < 200_000
    assert messages[-1]["type"] in ("error", "complete")
    await assert_serves_at_rest(router)


@pytest.mark.parametrize(
    "document",
    ["{{ a{n}: task(id: 1) {{ " + "x: id x: title " * 155 + "}} }}", '{{ bid(id: "' + "x" * 200_000 + '{n}") }}'],
    ids=["conflicts", "characters"],
)
async def test_refused_documents_take_no_memory(router: Router, document: str) -> None:
    """Without the limits each of the first ones keeps 10 MB, the router's whole life."""
    await post(router.url, document.format(n="first"))
    before = router.memory_and_cpu()[0]
    for number in range(40):
        assert codes(await post(router.url, document.format(n=number)))

    assert router.memory_and_cpu()[0] - before < 100_000


@asynccontextmanager
async def honest_client(router: Router) -> AsyncIterator[None]:
    """Somebody who asks for small things meanwhile, again and again, and never waits long."""
    longest = 0.0

    async def ask() -> None:
        nonlocal longest
        while True:
            started = time.monotonic()
            answer = await post(router.url, HONEST)
            longest = max(longest, time.monotonic() - started)
            assert answer == {"data": {"task": {"id": "1", "title": "Task 1"}}}

    clients = [asyncio.create_task(ask()) for _ in range(2)]
    try:
        yield
        await asyncio.wait_for(post(router.url, HONEST), PATIENCE_SECONDS)
    finally:
        for client in clients:
            client.cancel()
            with suppress(asyncio.CancelledError):
                await client
    assert longest < PATIENCE_SECONDS
