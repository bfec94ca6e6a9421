"""What a stranger can find out about the inside, of a system that is set up as production is."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from deploy.local.stack import Stack
from tests.abuse import answers, targets
from tests.abuse.arena import Arena, Attack, Case, Target
from tests.abuse.attacks import PREFLIGHTED, body, get, operation, subscribe, talk
from tests.abuse.scene import Scene
from tests.abuse.table import defended, everywhere
from tests.support.loopback import NO_TLS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

SCHEMA = "{ __schema { types { name fields { name } } } }"
ASK = "{ categories { id } }"
TRACED = {
    "apollo-federation-include-trace": "ftv1",
    "apollo-tracing": "1",
    "hive-expose-query-plan": "true",
    "apollo-expose-query-plan": "true",
    "x-debug": "1",
}


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
    return (
        " ".join(name for name in ("server", "x-powered-by", "via", "x-runtime") if name in response.headers) or "none"
    )


def hidden(document: str, at: str = "tasks") -> Case:
    """Introspection in one of its disguises."""
    return Case(
        operation(document),
        "200 FORBIDDEN",
        hive="403 INTROSPECTION_DISABLED",
        embedded="200 INTROSPECTION_DISABLED",
        at=at,
    )


def guessed(document: str, hive: str) -> Case:
    """A guess at a name in the document; the answer must not help (the test looks for suggestions in all of them)."""
    return Case(operation(document), "200 BAD_REQUEST", hive=f"200 {hive}", embedded="200 GRAPHQL_VALIDATION_FAILED")


def guessed_in_a_variable(document: str, variables: Mapping[str, object]) -> Case:
    """The same in the value of a variable."""
    refused = "BAD_USER_INPUT"
    return Case(operation(document, variables), "200 BAD_REQUEST", hive=f"200 {refused}", embedded=f"200 {refused}")


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
    "the schema behind a directive": hidden(
        "query ($s: Boolean = true) { __schema @include(if: $s) { types { name } } }"
    ),
    "the schema in the second of two operations": Case(
        operation("query A { categories { id } } query B { __schema { types { name } } }", operationName="B"),
        "200 FORBIDDEN",
        hive="403 INTROSPECTION_DISABLED",
        embedded="200 INTROSPECTION_DISABLED",
    ),
    "the schema by GET": Case(
        get({"query": SCHEMA}, **PREFLIGHTED),
        "200 FORBIDDEN",
        hive="403 INTROSPECTION_DISABLED",
        embedded="200 INTROSPECTION_DISABLED",
    ),
    "the schema by WebSocket": Case(talk(subscribe(SCHEMA)), "error FORBIDDEN", "error INTROSPECTION_DISABLED"),
    "the schema as a signed-in person": Case(
        operation(SCHEMA, who="tina"),
        "200 FORBIDDEN",
        hive="403 INTROSPECTION_DISABLED",
        embedded="200 INTROSPECTION_DISABLED",
    ),
    "the name of the root type, which is allowed": Case(
        operation("{ __typename }", shows=True), '200 {"__typename":"Query"}', '200 {"__typename":"Query"}'
    ),
    "the SDL of tasks": Case(
        operation("{ _service { sdl } }"),
        "200 FORBIDDEN",
        hive="200 FieldsOnCorrectType",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "the SDL of users": Case(operation("{ _service { sdl } }"), "200 FORBIDDEN", at="users"),
    "the SDL of bids": Case(operation("{ _service { sdl } }"), "200 FORBIDDEN", at="bids"),
    "the SDL of notifications": Case(operation("{ _service { sdl } }"), "200 FORBIDDEN", at="notifications"),
    "references through the router": Case(
        operation("query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }", {"r": []}),
        hive="200 KnownTypeNames FieldsOnCorrectType",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a field that is nearly right": guessed("{ categorie { id } }", "FieldsOnCorrectType"),
    "a field of an object that is nearly right": guessed("{ categories { slugs } }", "FieldsOnCorrectType"),
    "an argument that is nearly right": guessed(
        '{ task(ids: "a") { id } }', "ProvidedRequiredArguments KnownArgumentNames"
    ),
    "a type that is nearly right": guessed("{ categories { ... on Categories { id } } }", "KnownTypeNames"),
    "an enum value that is nearly right": guessed("{ tasks(sort: NEWES) { nodes { id } } }", "ValuesOfCorrectType"),
    "an enum value in a variable": guessed_in_a_variable(
        "query ($s: TaskSort!) { tasks(sort: $s) { nodes { id } } }", {"s": "NEWES"}
    ),
    "an input field that is nearly right": guessed(
        '{ tasks(filter: { tex: "a" }) { nodes { id } } }', "ValuesOfCorrectType"
    ),
    "an input field in a variable": guessed_in_a_variable(
        "query ($f: TaskFilter) { tasks(filter: $f) { nodes { id } } }", {"f": {"tex": "a"}}
    ),
    "a directive that is nearly right": guessed(
        "{ categories @skipp(if: true) { id } }", "KnownDirectives KnownArgumentNames"
    ),
    "a fragment of a name that is nearly right": guessed(
        "{ categories { ...Fo } } fragment Foo on Category { id }", "KnownFragmentNames NoUnusedFragments"
    ),
    "a mutation that is nearly right": guessed("mutation { createTasks { id } }", "FieldsOnCorrectType"),
    "an admin's field": guessed("{ adminUsers { id } }", "FieldsOnCorrectType"),
    "traces and plans by header": Case(asks_with(TRACED), "200 data", "200 data"),
    "traces and plans of a refusal": Case(asks_with(TRACED, "{ nothing }"), "200 data errors", "200 errors"),
    "traces and plans by extension": Case(
        body('{"query":"{ categories { id } }","extensions":{"tracing":true,"queryPlan":true,"debug":true}}'),
        "200 ok",
        "200 ok",
    ),
    "the programs by header": Case(reads_the_head, "none", "none"),
    "a page for people": Case(
        body(b"", method="GET", content_type=None, accept="text/html"),
        "400 BAD_REQUEST",
        hive="415 UNSUPPORTED_CONTENT_TYPE",
        embedded="403 CSRF_PREVENTION_FAILED",
    ),
    "an incremental answer": Case(
        operation("{ categories { id ... @defer { name } } }"),
        "200 BAD_REQUEST",
        hive="200 KnownDirectives",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a streamed answer": Case(
        operation("{ categories @stream(initialCount: 1) { id } }"),
        "200 BAD_REQUEST",
        hive="200 KnownDirectives KnownArgumentNames",
        embedded="200 GRAPHQL_VALIDATION_FAILED",
    ),
    "a persisted document by its hash": Case(
        body('{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"' + "0" * 64 + '"}}}'),
        "400 BAD_REQUEST",
        hive="200 PERSISTED_DOCUMENT_NOT_FOUND",
        embedded="400 BAD_REQUEST",
    ),
    "a document to persist": Case(
        body(
            '{"query":"{ categories { id } }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"'
            + "0" * 64
            + '"}}}'
        ),
        "200 ok",
        "200 ok",
    ),
    "a persisted document by a path": Case(
        body('{"documentId":"../../../../etc/passwd"}'),
        "400 BAD_REQUEST",
        hive="200 PERSISTED_DOCUMENT_NOT_FOUND",
        embedded="400 BAD_REQUEST",
    ),
    "another path by header": Case(
        asks_with({"x-original-url": "/metrics", "x-rewrite-url": "/metrics", "x-forwarded-prefix": "/a"}),
        "200 data",
        "200 data",
    ),
    "the documentation of FastAPI": Case(looks_at("/docs"), "404", embedded="404"),
    "an OpenAPI description": Case(looks_at("/openapi.json"), "404", embedded="404"),
    "GraphiQL": Case(looks_at("/graphiql"), "404", embedded="404"),
    "a playground": Case(looks_at("/playground"), "404", embedded="404"),
    "a laboratory": Case(looks_at("/laboratory"), "404", embedded="404"),
    "the source's repository": Case(looks_at("/.git/config"), "404", embedded="404"),
    "an environment file": Case(looks_at("/.env"), "404", embedded="404"),
    "a file above": Case(looks_at("/graphql/..%2f..%2fetc/passwd"), "404", embedded="404"),
    "a file of the process": Case(looks_at("/%2e%2e/proc/self/environ"), "404", embedded="404"),
    "a debugger": Case(looks_at("/debug/pprof/"), "404", embedded="404"),
    "an actuator": Case(looks_at("/actuator/env"), "404", embedded="404"),
    "the endpoint with a slash": Case(looks_at("/graphql/"), "404", embedded="404"),
    "the endpoint with two slashes": Case(looks_at("//graphql"), "404", embedded="404"),
}


@pytest.fixture(scope="module")
def production(stack: Stack, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with targets.of_production(stack, scene, tmp_path_factory.mktemp("production")) as found:
        yield Arena(found)


@everywhere(CASES, share=1 / 3)
async def test_a_stranger_learns_nothing(production: Arena, case: Case, place: str) -> None:
    await defended(production, case, place)

    assert not any(answers.SUGGESTION in said for said in production.targets[place].said)


# What Hive Router calls itself on every path but its own stays behind the edge.
HIDDEN_PATHS = [
    "/metrics", "/docs", "/openapi.json", "/nginx_status", "/server-status", "/health", "/readiness", "/-/websocket",
    "/graphiql", "/playground", "/laboratory", "/.git/config", "/.env", "/debug/pprof/", "/actuator/env", "/graphql/",
]  # fmt: skip


@pytest.mark.parametrize("path", HIDDEN_PATHS)
async def test_the_edge_shows_nothing_but_what_it_is_for(stack: Stack, path: str) -> None:
    for edge in stack.edges.values():
        async with httpx.AsyncClient(base_url=edge, timeout=20, verify=NO_TLS) as client:
            response = await client.get(path)
        assert response.status_code == 404
        assert response.headers["server"] == "nginx"
        assert answers.leaks(response.text) == []
