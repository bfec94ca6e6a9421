"""In production the schema shows to administrators alone, by a token that the router itself verifies."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from graphql import get_introspection_query
from jwt.algorithms import OKPAlgorithm

from deploy.local import routers
from supergraph import compose
from supergraph.router import command
from tests.supergraph.clients import codes, post, raw_socket, socket
from tests.supergraph.conftest import ROUTERS, Router, Subgraph, running, wait_until
from tests.supergraph.test_websocket import closed_with
from tests.support.loopback import NO_TLS, free_port

SCHEMA = "{ __schema { queryType { name } } }"
SHOWN = {"data": {"__schema": {"queryType": {"name": "Query"}}}}
KEY, FOREIGN_KEY = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def jwks_url() -> Iterator[str]:
    """Where `users` would have the public keys."""
    keys = [{**OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "now", "alg": "EdDSA", "use": "sig"}]

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"keys": keys}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", free_port()), Keys) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{command.JWKS_PATH}"
        server.shutdown()


@pytest.fixture(scope="module", params=ROUTERS)
def router(
    request: pytest.FixtureRequest, graph: Path, subgraphs: dict[str, Subgraph], jwks_url: str
) -> Iterator[Router]:
    options = {"supergraph": graph / compose.SUPERGRAPH, "jwks_url": jwks_url}
    started = Router(request.param, subgraphs, graph, **options)
    with running(started):
        yield started


def token(key: Ed25519PrivateKey = KEY, kid: str = "now", **claims: Any) -> str:
    admin = {"iss": "service-exchange", "aud": "service-exchange", "sub": "user_1", "sid": "session_1"}
    admin |= {"scope": "marketplace admin", "exp": int(time.time()) + 86_400} | claims
    return f"Bearer {jwt.encode(admin, key, 'EdDSA', headers={'kid': kid})}"


def unsigned() -> str:
    claims = jwt.decode(token().removeprefix("Bearer "), options={"verify_signature": False})
    return f"Bearer {jwt.encode(claims, None, 'none', headers={'kid': 'now'})}"


def signed_with_the_public_key() -> str:
    claims = jwt.decode(token().removeprefix("Bearer "), options={"verify_signature": False})
    public = OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)["x"]
    return f"Bearer {jwt.encode(claims, public, 'HS256', headers={'kid': 'now'})}"


async def test_an_administrator_sees_the_schema(router: Router) -> None:
    # The router asks for the keys when it has started.
    wait_until(lambda: "INTROSPECTION" not in sent_schema_query(router), 30, "the router knows the keys")

    assert await post(router.url, SCHEMA, authorization=token()) == SHOWN
    whole = await post(router.url, get_introspection_query(), authorization=token())
    assert {"Task", "Query", "Mutation"} <= {each["name"] for each in whole["data"]["__schema"]["types"]}
    async with socket(router.url, {"authorization": token()}) as client:
        await client.subscribe(SCHEMA)
        assert (await client.until_end())[0]["payload"] == SHOWN


# A stranger, valid tokens of others, and one whose key the router may read later.
MAY_HOLD = {
    "none": "",
    "no scope": token(scope="marketplace"),
    "another scope": token(scope="administrator"),
    "unknown key": token(FOREIGN_KEY, kid="other"),
}
CANNOT_HOLD = {
    "empty": "Bearer",
    "nonsense": "Bearer nonsense",
    "no JSON": "Bearer a.b.c",
    "expired": token(exp=int(time.time()) - 3600),
    "issuer": token(iss="elsewhere"),
    "audience": token(aud="elsewhere"),
    "foreign key": token(FOREIGN_KEY),
    "unsigned": unsigned(),
    "HS256": signed_with_the_public_key(),
}


@pytest.mark.parametrize("name", [*MAY_HOLD, *CANNOT_HOLD])
async def test_nobody_else_does(router: Router, name: str) -> None:
    authorization = (MAY_HOLD | CANNOT_HOLD)[name]
    headers = {"authorization": authorization} if authorization else {}

    assert codes(await post(router.url, SCHEMA, **headers)) == ["INTROSPECTION_DISABLED"]
    # What the administrator asked for before is not kept for others.
    assert codes(await post(router.url, get_introspection_query(), **headers)) == ["INTROSPECTION_DISABLED"]
    if router.kind == routers.EMBEDDED and name in CANNOT_HOLD:
        async with raw_socket(router.url) as client:
            await client.send(type="connection_init", payload={"authorization": authorization})
            assert await closed_with(client) == 4403
    else:
        async with socket(router.url, {"authorization": authorization}) as client:
            await client.subscribe(SCHEMA)
            assert codes({"errors": (await client.until_end())[0]["payload"]}) == ["INTROSPECTION_DISABLED"]
    # The token itself is the subgraph's affair.
    seen = await post(router.url, "{ seen { authorization } task(id: 1) { __typename } }", **headers)
    assert seen == {"data": {"seen": {"authorization": authorization or None}, "task": {"__typename": "Task"}}}


@pytest.mark.parametrize(
    "query",
    [
        "{ task(id: 1) { id: title bidCount } __schema { queryType { name } } }",
        "{ __schema { queryType { name } } task(id: 1) { id: title bidCount } }",
        "{ ...of task(id: 1) { id: title bidCount } } fragment of on Query { ... { __schema { queryType { name } } } }",
    ],
)
async def test_an_operation_may_ask_for_the_schema_and_for_data(router: Router, query: str) -> None:
    data = {"task": {"id": "Task 1", "bidCount": 2}, **SHOWN["data"]}
    assert await post(router.url, query, authorization=token()) == {"data": data}
    assert codes(await post(router.url, query)) == ["INTROSPECTION_DISABLED"]


def sent_schema_query(router: Router) -> str:

    return httpx.post(router.url, json={"query": SCHEMA}, headers={"authorization": token()}, verify=NO_TLS).text
