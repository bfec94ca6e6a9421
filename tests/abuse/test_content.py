"""What people write, at every place where the schemas let them: refused clearly, or stored and shown as text."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from shared.errors import UserErrorCode
from tests.abuse import answers, inputs
from tests.abuse.inputs import TextField
from tests.abuse.scene import Scene
from tests.e2e.people import mutation
from tests.support.loopback import NO_TLS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
REFUSALS = {"BAD_REQUEST", "INVALID_ID", "FORBIDDEN", "RATE_LIMITED", "TOO_COMPLEX", "UNAUTHENTICATED"}
# Whatever stands in such a place is refused, be it with what else is wrong.
ALWAYS_REFUSED = {
    "a NUL": "good text\0bad text",
    "half of a surrogate pair": "good text\ud800bad text",
    "an escape sequence": "good text \x1b[31m bad text",
    "a bell": "good text\abad text",
    "a C1 control": "good text\x9bbad text",
    "a noncharacter": "good text\uffff bad text",
    "an override of the direction": "good text\u202ebad text",
    "an isolate that is left open": "good text\u2067bad text",
    "200,000 letters": "a" * 200_000,
}
# These may be stored, and must then be what they were.
AS_IT_IS = {
    "a script": "<script>alert(document.cookie)</script>",
    "a template": "{{7*7}} ${7*7} <%= 7*7 %> #{7*7} %{7*7}",
    "SQL": "Robert'); DROP TABLE users; --",
    "a formula": '=HYPERLINK("https://evil.example", "Click")',
    "a format": "%s%n%x{0}{0.__class__}",
    "a path": "../../../../etc/passwd",
    "a line for a log": 'done level=error msg="root logged in"',
    "Arabic, as it is written": "السباكة\u200f والكهرباء\u200e 24/7",
    "an isolate that is closed": "From \u2068\u05e9\u05dc\u05d5\u05dd\u2069 to you, with love",
    "a family": "👩‍👩‍👧‍👦 needs a hand",
}
BAD_URLS = [
    "http://img.example.com/a.png", "ftp://img.example.com/a.png", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
    "data:image/svg+xml,<svg onload=alert(1)>", "vbscript:a", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO",
    "//img.example.com/a.png", "https:/img.example.com", "https:img.example.com", "https://", "https:///a", "a",
    "https://user@img.example.com/", "https://user:secret@img.example.com/", "https://img.example.com@evil.example/",
    "https://img.example.com\\@evil.example/", "https://localhost/", "https://localhost.localdomain/",
    "https://printer.local/", "https://db.internal/", "https://router.lan/", "https://a.localhost/", "https://a.test/",
    "https://a.home.arpa/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://0/", "https://10.0.0.1/",
    "https://172.16.0.1/", "https://192.168.0.1/", "https://100.64.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://metadata.google.internal/", "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/", "https://[fd00:ec2::254]/", "https://[fe80::1%25eth0]/", "https://[64:ff9b::7f00:1]/",
    "https://127.0.0.1./", "https://localhost./", "https://example.com../", "https://.example.com/",
    "https://example..com/", "https://-a.example.com/", "https://example.com:0/", "https://example.com:65536/",
    "https://example.com:/", "https://example.com:80a/", "https://ex\u00e4mple.com/", "https://ex\u0430mple.com/",
    "https://example\u3002com/", "https://①②⑦.0.0.1/", "https://example.com/a b",
    "https://example.com/\r\nSet-Cookie: a=b",
    "https://example.com/<script>", "https://example.com/\u202egnp.a", "https://" + "a" * 64 + ".example.com/",
    "https://example.com/" + "a" * 2_000,
]  # fmt: skip


def fields() -> Iterator[object]:
    for subgraph in built_subgraphs():
        for at in inputs.text_fields(subgraph):
            yield pytest.param(subgraph, at, id=f"{subgraph} {at.name}")


async def ask(
    stack: Stack, scene: Scene, subgraph: str, document: str, variables: object, client: httpx.AsyncClient
) -> httpx.Response:
    """An operation of Walter's, who may do everything. Lone surrogates leave as JSON has them."""
    body = scene.fill(json.dumps({"query": document, "variables": variables}))
    headers = {
        "authorization": f"Bearer {scene['walter token']}",
        "content-type": "application/json",
        "x-forwarded-for": "2001:db8:c0de::1",
    }
    return await client.post(stack.url(subgraph, "/graphql"), content=body, headers=headers)


