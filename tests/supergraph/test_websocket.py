"""How subscriptions behave end to end, and what a router does with clients that break the protocol."""

import asyncio
import contextlib
import json
import socket as sockets
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode

from tests.supergraph.clients import Json, Socket, bearer, post, raw_socket, socket
from tests.supergraph.conftest import ALLOWED_ORIGIN, MAX_OPERATIONS, Router, Subgraph, only_embedded

TOKEN = {"authorization": bearer("a")}
EVENTS = """
    subscription ($count: Int! = 3, $end: String, $pause: Float! = 0, $padding: Int! = 0) {
      bidEvents(taskId: "7", count: $count, end: $end, pause: $pause, padding: $padding) {
        seq authorization padding task { id title bidCount }
      }
    }
"""


def event(seq: int) -> Json:
    return {
        "seq": seq,
        "authorization": bearer("a"),
        "padding": "",
        "task": {"id": "7", "title": "Task 7", "bidCount": 2},
    }


async def test_events_arrive_in_order_with_what_other_subgraphs_know(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.subscribe(EVENTS)
        messages = await client.until_end()

    assert [message["payload"] for message in messages[:-1]] == [{"data": {"bidEvents": event(n)}} for n in (1, 2, 3)]
    assert messages[-1] == {"id": "1", "type": "complete"}


async def test_each_event_has_its_own_errors(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.subscribe("subscription { bidEvents(taskId: 7) { seq task { id: __typename sealed } } }")
        messages = await client.until_end()

    for number, message in enumerate(messages[:-1], start=1):
        assert message["payload"]["data"]["bidEvents"] == {"seq": number, "task": {"id": "Task", "sealed": None}}
        assert [error["path"] for error in message["payload"]["errors"]] == [["bidEvents", "task", "sealed"]]
    assert len(messages) == 4


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_the_token_of_connection_init_counts_for_all_operations(router: Router, name: str) -> None:
    async with socket(router.url, {name: bearer("b")}) as client:
        await client.subscribe(EVENTS, {"count": 1})
        events = await client.until_end()
        await client.subscribe("{ seen { authorization } }", id="2")
        query = await client.until_end()

    assert events[0]["payload"]["data"]["bidEvents"]["authorization"] == bearer("b")
    assert query[0]["payload"]["data"]["seen"]["authorization"] == bearer("b")


async def test_connections_keep_their_tokens_apart(router: Router) -> None:
    async def token_seen(token: str) -> str:
        async with socket(router.url, {"authorization": token}) as client:
            await client.subscribe(EVENTS, {"count": 1, "pause": 0.3})
            first = await client.receive()
            return str(first["payload"]["data"]["bidEvents"]["authorization"])

    tokens = [bearer(str(number % 5)) for number in range(20)]
    assert await asyncio.gather(*map(token_seen, tokens)) == tokens


@pytest.mark.parametrize("code", ["SERVER_SHUTDOWN", "UNAUTHENTICATED", "FORBIDDEN", "CURSOR_EXPIRED"])
async def test_the_reason_of_an_end_reaches_the_client(router: Router, code: str) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 2, "end": code})
        messages = await client.until_end()

    assert [seq(message) for message in messages[:2]] == [1, 2]
    assert end_code(messages) == code
    assert error_of(messages)["extensions"]["requestId"] == "request-3"


async def test_a_refusal_before_the_first_event_reaches_the_client(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"end": "REFUSED"})
        messages = await client.until_end()

    assert end_code(messages) == "FORBIDDEN"


async def test_an_operation_that_is_not_valid_ends_with_an_error(router: Router) -> None:
    for query in ("subscription { nope }", "{ nope", 'subscription { bidEvents(taskId: "1") { nope } }'):
        async with socket(router.url, TOKEN) as client:
            await client.subscribe(query)
            [message] = await client.until_end()
            assert message["type"] == "error"


async def test_a_client_that_unsubscribes_gets_no_more_and_the_connection_lives(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 1000, "pause": 0.05})
        assert seq(await client.receive()) == 1
        await client.send(id="1", type="complete")
        await client.subscribe("{ seen { authorization } }", id="2")
        while (message := await client.receive())["id"] == "1":
            assert message["type"] == "next"
        await client.subscribe("{ seen { authorization } }", id="3")
        assert {message["id"] for message in await client.until_end()} == {"2"}
        assert {message["id"] for message in await client.until_end()} == {"3"}


async def test_a_large_event_passes(router: Router) -> None:
    async with socket(router.url, TOKEN, max_size=4_000_000) as client:
        await client.subscribe(EVENTS, {"count": 1, "padding": 1_500_000})
        assert len((await client.receive())["payload"]["data"]["bidEvents"]["padding"]) == 1_500_000


