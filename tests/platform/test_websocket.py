"""The graphql-transport-ws protocol at the /graphql endpoint."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from shared import clock
from shared.process.app import create_app, drain
from tests.conftest import AccessToken, SettingsFor
from tests.platform.test_endpoint import USER, schema
from tests.support.serving import PROTOCOL, Served, serve


@pytest.fixture
async def served(settings_for: SettingsFor) -> AsyncIterator[Served]:
    app = create_app("platform", schema, loaders=lambda database: None, settings=settings_for("platform"))
    async with serve(app) as served:
        yield served


async def test_a_subscription_ends_with_the_code_of_its_error(served: Served, access_token: AccessToken) -> None:
    async with served.connect(token=access_token(USER)) as client:
        await client.subscribe("subscription { count(to: 2) }")
        assert await client.next() == {"data": {"count": 0}}
        assert await client.next() == {"data": {"count": 1}}
        last = await client.next()
        assert last["data"] is None
        assert last["errors"][0]["extensions"] == {"service": "exchange", "code": "CURSOR_EXPIRED"}
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_queries_run_over_websocket_too(served: Served, access_token: AccessToken) -> None:
    async with served.connect(token=access_token(USER)) as client:
        await client.subscribe("{ mine }")
        assert await client.next() == {"data": {"mine": USER}}
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_without_a_token_the_subscription_is_refused(served: Served) -> None:
    async with served.connect() as client:
        await client.subscribe("subscription { count(to: 2) }")
        refusal = await client.next()
        assert refusal["errors"][0]["extensions"] == {"service": "exchange", "code": "UNAUTHENTICATED"}
        assert await client.receive() == {"id": "1", "type": "complete"}


async def test_a_token_that_expires_on_the_connection_counts_no_more(served: Served, access_token: AccessToken) -> None:
    async with served.connect(token=access_token(USER, expires_in=1)) as client:
        async with asyncio.timeout(30):
            for number in range(1000):
                await client.subscribe("{ mine }", id=str(number))
                answer = await client.receive()
                if answer["type"] == "next":
                    assert answer["payload"] == {"data": {"mine": USER}}
                    assert await client.receive() == {"id": str(number), "type": "complete"}
                    await asyncio.sleep(0.05)
                    continue
                assert answer == refusal(str(number), "The access token has expired.")
                break
        # What takes nobody is not answered as to a stranger either, and what leads to a session goes on.
        await client.subscribe("{ thing { name } }", id="thing")
        assert await client.receive() == refusal("thing", "The access token has expired.")
        await client.subscribe("subscription { wait }", id="wait")
        assert await client.receive() == refusal("wait", "The access token has expired.")
        await client.subscribe("mutation { enter { name } }", id="enter")
        assert await client.next() == {"data": {"enter": {"name": "in"}}}


@pytest.mark.parametrize("authorization", ["Bearer x.y.z", "Bearer ", "Basic YTpi", 1, ["Bearer"]])
async def test_a_connection_with_a_token_that_does_not_hold_serves_no_stranger(
    served: Served, authorization: object
) -> None:
    async with served.connect(payload=cast("dict[str, str]", {"authorization": authorization})) as client:
        await client.subscribe("subscription { wait }")
        answer = await client.receive()
        assert (answer["type"], answer["payload"][0]["extensions"]["code"]) == ("error", "UNAUTHENTICATED")


async def test_a_session_that_ends_on_the_connection_counts_no_more(served: Served, access_token: AccessToken) -> None:
    async with served.connect(token=access_token(USER, session_id="session_ws")) as client:
        await client.subscribe("{ who }", id="1")
        assert await client.next() == {"data": {"who": USER}}
        assert await client.receive() == {"id": "1", "type": "complete"}
        revocations = served.server._app.state.services.revocations
        await revocations.revoke_session("session_ws", clock.now() + timedelta(minutes=1))
        await client.subscribe("{ thing { name } }", id="2")
        assert await client.receive() == refusal("2", "The session has ended.")


def refusal(id: str, message: str) -> dict[str, Any]:
    """What an operation is answered on a connection whose token does not hold."""
    error = {"message": message, "extensions": {"service": "exchange", "code": "UNAUTHENTICATED"}}
    return {"id": id, "type": "error", "payload": [error]}


async def test_draining_ends_subscriptions_and_takes_no_new_ones(served: Served) -> None:
    async with served.connect() as client:
        await client.subscribe("subscription { wait }")
        assert await client.next() == {"data": {"wait": 0}}
        draining = asyncio.create_task(drain(served.server._app))
        while (await served.client.get("/readyz")).status_code != 503:
            await asyncio.sleep(0.01)
        await client.subscribe("subscription { wait }", id="2")
        message = await client.receive()
        assert (message["id"], message["type"]) == ("2", "error")
        assert message["payload"][0]["extensions"] == {"service": "exchange", "code": "SERVER_SHUTDOWN"}
        await draining


VIOLATIONS: dict[str, tuple[str | bytes, int]] = {
    "not JSON": ("{", 4400),
    "binary": (b"\x00", 4400),
    "a list": ("[]", 4400),
    "null": ("null", 4400),
    "deep": ("[" * 100_000, 4400),
    "no type": ("{}", 4400),
    "unknown type": ('{"type":"start"}', 4400),
    "type is a number": ('{"type":1}', 4400),
    "init payload is a list": ('{"type":"connection_init","payload":[]}', 4400),
    "subscribe before the acknowledgement": ('{"type":"subscribe","id":"1","payload":{"query":"{ who }"}}', 4401),
    "subscribe without a query": ('{"type":"subscribe","id":"1","payload":{}}', 4400),
    "id is an object": ('{"type":"subscribe","id":{},"payload":{"query":"{ who }"}}', 4400),
    "complete without an id": ('{"type":"complete"}', 4400),
}


@pytest.mark.parametrize("name", VIOLATIONS)
async def test_violations_close_the_connection_with_their_code(served: Served, name: str) -> None:
    message, code = VIOLATIONS[name]
    async with connect(f"ws://127.0.0.1:{served.port}/graphql", subprotocols=[PROTOCOL]) as socket:
        await socket.send(message)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 30)
        assert socket.close_code == code
    assert await served.execute("{ who }") == {"data": {"who": None}}


async def test_two_initialisations_and_two_equal_ids_are_violations(served: Served) -> None:
    async with served.connect() as client:
        await client.send({"type": "connection_init"})
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert client.socket.close_code == 4429
    async with served.connect() as client:
        await client.subscribe("subscription { wait }")
        await client.next()
        await client.subscribe("subscription { wait }")
        with pytest.raises(ConnectionClosed):
            await client.receive()
        assert client.socket.close_code == 4409


async def test_a_null_init_payload_is_no_payload(served: Served) -> None:
    async with connect(f"ws://127.0.0.1:{served.port}/graphql", subprotocols=[PROTOCOL]) as socket:
        await socket.send('{"type":"connection_init","payload":null}')
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}


@pytest.mark.parametrize("protocols", [["graphql-ws"], None])
async def test_other_protocols_are_refused(served: Served, protocols: list[Subprotocol] | None) -> None:
    async with connect(f"ws://127.0.0.1:{served.port}/graphql", subprotocols=protocols) as socket:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 30)
        assert socket.close_code == 4406


@pytest.mark.parametrize("document", ["{", "{ nothing }", "{" + "a{" * 5_000, "query a { who } query b { who }"])
async def test_bad_operations_get_an_error_message_with_a_code(served: Served, document: str) -> None:
    async with served.connect() as client:
        await client.subscribe(document)
        message = await client.receive()
        assert (message["id"], message["type"]) == ("1", "error")
        assert message["payload"][0]["extensions"]["code"] in ("BAD_REQUEST", "TOO_COMPLEX")
        await client.subscribe("{ who }", id="2")
        assert await client.next() == {"data": {"who": None}}
