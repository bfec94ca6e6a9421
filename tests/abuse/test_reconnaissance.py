"""What a stranger can find out about the inside, of a system that is set up as production is."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import Stack
from tests.abuse import answers, targets
from tests.abuse.arena import Arena, Attack, Case, Target
from tests.abuse.attacks import PREFLIGHTED, body, get, operation, subscribe, talk
from tests.abuse.scene import Scene
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SCHEMA = "{ __schema { types { name fields { name } } } }"
ASK = "{ categories { id } }"
TRACED = {"apollo-federation-include-trace": "ftv1", "apollo-tracing": "1", "x-apollo-tracing": "1",
    "hive-expose-query-plan": "true", "apollo-expose-query-plan": "true", "x-debug": "1", "x-graphql-debug": "1"}  # fmt: skip


def looks_at(path: str) -> Attack:
    """What lies at another path than /graphql."""

    async def attack(target: Target) -> str:
        async with target.client() as client:
            response = await client.get(target.url.removesuffix("/graphql") + path)
        return f"{response.status_code}"

    return attack


def asks_with(headers: Mapping[str, str], document: str = ASK) -> Attack:
    """The names in an answer to a request with these headers, which are those that GraphQL has, and no more."""

    async def attack(target: Target) -> str:
        async with target.client() as client:
            response = await client.post(target.url, json={"query": document}, headers=headers)
        return f"{response.status_code} {' '.join(response.json())}"

    return attack


async def reads_the_head(target: Target) -> str:
    """The headers of an answer that name a program or its version."""
    async with target.client() as client:
        response = await client.post(target.url, json={"query": ASK})
    return " ".join(name for name in ("server", "x-powered-by", "via", "x-runtime") if name in response.headers) or "none"


def hidden(document: str, at: str = "tasks") -> Case:
    """Introspection in one of its disguises."""
    return Case(operation(document), "200 FORBIDDEN", "200 INTROSPECTION_DISABLED", at=at)


def guessed(document: str, variables: Mapping[str, object] | None = None) -> Case:
    """A guess at a name; the answer must not help (the test looks for suggestions in all of them)."""
    return Case(operation(document, variables), "", "")


CASES = {
    "the schema of tasks": hidden(SCHEMA),
    "the schema of users": hidden(SCHEMA, "users"),
    "the schema of bids": hidden(SCHEMA, "bids"),
    "the schema of notifications": hidden(SCHEMA, "notifications"),
    "a type": hidden('{ __type(name: "Task") { fields { name } } }'),
    "the schema under another name": hidden("{ a: __schema { types { name } } }"),
    "the schema in a fragment": hidden("{ ...F } fragment F on Query { __schema { types { name } } }"),
    "the schema in an inline fragment": hidden("{ ... { ... on Query { __schema { types { name } } } } }"),
    "the schema beside something allowed": hidden("{ categories { id } __schema { types { name } } }"),
    "the schema behind a directive": hidden("query ($s: Boolean = true) { __schema @include(if: $s) { types { name } } }"),
    "the schema in the second of two operations": Case(
        operation("query A { categories { id } } query B { __schema { types { name } } }", operationName="B"), "", ""
    ),
    "the schema by GET": Case(get({"query": SCHEMA}, **PREFLIGHTED), "", ""),
    "the schema by WebSocket": Case(talk(subscribe(SCHEMA)), "", ""),
    "the schema as a signed-in person": Case(operation(SCHEMA, who="tina"), "", ""),
    "the name of the root type, which is allowed": Case(operation("{ __typename }", shows=True), '200 {"__typename":"Query"}', '200 {"__typename":"Query"}'),
    "the SDL of tasks": Case(operation("{ _service { sdl } }"), "", ""),
    "the SDL of users": Case(operation("{ _service { sdl } }"), "", at="users"),
    "the SDL of bids": Case(operation("{ _service { sdl } }"), "", at="bids"),
    "the SDL of notifications": Case(operation("{ _service { sdl } }"), "", at="notifications"),
    "references through the router": Case(
        operation("query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }", {"r": []}), router=""
    ),
    "a field that is nearly right": guessed("{ categorie { id } }"),
    "a field of an object that is nearly right": guessed("{ categories { slugs } }"),
    "an argument that is nearly right": guessed('{ task(ids: "a") { id } }'),
    "a type that is nearly right": guessed("{ categories { ... on Categories { id } } }"),
    "an enum value that is nearly right": guessed("{ tasks(sort: NEWES) { nodes { id } } }"),
    "an enum value in a variable": guessed("query ($s: TaskSort!) { tasks(sort: $s) { nodes { id } } }", {"s": "NEWES"}),
    "an input field that is nearly right": guessed('{ tasks(filter: { tex: "a" }) { nodes { id } } }'),
    "an input field in a variable": guessed("query ($f: TaskFilter) { tasks(filter: $f) { nodes { id } } }", {"f": {"tex": "a"}}),
    "a directive that is nearly right": guessed("{ categories @skipp(if: true) { id } }"),
    "a fragment of a name that is nearly right": guessed("{ categories { ...Fo } } fragment Foo on Category { id }"),
    "a mutation that is nearly right": guessed("mutation { createTasks { id } }"),
    "an admin's field": guessed("{ adminUsers { id } }"),
    "traces and plans by header": Case(asks_with(TRACED), "200 data", "200 data"),
    "traces and plans of a refusal": Case(asks_with(TRACED, "{ nothing }"), "", ""),
    "traces and plans by extension": Case(
        body('{"query":"{ categories { id } }","extensions":{"tracing":true,"queryPlan":true,"debug":true}}'), "200 ok", "200 ok"
    ),
    "the programs by header": Case(reads_the_head, "", ""),
    "a page for people": Case(body(b"", method="GET", content_type=None, accept="text/html"), "", ""),
    "an incremental answer": Case(
        operation("{ categories { id ... @defer { name } } }"), "", ""
    ),
    "a streamed answer": Case(operation("{ categories @stream(initialCount: 1) { id } }"), "", ""),
    "a persisted document by its hash": Case(
        body('{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"' + "0" * 64 + '"}}}'), "", ""
    ),
    "a document to persist": Case(
        body('{"query":"{ categories { id } }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"' + "0" * 64 + '"}}}'), "", ""
    ),
    "a persisted document by a path": Case(body('{"documentId":"../../../../etc/passwd"}'), "", ""),
    "another path by header": Case(asks_with({"x-original-url": "/metrics", "x-rewrite-url": "/metrics", "x-forwarded-prefix": "/a"}), "", ""),
    "the documentation of FastAPI": Case(looks_at("/docs"), "", ""),
    "an OpenAPI description": Case(looks_at("/openapi.json"), "", ""),
    "GraphiQL": Case(looks_at("/graphiql"), "", ""),
    "a playground": Case(looks_at("/playground"), "", ""),
    "a laboratory": Case(looks_at("/laboratory"), "", ""),
    "the source's repository": Case(looks_at("/.git/config"), "", ""),
    "an environment file": Case(looks_at("/.env"), "", ""),
    "a file above": Case(looks_at("/graphql/..%2f..%2fetc/passwd"), "", ""),
    "a file of the process": Case(looks_at("/%2e%2e/proc/self/environ"), "", ""),
    "a debugger": Case(looks_at("/debug/pprof/"), "", ""),
    "an actuator": Case(looks_at("/actuator/env"), "", ""),
    "the endpoint with a slash": Case(looks_at("/graphql/"), "", ""),
    "the endpoint with two slashes": Case(looks_at("//graphql"), "", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def production(stack: Stack, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with targets.of_production(stack, scene, tmp_path_factory.mktemp("production")) as found:
        yield Arena(found)


@everywhere(CASES)
async def test_a_stranger_learns_nothing(production: Arena, case: Case, place: str) -> None:
    await defended(production, case, place)

    assert not any(answers.SUGGESTION in said for said in production.targets[place].said)


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/openapi.json", "/nginx_status", "/server-status", "/.git/config", "/health", "/readiness", "/-/websocket"])
async def test_the_edge_shows_nothing_but_what_it_is_for(stack: Stack, path: str) -> None:
    for edge in stack.edges.values():
        async with httpx.AsyncClient(base_url=edge, timeout=20) as client:
            response = await client.get(path)
        assert response.status_code == 404
        assert response.headers["server"] == "nginx"
        assert answers.leaks(response.text) == []