async def test_a_slow_reader_sees_a_jump_and_never_a_mix_up(router: Router) -> None:
    """It may lose events, which `seq` or the end shows; those that arrive stand in order."""
    bare = "subscription ($count: Int!, $end: String) { bidEvents(taskId: 7, count: $count, end: $end, padding: 6000) "
    async with socket(router.url, TOKEN, max_queue=1, max_size=1_000_000) as client:
        await client.subscribe(bare + "{ seq padding } }", {"count": 5_000, "end": "SERVER_SHUTDOWN"})
        await asyncio.sleep(3)
        messages = await client.until_end(30)

    numbers = sequence(messages)
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
    assert end_code(messages) in {"SERVER_SHUTDOWN", "SUBSCRIPTION_LAGGED"}
    assert numbers[-1] == 5_000 or end_code(messages) == "SUBSCRIPTION_LAGGED"


# Hive Router waits for such a client without end, and the edge before it does not (tests/edge).
@only_embedded
@pytest.mark.timeout(200)
async def test_whoever_reads_nothing_and_answers_no_ping_is_cut_off(
    router: Router, subgraphs: dict[str, Subgraph]
) -> None:
    running = "{ liveSubscriptions }"
    query = "subscription { bidEvents(taskId: 7, count: 1000000, padding: 6000, pause: 0.001) { seq padding } }"
    before = (await post(subgraphs["bids"].url, running))["data"]["liveSubscriptions"]
    memory, _ = router.memory_and_cpu()
    with deaf_client(router.port, query):
        async with asyncio.timeout(90), socket(router.url, TOKEN) as honest:
            while (await post(subgraphs["bids"].url, running))["data"]["liveSubscriptions"] == before:
                await asyncio.sleep(0.1)
            # Others are served meanwhile.
            await honest.subscribe(EVENTS, {"count": 2})
            assert [seq(message) for message in (await honest.until_end())[:-1]] == [1, 2]
            while (await post(subgraphs["bids"].url, running))["data"]["liveSubscriptions"] > before:
                await asyncio.sleep(0.5)
    assert router.memory_and_cpu()[0] - memory < 200_000


@contextlib.contextmanager
def deaf_client(port: int, query: str) -> Iterator[None]:
    """A client that subscribes and then does nothing any more, not even on the level of frames."""
    with sockets.socket() as raw:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
        raw.connect(("127.0.0.1", port))
        raw.sendall(
            b"GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            b"sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
        )
        assert raw.recv(1_000).startswith(b"HTTP/1.1 101")
        for message in (
            {"type": "connection_init", "payload": {"authorization": bearer("deaf")}},
            {"type": "subscribe", "id": "1", "payload": {"query": query}},
        ):
            raw.sendall(Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True))
            if message["type"] == "connection_init":
                assert b"connection_ack" in raw.recv(1_000)
        yield


# --- clients that break the protocol ---


@pytest.mark.parametrize("protocol", ["graphql-ws", "chat"])
async def test_the_legacy_protocol_is_refused(router: Router, protocol: str) -> None:
    try:
        async with raw_socket(router.url, protocol=protocol) as client:
            with contextlib.suppress(ConnectionClosed):
                await client.send(type="connection_init")
            code = await closed_with(client)
    except InvalidHandshake:
        return  # refused before there was a connection
    assert code == 4406


async def test_subscribing_before_the_acknowledgement_closes_the_connection(router: Router) -> None:
    async with raw_socket(router.url) as client:
        await client.subscribe(EVENTS)
        assert await closed_with(client) == 4401


