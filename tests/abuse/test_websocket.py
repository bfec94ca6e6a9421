"""Clients that break graphql-transport-ws, or keep to it and ask for too much."""

import pytest

from tests.abuse.arena import Arena, Case
from tests.abuse.attacks import WAIT, closes, handshake, subscribe, talk
from tests.abuse.table import defended, everywhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ASK = "{ categories { id } }"
EVENTS = 'subscription { taskEvents(taskId: "<task>") { seq } }'
EVERY_EVENT = 'subscription { taskEvents(taskId: "<task>", after: 0) { seq } }'


def nested(levels: int) -> str:
    """A `subscribe` whose variables are nested so deep."""
    return (
        '{"type":"subscribe","id":"1","payload":{"query":"{ categories { id } }","variables":{"a":'
        + "[" * levels + "]" * levels + "}}}"
    )  # fmt: skip


CASES = {
    # --- handshake ---
    "no subprotocol": Case(handshake(None), "closed 4406", "closed 4406"),
    "the protocol of subscriptions-transport-ws": Case(handshake("graphql-ws"), "closed 4406", "closed 4406"),
    "a protocol that nobody knows": Case(handshake("chat"), "closed 4406", "closed 4406"),
    "a foreign origin": Case(handshake(origin="https://evil.example"), router="refused 403"),
    "an origin that begins like ours": Case(handshake(origin="http://HOST.evil.example"), router="refused 403"),
    "the origin of a file": Case(handshake(origin="null"), router="refused 403"),
    "our own origin": Case(handshake(origin="http://HOST"), router="connection_ack"),
    "a handshake with a version of old": Case(
        handshake(**{"Sec-WebSocket-Version": "8"}), "refused 400", hive="connection_ack", embedded="refused 400"
    ),
    # --- before the acknowledgement ---
    "subscribing before the acknowledgement": Case(talk(subscribe(ASK), init=None), "closed 4401", "closed 4401"),
    "completing before anything": Case(
        talk({"type": "complete", "id": "1"}, {"type": "connection_init"}, init=None),
        "connection_ack",
        hive="closed 4401",
        embedded="connection_ack",
    ),
    "an initialisation without a payload": Case(
        talk('{"type":"connection_init"}', init=None), "connection_ack", "connection_ack"
    ),
    "an initialisation with null": Case(
        talk('{"type":"connection_init","payload":null}', init=None), "connection_ack", "connection_ack"
    ),
    "an initialisation with a list": Case(
        talk('{"type":"connection_init","payload":[]}', init=None), "closed 4400", "closed 4400"
    ),
    "an initialisation with a text": Case(
        talk('{"type":"connection_init","payload":"a"}', init=None), "closed 4400", "closed 4400"
    ),
    "an initialisation nested 1,000 deep": Case(
        talk('{"type":"connection_init","payload":{"a":' + "[" * 1_000 + "]" * 1_000 + "}}", init=None),
        "closed 4400",
        "connection_ack",
    ),
    "an initialisation of 60 kB": Case(
        talk({"type": "connection_init", "payload": {"a": "b" * 60_000}}, init=None), "connection_ack", "connection_ack"
    ),
    "an initialisation with 3,000 headers": Case(
        talk({"type": "connection_init", "payload": {f"x-{i}": "a" for i in range(3_000)}}, init=None),
        "connection_ack",
        "connection_ack",
    ),
    "an initialisation with line breaks in a token": Case(
        talk(
            {"type": "connection_init", "payload": {"authorization": "Bearer a\r\nx-admin: 1"}},
            WAIT,
            subscribe("{ me { id } }"),
            init=None,
        ),
        "error UNAUTHENTICATED",
        hive="next UNAUTHENTICATED",
        embedded="closed 4403",
        at="users",
    ),
    "an initialisation with a number for a token": Case(
        talk({"type": "connection_init", "payload": {"authorization": 1}}, WAIT, subscribe("{ me { id } }"), init=None),
        "error UNAUTHENTICATED",
        hive="next UNAUTHENTICATED",
        embedded="closed 4403",
        at="users",
    ),
    "an initialisation with somebody else's address": Case(
        talk(subscribe("{ categories { id } }"), init={"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9"}),
        "next ok",
        "next ok",
    ),
    "two initialisations": Case(talk({"type": "connection_init"}), "closed 4429", "closed 4429"),
    "a thousand initialisations": Case(talk(*[{"type": "connection_init"}] * 1_000), "closed 4429", "closed 4429"),
    # --- messages that are none ---
    "no JSON": Case(talk("{"), "closed 4400", "closed 4400"),
    "an empty message": Case(talk(""), "closed 4400", "closed 4400"),
    "null": Case(talk("null"), "closed 4400", "closed 4400"),
    "a list": Case(talk("[]"), "closed 4400", "closed 4400"),
    "a text": Case(talk('"subscribe"'), "closed 4400", "closed 4400"),
    "an object without a type": Case(talk("{}"), "closed 4400", "closed 4400"),
    "a type that nobody knows": Case(talk({"type": "start", "id": "1"}), "closed 4400", "closed 4400"),
    "a type that is a number": Case(talk({"type": 1}), "closed 4400", "closed 4400"),
    "a type that is an object": Case(talk({"type": {"$ne": ""}}), "closed 4400", "closed 4400"),
    "a message of the server": Case(
        talk({"type": "connection_ack"}), "closed 4400", hive="closed 4400", embedded="closed 4500"
    ),
    "an event of the client's own": Case(
        talk({"type": "next", "id": "1", "payload": {"data": {}}}),
        "closed 4400",
        hive="closed 4400",
        embedded="closed 4500",
    ),
    "a binary message": Case(talk(b"\x00\xff"), "closed 4400", hive="closed 1003", embedded="closed 4400"),
    "JSON as binary": Case(talk(b'{"type":"ping"}'), "closed 4400", hive="closed 1003", embedded="pong"),
    "lists nested 30,000 deep": Case(talk("[" * 30_000 + "]" * 30_000), "closed 4400", "closed 4400"),
    "variables nested 500 deep": Case(talk(nested(500)), "closed 4400", "next ok"),
    "variables nested 20,000 deep": Case(talk(nested(20_000)), "closed 4400", "next ok"),
    "a message of a megabyte and more": Case(closes(talk(" " * 1_100_000)), "closed", "closed"),
    "a message of 70 kB": Case(closes(talk(subscribe(ASK, {"a": "b" * 70_000}))), "next ok", "closed"),
    "NaN": Case(
        talk('{"type":"subscribe","id":"1","payload":{"query":"{ categories { id } }","variables":{"a":NaN}}}'),
        "closed 4400",
        "closed 4400",
    ),
    # --- operations ---
    "a subscription without an id": Case(
        talk({"type": "subscribe", "payload": {"query": ASK}}), "closed 4400", "closed 4400"
    ),
    "an id that is a number": Case(
        talk({"type": "subscribe", "id": 1, "payload": {"query": ASK}}), "closed 4400", "closed 4400"
    ),
    "an id that is an object": Case(
        talk({"type": "subscribe", "id": {}, "payload": {"query": ASK}}), "closed 4400", "closed 4400"
    ),
    "an id of 60 kB": Case(talk(subscribe(ASK, id="a" * 60_000)), "next ok", "next ok"),
    "a subscription without a payload": Case(talk({"type": "subscribe", "id": "1"}), "closed 4400", "closed 4400"),
    "a subscription without a query": Case(
        talk({"type": "subscribe", "id": "1", "payload": {}}),
        "closed 4400",
        hive="error MISSING_QUERY_PARAM",
        embedded="closed 4400",
    ),
    "a query that is a number": Case(
        talk({"type": "subscribe", "id": "1", "payload": {"query": 1}}), "error BAD_REQUEST", "closed 4400"
    ),
    "variables that are a list": Case(
        talk({"type": "subscribe", "id": "1", "payload": {"query": ASK, "variables": []}}),
        "error BAD_REQUEST",
        "closed 4400",
    ),
    "an id in use": Case(
        talk(subscribe(EVERY_EVENT), WAIT, subscribe(EVERY_EVENT), until="closed"), "closed 4409", "closed 4409"
    ),
    "completing what never began": Case(
        talk({"type": "complete", "id": "never"}, subscribe(ASK)), "next ok", "next ok"
    ),
    "completing a thousand times": Case(
        talk(*[{"type": "complete", "id": "1"}] * 1_000, subscribe(ASK)), "next ok", "next ok"
    ),
    "a complete without an id": Case(talk({"type": "complete"}), "closed 4400", "closed 4400"),
    # A hundred requests in one, and each has its own upstream subscription behind the embedded router.
    "100 subscriptions, each ended at once": Case(
        talk(
            *[
                message
                for i in range(100)
                for message in (subscribe(EVENTS, id=str(i)), {"type": "complete", "id": str(i)})
            ],
            subscribe(ASK, id="last"),
            until="next ok",
        ),
        "next ok",
        "next ok",
        cpu={"tasks": 0.2, "embedded": 0.4},
    ),
    "a thousand pings": Case(talk(*[{"type": "ping"}] * 1_000, subscribe(ASK), until="next"), "next ok", "next ok"),
    "a thousand pongs that nobody asked for": Case(
        talk(*[{"type": "pong"}] * 1_000, subscribe(ASK)), "next ok", "next ok"
    ),
    "a ping with 60 kB": Case(talk({"type": "ping", "payload": {"a": "b" * 60_000}}), "pong", "pong"),
    "syntax": Case(talk(subscribe("{")), "error BAD_REQUEST", "error GRAPHQL_PARSE_FAILED"),
    "a field that is not there": Case(
        talk(subscribe("subscription { nothing }")), "error BAD_REQUEST", "error GRAPHQL_VALIDATION_FAILED"
    ),
    "a selection nested 5,000 deep": Case(
        talk(subscribe("{" + "a{" * 5_000)),
        "error TOO_COMPLEX(nesting)",
        hive="error GRAPHQL_PARSE_FAILED",
        embedded="error TOKEN_LIMIT_EXCEEDED",
    ),
    "a NUL in a variable": Case(
        talk(
            '{"type":"subscribe","id":"1","payload":'
            '{"query":"query ($i: ID!) { task(id: $i) { id } }","variables":{"i":"\\u0000"}}}'
        ),
        "closed 4400",
        hive="next BAD_REQUEST SUBREQUEST_HTTP_ERROR",
        embedded="next BAD_REQUEST",
    ),
    "two subscriptions in one operation": Case(
        talk(
            subscribe(
                'subscription { a: taskEvents(taskId: "<task>") { seq } b: taskEvents(taskId: "<task>") { seq } }'
            )
        ),
        "error BAD_REQUEST",
        hive="next BAD_REQUEST",
        embedded="error GRAPHQL_VALIDATION_FAILED",
    ),
    "introspection in a subscription": Case(
        talk(subscribe("subscription { __schema { types { name } } }")),
        "error BAD_REQUEST",
        "error GRAPHQL_VALIDATION_FAILED",
    ),
    "a mutation without a token": Case(
        talk(subscribe('mutation { publishTask(input: { taskId: "<draft>" }) { task { id } } }')),
        "error UNAUTHENTICATED",
        "next UNAUTHENTICATED",
    ),
    "a cursor beyond the stream": Case(
        talk(subscribe('subscription { taskEvents(taskId: "<task>", after: 2147483647) { seq } }')),
        "next BAD_REQUEST",
        "next BAD_REQUEST",
    ),
    "a cursor before the stream": Case(
        talk(subscribe('subscription { taskEvents(taskId: "<task>", after: -1) { seq } }')),
        "next BAD_REQUEST",
        "next BAD_REQUEST",
    ),
    "a cursor beyond 32 bits": Case(
        talk(subscribe('subscription { taskEvents(taskId: "<task>", after: 99999999999) { seq } }')),
        "error BAD_REQUEST",
        "error GRAPHQL_VALIDATION_FAILED",
    ),
}


@everywhere(CASES, share=1 / 3)
async def test_the_protocol_is_kept(arena: Arena, case: Case, place: str) -> None:
    await defended(arena, case, place)
