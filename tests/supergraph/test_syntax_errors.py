"""What a client is told of a document with a syntax error: where it is, and nothing that is not its own."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from tests.supergraph.clients import Json, post, socket
from tests.supergraph.conftest import Router

BROKEN = {
    "cut off": "{ task(id: 1) { id title",
    "a name where none can be": "{ task(id: 1) { id } } unexpected",
    "a long name where none can be": "{ task(id: 1) { id } } " + "u" * 4_000,
    "a text without its end": '{ task(id: "unexpected) { id } }',
    "a character that is none": "{ task(id: 1) { id % } }",
    "on another line": "{\n  task(id: 1) {\n    id $$\n  }\n}",
}
OVER_HTTP = {
    "hive-router": re.compile(r"The document has a syntax error( at line \d+, column \d+)?\."),
    "embedded": re.compile(r"Syntax Error: .+\."),
}
# Hive Router asks no plugin about errors on a WebSocket; there each is written while its own document is there.
OVER_WEBSOCKET = OVER_HTTP | {"hive-router": re.compile(r"Failed to parse GraphQL operation: Parse error at .+", re.S)}
WORD = re.compile(r"\w{6,}")
PARSERS_WORDS = re.compile(
    r"failed|graphql|operation|document|syntax|column|unexpected|expected|character|(un)?terminated|punctuator|string"
    r"|(string|int|float)value|blockstring|selection|fragment|subscription|mutation",
    re.IGNORECASE,
)
SECRET = "SomebodyElsesWord"
ROUNDS = 20
AT_ONCE = 10
Ask = Callable[[Router, str], Awaitable[str]]


def somebody_elses(number: int) -> str:
    """A valid document of about 3 kB that no cache knows, full of what nobody else may read."""
    fields = " ".join(f"{SECRET * 6}{n}: title" for n in range(25))
    return f"query {SECRET}{number} {{ task(id: 1) {{ {fields} }} }}"


async def over_http(router: Router, document: str) -> str:
    return told(await post(router.url, document))


async def over_websocket(router: Router, document: str) -> str:
    async with socket(router.url) as websocket:
        await websocket.subscribe(document)
        [message] = await websocket.until_end()
    return told({"errors": message["payload"]})


def told(answer: Json) -> str:
    [error] = answer["errors"]
    return str(error["message"])


def strange(message: str, document: str) -> list[str]:
    """The words of a message that are neither the parser's nor the document's."""
    return [word for word in WORD.findall(message) if word not in document and not PARSERS_WORDS.fullmatch(word)]


@pytest.mark.parametrize(
    ("ask", "says"), [(over_http, OVER_HTTP), (over_websocket, OVER_WEBSOCKET)], ids=["HTTP", "WebSocket"]
)
@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
async def test_a_syntax_error_tells_nothing_of_other_peoples_requests(
    router: Router, document: str, ask: Ask, says: dict[str, re.Pattern[str]]
) -> None:
    said = set()
    # What requests share, only Hive Router's parser could show.
    for number in range(ROUNDS if router.kind == "hive-router" else 2):
        others = [post(router.url, somebody_elses(ROUNDS * n + number)) for n in range(4)]
        # Another comment each time, so that none is answered from a cache; several at once, who may share an answer.
        asked = [ask(router, f"{document}\n#{number}") for _ in range(AT_ONCE)]
        served, messages = await asyncio.gather(asyncio.gather(*others), asyncio.gather(*asked))
        assert all("errors" not in answer for answer in served), served
        said |= set(messages)

    assert [message for message in said if not says[router.kind].fullmatch(message)] == []
    assert [word for message in said for word in strange(message, document)] == []
    assert not any(SECRET in message for message in said)
