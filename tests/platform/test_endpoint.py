"""The /graphql endpoint over HTTP: every request gets an answer with a code, and costs little."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import pytest
import strawberry
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import errors
from shared.context import Context
from shared.graphql.schema import build_schema, field, mutation, query, subscription
from shared.graphql.types import UserError
from shared.process.app import create_app
from tests.conftest import AccessToken, SettingsFor
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds_once
from tests.support.serving import Served, serve

Info = strawberry.Info[Context[None], None]
USER = "user_01h455vb4pex5vsknk084sn02q"


@strawberry.type
class Thing:
    name: str

    @field(description="itself")
    async def again(self, info: Info) -> "Thing":
        return self


class Refused(errors.DomainError):
    code = errors.UserErrorCode.NOT_ALLOWED


@strawberry.type
class TouchPayload:
    name: str | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)

    @classmethod
    def of(cls, current: object) -> "TouchPayload":
        return cls(name=str(current))


@strawberry.type
class EnterPayload:
    name: str | None = None
    user_errors: list[UserError] = strawberry.field(default_factory=list)

    @field(description="who asked")
    async def by(self, info: Info) -> str | None:
        return info.context.actor.id if info.context.actor else None


@strawberry.type
class Query:
    @query(description="who calls")
    async def who(self, info: Info) -> str | None:
        return info.context.actor.id if info.context.actor else None

    @query(description="for the signed in", scope="marketplace")
    async def mine(self, info: Info) -> str | None:
        return info.context.require_actor().id

    @query(description="for admins", scope="admin")
    async def secret(self, info: Info) -> str | None:
        return "s"

    @query(description="a thing")
    async def thing(self, info: Info, text: str = "x") -> Thing:
        return Thing(name=text)

    @query(description="where one can sign in", leads_to_session=True)
    async def ways_in(self, info: Info) -> list[Thing]:
        return [Thing(name="a"), Thing(name="b")]

    @query(description="fails")
    async def broken(self, info: Info) -> str | None:
        raise RuntimeError("postgresql://secret")


@strawberry.type
class Mutation:
    @mutation(description="refuses", scope=None)
    async def touch(self, info: Info, refuse: bool = False, conflict: bool = False) -> TouchPayload:
        if refuse:
            raise Refused("No.", field=("refuse",))
        if conflict:
            raise errors.VersionConflict("Changed.", current="now")
        return TouchPayload(name="done")

    @mutation(description="signs in; tells who asked", scope=None, leads_to_session=True)
    async def enter(self, info: Info) -> EnterPayload:
        return EnterPayload(name="in")


@strawberry.type
class Subscription:
    @subscription(description="counts, then fails", scope="marketplace")
    async def count(self, info: Info, to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number
        raise errors.CursorExpired("Too old.")

    @subscription(description="waits for ever")
    async def wait(self, info: Info) -> AsyncIterator[int]:
        yield 0
        await asyncio.Event().wait()


schema = build_schema(Query, Mutation, Subscription)


@pytest.fixture
async def served(settings_for: SettingsFor) -> AsyncIterator[Served]:
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings_for("platform"))
    async with serve(app) as served:
        yield served


async def test_queries_and_mutations_are_answered(served: Served, access_token: AccessToken) -> None:
    assert await served.execute("{ who }") == {"data": {"who": None}}
    assert await served.execute("{ mine }", token=access_token(USER)) == {"data": {"mine": USER}}
    assert await served.execute("mutation { touch { name userErrors { code } } }") == {
        "data": {"touch": {"name": "done", "userErrors": []}}
    }


async def test_a_domain_error_becomes_a_user_error_of_the_payload(served: Served) -> None:
    selection = "{ name userErrors { code message field } }"
    assert await served.execute(f"mutation {{ touch(refuse: true) {selection} }}") == {
        "data": {
            "touch": {
                "name": None,
                "userErrors": [{"code": "NOT_ALLOWED", "message": "No.", "field": ["refuse"]}],
            }
        }
    }
    assert await served.execute(f"mutation {{ touch(conflict: true) {selection} }}") == {
        "data": {
            "touch": {
                "name": "now",
                "userErrors": [{"code": "VERSION_CONFLICT", "message": "Changed.", "field": None}],
            }
        }
    }


async def test_scopes_are_enforced(served: Served, access_token: AccessToken) -> None:
    assert await code(served, "{ mine }") == "UNAUTHENTICATED"
    assert await code(served, "{ secret }") == "UNAUTHENTICATED"
    assert await code(served, "{ secret }", token=access_token(USER)) == "FORBIDDEN"
    assert await served.execute("{ secret }", token=access_token(USER, scope="marketplace admin")) == {
        "data": {"secret": "s"}
    }


def forged(claims: dict[str, Any], **header: str) -> str:
    return jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=header)


def unsigned(token: str) -> str:
    header = jwt.utils.base64url_encode(
        json.dumps({"alg": "none", "kid": jwt.get_unverified_header(token)["kid"]}).encode()
    )
    return f"{header.decode()}.{token.split('.')[1]}."


def confused(token: str) -> str:
    """HMAC keyed with what everybody knows: the algorithm confusion of RFC 8725, section 2.1."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, "k" * 40, algorithm="HS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "garbage",
        lambda token: "",
        lambda token: token[:-6] + "AAAAAA",
        unsigned,
        confused,
        lambda token: forged(
            jwt.decode(token, options={"verify_signature": False}), kid=jwt.get_unverified_header(token)["kid"]
        ),
        lambda token: forged(jwt.decode(token, options={"verify_signature": False}), kid="another"),
        lambda token: token + "." + token,
    ],
)
async def test_a_forged_token_makes_no_stranger(
    served: Served, access_token: AccessToken, spoil: Callable[[str], str]
) -> None:
    token = spoil(access_token(USER))
    assert await served.execute("{ thing { name } }", token=token or "x") == refusal("The access token is not valid.")


