"""A token that was sent and does not hold makes nobody a stranger in silence, through edge and each router."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import jwt
import pytest
from websockets.exceptions import ConnectionClosed

from deploy.keys import read
from deploy.local import secret_files
from deploy.local.stack import Stack
from tests.e2e.people import BID_EVENTS, TASK_EVENTS, Person, eventually, mutation, new_email, new_password, newcomer
from tests.e2e.test_suspension import ASKS
from tests.supergraph.clients import Json, Socket, codes, post, raw_socket

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

LOG_OUT = mutation("logOut", "session { id }")
SESSION = (
    "session { accessToken refreshToken user { id displayName email roles preferences { locale } emailVerifiedAt } }"
)
LOG_IN = mutation("logIn", SESSION)
REFRESH = mutation("refreshSession", SESSION)
WITH_BIDS = mutation("logIn", "session { user { id email bids { totalCount } } }")


@dataclass
class Scene:
    """A poster with a bid on their task, and tokens of theirs that do not hold."""

    edge: str
    task_id: str
    email: str
    password: str
    expired: str
    forged: str
    ended: str
    refresh_token: str

    @property
    def url(self) -> str:
        return f"{self.edge}/graphql"


@pytest.fixture
async def scene(stack: Stack, edge: str) -> AsyncIterator[Scene]:
    email, password = new_email(), new_password()
    async with Person(edge, "Petra") as petra, newcomer(edge, "Tom", "TASKER") as tom:
        await petra.sign_up(email, password, ["POSTER"])
        task_id = await petra.post_task()
        await tom.place_bid(task_id, "180.00")
        ended = await petra.token()
        claims = jwt.decode(ended, options={"verify_signature": False})
        key = read(secret_files.signing_keys(stack.instance))[0]
        past = claims | {"exp": int(time.time()) - 60}
        expired = jwt.encode(past, jwt.PyJWK(key), algorithm="EdDSA", headers={"kid": key["kid"]})
        await petra.call(LOG_OUT, input={})
        for subgraph, document in ASKS.items():
            await eventually(partial(is_refused, stack.url(subgraph, "/graphql"), document, ended))
        await petra.log_in(email, password)
        yield Scene(
            edge, task_id, email, password, expired, f"{ended[:-8]}AAAAAAAA", ended, petra.session["refreshToken"]
        )


async def is_refused(url: str, document: str, token: str) -> bool:
    return codes(await post(url, document, authorization=bearer(token))) == ["UNAUTHENTICATED"]


def bearer(token: str) -> str:
    return f"Bearer {token}"


DOCUMENTS = [
    "{ task(id: %TASK%) { title bids { totalCount } } }",
    "{ task(id: %TASK%) { title } categories { id } signInProviders { id } }",
    "{ categories { id } }",
    "{ me { id } task(id: %TASK%) { poster { displayName } } }",
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("which", ["expired", "forged", "ended"])
async def test_a_query_beside_it_is_refused(scene: Scene, which: str, document: str) -> None:
    text = document.replace("%TASK%", f'"{scene.task_id}"')
    answer = await post(scene.url, text, authorization=bearer(getattr(scene, which)))
    assert set(codes(answer)) == {"UNAUTHENTICATED"}
    values = [value for name, value in (answer.get("data") or {}).items() if name != "signInProviders"]
    assert all(value is None for value in values)
    assert "errors" not in await post(scene.url, text.replace("me { id } ", ""))


@pytest.mark.parametrize("which", ["expired", "forged", "ended"])
async def test_one_signs_in_beside_it_and_sees_oneself(scene: Scene, which: str) -> None:
    authorization = bearer(getattr(scene, which))
    given = {"input": {"email": scene.email, "password": scene.password}}
    signed_in = (await post(scene.url, LOG_IN, given, authorization=authorization))["data"]["logIn"]
    renewing = {"input": {"refreshToken": scene.refresh_token}}
    renewed = (await post(scene.url, REFRESH, renewing, authorization=authorization))["data"]["refreshSession"]
    for payload in (signed_in, renewed):
        assert payload["userErrors"] == []
        user = payload["session"]["user"]
        assert (user["email"], user["roles"], user["preferences"]) == (scene.email, ["POSTER"], {"locale": "EN"})
    # What other subgraphs say of oneself is asked with the token of the request.
    answer = await post(scene.url, WITH_BIDS, given, authorization=authorization)
    assert answer["data"]["logIn"]["session"]["user"]["email"] == scene.email
    assert answer["data"]["logIn"]["session"]["user"]["bids"] is None
    assert set(codes(answer)) == {"UNAUTHENTICATED"}


@asynccontextmanager
async def socket_or_code(scene: Scene, token: str) -> AsyncIterator[Socket | int | None]:
    """A connection that is served, or the code that it was closed with at `connection_init`."""
    async with raw_socket(scene.url) as opened:
        await opened.send(type="connection_init", payload={"authorization": bearer(token)})
        try:
            assert (await opened.receive())["type"] == "connection_ack"
        except ConnectionClosed:
            yield opened.connection.close_code
            return
        yield opened


@pytest.mark.parametrize("which", ["expired", "forged", "ended"])
async def test_a_connection_with_it_serves_no_stranger(scene: Scene, stack: Stack, which: str) -> None:
    is_embedded = scene.edge == stack.edges.get("embedded")
    async with socket_or_code(scene, getattr(scene, which)) as outcome:
        if is_embedded and which != "ended":
            assert outcome == 4403
            return
        assert isinstance(outcome, Socket)
        for number, document in enumerate((BID_EVENTS, TASK_EVENTS, "{ categories { id } }")):
            await outcome.subscribe(document, {"taskId": scene.task_id, "after": 0}, id=str(number))
            assert refusal(await outcome.until_end()) == {"UNAUTHENTICATED"}


def refusal(messages: list[Json]) -> set[str]:
    """The codes of what an operation was ended with, which brought nothing."""
    errors = []
    for message in messages:
        if message["type"] == "error":
            errors += message["payload"]
        elif message["type"] == "next":
            assert not any((message["payload"].get("data") or {}).values())
            errors += message["payload"].get("errors", [])
    return {error["extensions"]["code"] for error in errors}