def judge(response: httpx.Response) -> tuple[bool, str]:
    """Whether it was refused, and what was answered. Fails for what is no clear answer."""
    text = response.text[:1_000]
    assert response.status_code in (200, 400, 413), text
    body = response.json()
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    assert codes <= REFUSALS, text
    payload = next(iter((body.get("data") or {}).values()), None)
    user_errors = payload.get("userErrors") or [] if isinstance(payload, dict) else []
    assert all(error["code"] in UserErrorCode.__members__ and error["message"] for error in user_errors), text
    assert answers.leaks(text) == []
    return bool(codes or user_errors), text


@pytest.mark.table(share=1 / 3, kinds=lambda subgraph, at: [(subgraph, at.field)])
@pytest.mark.parametrize(("subgraph", "at"), list(fields()))
async def test_every_text_is_refused_clearly_or_taken(stack: Stack, scene: Scene, subgraph: str, at: TextField) -> None:
    async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
        for what, value in ALWAYS_REFUSED.items():
            document, variables = inputs.operation(subgraph, at, value)
            refused, text = judge(await ask(stack, scene, subgraph, document, variables, client))
            # A search may find nothing; whoever writes is told.
            assert refused or at.root == "Query", f"{what} in {at.name}: {text}"
        for value in AS_IT_IS.values():
            document, variables = inputs.operation(subgraph, at, value)
            judge(await ask(stack, scene, subgraph, document, variables, client))


@pytest.mark.parametrize(
    ("subgraph", "at"),
    [field for field in fields() if field.values[1].path[-1].lower().endswith("url")],  # type: ignore[attr-defined]
)
async def test_every_address_is_https_and_public(stack: Stack, scene: Scene, subgraph: str, at: TextField) -> None:
    async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
        for url in BAD_URLS:
            document, variables = inputs.operation(subgraph, at, url)
            response = await ask(stack, scene, subgraph, document, variables, client)
            (payload,) = response.json()["data"].values()
            refusals = [(error["code"], error["field"]) for error in payload["userErrors"]]
            assert refusals == [("INVALID_INPUT", list(at.path[1:]))], url


async def test_what_people_write_is_shown_as_they_wrote_it(stack: Stack, scene: Scene) -> None:
    update = mutation("updateProfile", "user { bio displayName }")
    create = mutation("createTask", "task { title description }")
    async with httpx.AsyncClient(timeout=30, verify=NO_TLS) as client:
        for text in AS_IT_IS.values():
            profile = {"input": {"bio": text, "displayName": text}}
            answer = (await ask(stack, scene, "users", update, profile, client)).json()
            assert answer["data"]["updateProfile"] == {"user": {"bio": text, "displayName": text}, "userErrors": []}

            task = {"input": {
                "title": f"Title: {text}", "description": f"This is a description: {text}", "categoryId": "<category>",
                "budget": {"amount": "10.00", "currency": "EUR"}, "mode": "REMOTE",
            }}  # fmt: skip
            answer = (await ask(stack, scene, "tasks", create, task, client)).json()
            assert answer["data"]["createTask"] == {
                "task": {"title": f"Title: {text}", "description": f"This is a description: {text}"},
                "userErrors": [],
            }


# Who may open connections of HTTP, and to where. None of these addresses is ever one that a user gave.
FETCHING = {"aiohttp", "authlib", "http.client", "httpx", "requests", "urllib.request", "urllib3"}
MAY_FETCH: dict[str, str] = {
    "subgraphs/locations/geocoding/nominatim.py": "asks the server that the operator configured",
    "subgraphs/payments/provider/sandbox.py": "asks the provider that the operator configured",
    "subgraphs/users/openid/http.py": "asks the providers that the operator configured",
    "subgraphs/users/openid/flow.py": "makes PKCE challenges with Authlib; connects to nothing",
    "subgraphs/users/openid/id_tokens.py": "validates claims with Authlib; connects to nothing",
}


def test_nothing_fetches_an_address_that_a_user_gave() -> None:
    """A name that is public today may lead inside tomorrow (DNS rebinding): only a user's own browser follows it."""
    found = {
        str(file.relative_to(ROOT))
        for folder in ("shared", "subgraphs")
        for file in (ROOT / folder).rglob("*.py")
        if any(name == each or name.startswith(f"{each}.") for name in _imports(file) for each in FETCHING)
    }

    assert found == set(MAY_FETCH)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