def refusal(message: str) -> dict[str, Any]:
    """The answer as a whole to an operation beside a token that does not hold."""
    return {
        "data": None,
        "errors": [{"message": message, "extensions": {"service": "exchange", "code": "UNAUTHENTICATED"}}],
    }


EXPIRED = "The access token has expired."


@pytest.mark.parametrize(
    "document",
    [
        "{ who }",
        "{ thing { name } }",
        "{ __typename }",
        "{ __schema { queryType { name } } }",
        "{ _service { sdl } }",
        "mutation { touch { name } }",
        "mutation { enter { name } touch { name } }",
        "{ waysIn { name } ...Rest } fragment Rest on Query { thing { name } }",
        "query($no: Boolean! = false) { waysIn { name } thing @include(if: $no) { name } }",
    ],
)
async def test_beside_an_expired_token_nothing_runs(served: Served, access_token: AccessToken, document: str) -> None:
    assert "errors" not in await served.execute(document)
    assert await served.execute(document, token=access_token(USER, expires_in=-3)) == refusal(EXPIRED)


async def test_what_leads_to_a_session_goes_on_beside_it(served: Served, access_token: AccessToken) -> None:
    expired = access_token(USER, expires_in=-3)
    document = "mutation { __typename enter { name userErrors { code } } }"
    answer = {"data": {"__typename": "Mutation", "enter": {"name": "in", "userErrors": []}}}
    assert await served.execute(document) == await served.execute(document, token=expired) == answer
    ways = {"data": {"a": [{"name": "a"}, {"name": "b"}], "waysIn": [{"name": "a"}, {"name": "b"}]}}
    assert await served.execute("{ a: waysIn { name } waysIn { name } }", token=expired) == ways


async def test_even_there_its_owner_is_no_stranger(served: Served, access_token: AccessToken) -> None:
    answer = await served.execute("mutation { enter { name by } }", token=access_token(USER, expires_in=-3))
    assert answer["data"] == {"enter": {"name": "in", "by": None}}
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["enter", "by"], "UNAUTHENTICATED")
    ]


@pytest.mark.parametrize(
    ("value", "is_stranger"),
    [
        ("", True),
        ("Bearer", False),
        ("Bearer undefined", False),
        ("Basic YTpi", False),
        ("token", False),
    ],
)
async def test_only_nothing_is_no_token(served: Served, value: str, is_stranger: bool) -> None:
    response = await served.client.post("/graphql", json={"query": "{ who }"}, headers={"authorization": value})
    answer = response.json()
    assert (answer == {"data": {"who": None}}) is is_stranger
    if not is_stranger:
        assert answer["data"] is None
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]


