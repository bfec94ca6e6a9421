"""Who the client is: what the edge says in the HTTP request or in a WebSocket's handshake, never the client."""

from collections.abc import Iterator

import pytest
import yaml

from supergraph import compose
from tests.supergraph.clients import Json, post, raw_socket
from tests.supergraph.conftest import ROUTERS, Router, Subgraph, copy_graph, running

SEEN = "{ seen { forwardedFor userAgent } }"
CLAIMED = {"x-forwarded-for": "203.0.113.66", "x-user-agent": "claimed"}
REAL = {"x-forwarded-for": "198.51.100.7", "x-user-agent": "real"}
REAL_SEEN = {"forwardedFor": "198.51.100.7", "userAgent": "real"}


@pytest.fixture(scope="module", params=ROUTERS)
def router(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """A router before one subgraph of the name `users`, the one that addresses are passed on to."""
    root = copy_graph(tmp_path_factory.mktemp("users"))
    subgraphs = {
        "users": {"module": "sample.tasks", "schema": "sample/tasks.graphql", "url": "http://127.0.0.1:1/graphql"}
    }
    (root / compose.CONFIGURATION).write_text(yaml.safe_dump({"subgraphs": subgraphs}))
    compose.write(root, compose.compose(root))
    users = Subgraph("tasks", root)
    started = Router(request.param, {"users": users}, root, supergraph=root / compose.SUPERGRAPH)
    with running(users, started):
        yield started


async def seen_over_websocket(router: Router, handshake: Json, claimed: Json) -> Json:
    async with raw_socket(router.url, headers=handshake) as client:
        await client.send(type="connection_init", payload=claimed)
        assert (await client.receive())["type"] == "connection_ack"
        await client.subscribe(SEEN)
        answers = [(await client.until_end())[0]["payload"]]
        extensions = {"headers": claimed}
        await client.send(id="2", type="subscribe", payload={"query": SEEN, "extensions": extensions})
        answers.append((await client.until_end())[0]["payload"])
    assert answers[0] == answers[1]
    return dict(answers[0]["data"]["seen"])


async def test_the_headers_of_a_request_are_passed_on(router: Router) -> None:
    assert await post(router.url, SEEN, **REAL) == {"data": {"seen": REAL_SEEN}}


@pytest.mark.parametrize(
    "claimed",
    [
        CLAIMED,
        {name.upper(): value for name, value in CLAIMED.items()},
        {"headers": CLAIMED},
        {"X-Forwarded-For": CLAIMED["x-forwarded-for"], "headers": {"X-User-Agent": "claimed"}},
    ],
)
async def test_what_connection_init_claims_does_not_count(router: Router, claimed: Json) -> None:
    assert await seen_over_websocket(router, REAL, claimed) == REAL_SEEN


async def test_a_claim_does_not_take_the_place_of_what_nobody_said(router: Router) -> None:
    seen = await seen_over_websocket(router, {}, CLAIMED)

    assert seen["forwardedFor"] is None
    assert seen["userAgent"] != "claimed"