async def test_a_second_connection_init_closes_the_connection(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.send(type="connection_init", payload={})
        assert await closed_with(client) == 4429


async def test_an_id_in_use_closes_the_connection(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.subscribe(EVENTS, {"count": 1, "end": "IDLE"})
        assert seq(await client.receive()) == 1
        await client.subscribe(EVENTS, {"count": 1})
        assert await closed_with(client) == 4409


@pytest.mark.parametrize(
    "message",
    ["{", "null", "[]", '"text"', '{"type": "nonsense"}', '{"type": "subscribe"}', '{"type": "subscribe", "id": 1}',
     '{"type": "subscribe", "id": "1", "payload": {"query": 1}}', "\U0001f600", b"\x00\xff"],
)  # fmt: skip
async def test_a_malformed_message_stops_nobody_else(router: Router, message: str | bytes) -> None:
    async with socket(router.url, TOKEN) as client:
        await client.connection.send(message)
        assert await closed_with(client) in (1003, 1007, 1008, 4400)
    assert "errors" not in await post(router.url, "{ task(id: 1) { id } }")


async def test_nested_and_huge_messages_do_not_stop_the_router(router: Router) -> None:
    nested = '{"type":"subscribe","id":"1","payload":{"query":"{task(id:1){id}}","variables":{"a":' + "[" * 30_000
    for text in (nested + "]" * 30_000 + "}}}", nested, "[" * 60_000, " " * 1_500_000):
        async with socket(router.url, TOKEN) as client:
            with contextlib.suppress(ConnectionClosed):
                await client.connection.send(text)
                await client.receive(5)
    assert "errors" not in await post(router.url, "{ task(id: 1) { id } }")


async def test_a_message_over_64_kilobytes_closes_the_connection(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        with contextlib.suppress(ConnectionClosed):
            await client.connection.send(json.dumps(LARGE_PING))
        assert await closed_with(client) in TOO_LARGE[router.kind]
    assert "errors" not in await post(router.url, "{ task(id: 1) { id } }")


MOST_BYTES = 65_536
LARGE_PING = {"type": "ping", "payload": {"x": "y" * 70_000}}
# Hive Router cuts the connection off.
TOO_LARGE = {"embedded": {1009}, "hive-router": {1002, 1006, 1009}}


async def test_a_message_does_not_grow_by_fragments(router: Router) -> None:
    text = json.dumps(LARGE_PING)
    # What is too much has come with the next byte: the connection ends with nothing of it unread, and so with its code.
    fragments = [text[start : start + 8_192] for start in range(0, MOST_BYTES, 8_192)] + [text[MOST_BYTES]]
    async with socket(router.url, TOKEN) as client:
        with contextlib.suppress(ConnectionClosed):
            await client.connection.send(fragments)
        if router.kind == "embedded":
            assert await closed_with(client) == 1009
        else:
            # It keeps no fragments, and answers no message that comes in them.
            await client.subscribe("{ task(id: 1) { id } }")
            assert [message["type"] for message in await client.until_end()] == ["next", "complete"]


@only_embedded
async def test_a_strangers_subscription_carries_the_address_of_the_handshake(router: Router) -> None:
    query = "subscription { bidEvents(taskId: 7, count: 1, pause: 0.3) { authorization forwardedFor } }"

    async def seen(payload: Json, address: str) -> Json:
        async with socket(router.url, payload, headers={"x-forwarded-for": address}) as client:
            await client.subscribe(query)
            return dict((await client.receive())["payload"]["data"]["bidEvents"])

    claimed = {"X-Forwarded-For": "203.0.113.66"}
    answers = await asyncio.gather(
        *(seen(claimed, f"198.51.100.{number}") for number in (1, 2)), seen(TOKEN, "192.0.2.1")
    )
    assert answers == [
        {"authorization": None, "forwardedFor": "198.51.100.1"},
        {"authorization": None, "forwardedFor": "198.51.100.2"},
        {"authorization": bearer("a"), "forwardedFor": None},
    ]


@only_embedded
async def test_operations_on_one_connection_are_limited(router: Router) -> None:
    async with socket(router.url, TOKEN) as client:
        for number in range(MAX_OPERATIONS):
            await client.subscribe(EVENTS, {"count": 1, "end": "IDLE"}, id=str(number))
            assert seq(await client.receive()) == 1
        for _ in range(2):
            await client.subscribe(EVENTS, {"count": 1}, id="one more")
            refused = await client.receive()
            assert (refused["id"], refused["type"]) == ("one more", "error")
            assert refused["payload"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfterSeconds": 5}
        await client.send(id="0", type="complete")
        await client.subscribe(EVENTS, {"count": 1}, id="one more")
        assert seq(await client.receive()) == 1


async def test_a_client_that_never_initialises_is_closed(router: Router) -> None:
    assert await asyncio.wrap_future(router.silent_client) == 4408


# Hive Router does not look at the origin of a WebSocket; the edge does.
@only_embedded
async def test_a_foreign_origin_is_refused_by_the_embedded_router(router: Router) -> None:
    async with socket(router.url, TOKEN, origin=ALLOWED_ORIGIN):
        pass
    with pytest.raises(InvalidStatus) as refused:
        async with socket(router.url, TOKEN, origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


# --- reading messages ---


def seq(message: Json) -> int:
    return int(message["payload"]["data"]["bidEvents"]["seq"])


def sequence(messages: list[Json]) -> list[int]:
    return [seq(message) for message in messages if message["type"] == "next" and message["payload"].get("data")]


def error_of(messages: list[Json]) -> dict[str, Any]:
    """The error that an operation ended with, in either form that the protocol has for it."""
    ending = messages[-1] if messages[-1]["type"] == "error" else messages[-2]
    errors = ending["payload"] if ending["type"] == "error" else ending["payload"].get("errors", [])
    assert errors, f"ended without a reason: {json.dumps(messages[-2:])}"
    return dict(errors[0])


def end_code(messages: list[Json]) -> str:
    return str(error_of(messages)["extensions"]["code"])


async def closed_with(client: Socket) -> int:
    """The code with which the router closes the connection; it may send messages before."""
    while True:
        try:
            await client.receive()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