async def test_a_refused_token_costs_the_address(settings_for: SettingsFor, access_token: AccessToken) -> None:
    settings = settings_for("platform", operation_cost_per_address="20/1 minute")
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings)
    async with serve(app) as served:
        expired = access_token(USER, expires_in=-3)
        answers = [await served.execute("{ who }", token=expired, address="203.0.113.9") for _ in range(30)]
    codes = [answer["errors"][0]["extensions"]["code"] for answer in answers]
    assert (codes[0], codes[-1]) == ("UNAUTHENTICATED", "RATE_LIMITED")


@pytest.mark.timing
async def test_a_revoked_session_is_nobody_within_seconds(served: Served, access_token: AccessToken) -> None:
    token = access_token(USER, session_id="session_1")
    services = served.server._app.state.services
    assert (await served.execute("{ mine }", token=token))["data"] == {"mine": USER}
    # As another process would write it; this one's mirror must notice by itself.
    await services.cache.client.zadd("revoked:sessions", {"session_1": time.time() + 100})
    deadline = time.monotonic() + 5
    while (await served.execute("{ mine }", token=token))["data"] == {"mine": USER}:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_a_redis_that_lost_its_data_revives_no_session(served: Served, access_token: AccessToken) -> None:
    token = access_token(USER, session_id="session_1")
    services = served.server._app.state.services
    await services.cache.client.zadd("revoked:sessions", {"session_1": time.time() + 100})
    await services.revocations.refresh()
    await services.cache.client.flushdb()
    await services.revocations.refresh()
    assert await served.execute("{ mine }", token=token) == refusal("The session has ended.")


async def test_an_unexpected_failure_tells_nothing_but_the_request_id(served: Served) -> None:
    response = await served.client.post(
        "/graphql", json={"query": "{ broken }"}, headers={"x-request-id": "request-id-1"}
    )
    assert response.headers["x-request-id"] == "request-id-1"
    assert response.json() == {
        "data": {"broken": None},
        "errors": [
            {
                "message": "Something went wrong on our side.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["broken"],
                "extensions": {"service": "exchange", "code": "INTERNAL", "requestId": "request-id-1"},
            }
        ],
    }


BAD_BODIES: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a list": b'[{"query":"{ who }"}]',
    "a string": b'"{ who }"',
    "broken JSON": b'{"query": "{ who }"',
    "deep JSON": b'{"query":"{ who }","variables":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "deep lists": b"[" * 400_000,
    "a huge integer": b'{"query":"{ who }","variables":{"a":' + b"1" * 10_000 + b"}}",
    "invalid UTF-8": b'{"query":"{ who \xff }"}',
    "NaN": b'{"query":"{ who }","variables":{"a":NaN}}',
    "no query": b"{}",
    "query is a number": b'{"query":1}',
    "variables are a list": b'{"query":"{ who }","variables":[]}',
    "operationName is an object": b'{"query":"{ who }","operationName":{}}',
    "NUL": b'{"query":"query($t: String!) { thing(text: $t) { name } }","variables":{"t":"a\\u0000b"}}',
    "a lone surrogate": b'{"query":"query($t: String!) { thing(text: $t) { name } }","variables":{"t":"\\ud800"}}',
    "deep selection": json.dumps({"query": "{" + "a{" * 20_000}).encode(),
    "deep list literal": json.dumps({"query": "{ thing(text: " + "[" * 50_000 + " }"}).encode(),
    "many tokens": json.dumps({"query": "{" + " who" * 200_000 + "}"}).encode(),
    "many aliases": json.dumps({"query": "{" + "".join(f"a{i}: who " for i in range(400)) + "}"}).encode(),
    "fragment cycle": b'{"query":"{ thing { ...a } } fragment a on Thing { ...b } fragment b on Thing { ...a }"}',
    "no such field": b'{"query":"{ nothing }"}',
    "no such operation": b'{"query":"query a { who }","operationName":"b"}',
    "wrong variable": b'{"query":"query($t: String!) { thing(text: $t) { name } }","variables":{"t":{}}}',
    "a subscription": b'{"query":"subscription { wait }"}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_bad_bodies_are_refused(served: Served, name: str) -> None:
    response = await posted(served, name)
    assert response.status_code < 500
    assert response.json()["errors"][0]["extensions"]["code"] in ("BAD_REQUEST", "TOO_COMPLEX")
    assert not (response.json().get("data") or {}).get("who")
    assert await served.execute("{ who }") == {"data": {"who": None}}


@pytest.mark.timing
@pytest.mark.parametrize("name", BAD_BODIES)
async def test_bad_bodies_are_refused_cheaply(served: Served, name: str) -> None:
    # Client and server share this process.
    assert await cpu_seconds_once(lambda: posted(served, name)) < LIMIT_SECONDS


async def posted(served: Served, name: str) -> httpx.Response:
    return await served.client.post("/graphql", content=BAD_BODIES[name], headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query ($text: String!) { thing(text: $text) { name } }", {"text": {"is": "secret"}}),
        ('{ thing(text: ["secret"]) { name } }', None),
        ('{ thing("secret") { name } }', None),
    ],
)
async def test_a_subgraph_answers_without_what_was_sent(
    served: Served, document: str, variables: dict[str, Any] | None
) -> None:
    answer = await served.execute(document, variables)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_REQUEST"]
    assert "secret" not in str(answer)


DOUBLING = (
    "{ thing { ...f0 } } "
    + "".join(f"fragment f{i} on Thing {{ ...f{i + 1} ...f{i + 1} }} " for i in range(60))
    + "fragment f60 on Thing { name }"
)


async def test_fragments_that_double_are_answered(served: Served) -> None:
    assert await served.execute(DOUBLING) == {"data": {"thing": {"name": "x"}}}


@pytest.mark.timing
async def test_fragments_that_double_cost_no_more_than_their_text(served: Served) -> None:
    assert await cpu_seconds_once(lambda: served.execute(DOUBLING)) < LIMIT_SECONDS


async def test_a_body_over_the_limit_is_refused(served: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100_000

    headers = {"content-type": "application/json"}
    with_length = await served.client.post("/graphql", content=b" " * 1_000_001, headers=headers)
    assert (with_length.status_code, with_length.json()["errors"][0]["extensions"]["code"]) == (413, "BAD_REQUEST")
    chunked = await served.client.post("/graphql", content=chunks(), headers=headers)
    assert (chunked.status_code, chunked.json()["errors"][0]["extensions"]["code"]) == (413, "BAD_REQUEST")


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_what_a_form_can_send_is_refused(served: Served, content_type: str | None) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await served.client.post("/graphql", content=b'{"query":"{ who }"}', headers=headers)
    assert response.status_code == 415
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_get_runs_queries_and_nothing_else(served: Served) -> None:
    read = await served.client.get("/graphql", params={"query": "{ who }"})
    assert (read.status_code, read.json()) == (200, {"data": {"who": None}})
    write = await served.client.get("/graphql", params={"query": "mutation { touch { name } }"})
    assert write.json()["data"] is None
    assert write.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    page = await served.client.get("/graphql", headers={"accept": "text/html"})
    assert "html" not in page.headers["content-type"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_refused(served: Served, method: str) -> None:
    response = await served.client.request(method, "/graphql", json={"query": "{ who }"})
    assert response.status_code == 405


async def test_introspection_in_production_is_for_admins(settings_for: SettingsFor, access_token: AccessToken) -> None:
    settings = settings_for("platform", environment="production")
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings)
    async with serve(app) as served:
        for document in (
            "{ __schema { types { name } } }",
            "{ _service { sdl } }",
            "{ ...f } fragment f on Query { __schema { types { name } } }",
        ):
            assert await code(served, document) == "FORBIDDEN"
            admin = await served.execute(document, token=access_token(USER, scope="marketplace admin"))
            assert "errors" not in admin
        unknown = await served.execute("{ whoo }")
        assert "Did you mean" not in unknown["errors"][0]["message"]


async def test_health_and_metrics(served: Served) -> None:
    assert (await served.client.get("/healthz")).json() == {"status": "ok"}
    ready = await served.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
    await served.execute("{ who }")
    metrics = (await served.client.get("/metrics")).text
    assert 'exchange_operations_total{code="OK",field="who",type="query"}' in metrics


async def code(served: Served, document: str, token: str | None = None) -> str:
    answer = await served.execute(document, token=token)
    value: str = answer["errors"][0]["extensions"]["code"]
    return value
