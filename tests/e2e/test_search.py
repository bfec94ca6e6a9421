"""The search for personal data finds what is there: in every kind of place, and in every usual form."""

import json
import uuid
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from urllib.parse import quote

import asyncpg
import pytest
import redis.asyncio
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from deploy.local import postgres_server
from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from tests.e2e import search
from tests.e2e.collector import Collector
from tests.e2e.people import Person
from tests.e2e.search import Piece
from tests.support import infrastructure

_TOPICS = ("planted", "planted.dlq")
TEXT = 'Zoë "Quotes" Ümläut, 5 %'
FORMS: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "in small letters": lambda text: text.lower().encode(),
    "in capitals": lambda text: text.upper().encode(),
    "percent-encoded": lambda text: quote(text, safe="").encode(),
    "percent-encoded in small letters": lambda text: quote(text, safe="").lower().encode(),
    "as JSON": lambda text: json.dumps(text, ensure_ascii=False).encode(),
    "as JSON in ASCII": lambda text: json.dumps(text).encode(),
    "in hexadecimal": lambda text: text.encode().hex().encode(),
    "in hexadecimal capitals": lambda text: text.encode().hex().upper().encode(),
    "in base64": lambda text: b64encode(text.encode()),
    "in base64 after one byte": lambda text: b64encode(b"x" + text.encode() + b"yz"),
    "in base64 after two bytes": lambda text: b64encode(b"xx" + text.encode() + b"y"),
    "in base64 of addresses": lambda text: urlsafe_b64encode(b"{}" + text.encode() + b"}"),
}


async def _pieces(contents: Iterable[bytes]) -> AsyncIterator[Piece]:
    for number, content in enumerate(contents):
        yield Piece(f"piece {number}", content)


@pytest.mark.parametrize("form", FORMS)
async def test_a_text_is_found_in_every_usual_form(form: str) -> None:
    for text in (TEXT, f"zz{uuid.uuid4().hex}", "ZQ-123456789-987654321", "ÿ?>~ÿ?>~ÿ?>~"):
        around = b"before " + FORMS[form](text) + b" after"
        assert await search.find({"it": text}, _pieces([b"", around])) == {"it": {"piece 1"}}


async def test_what_is_not_there_is_not_found() -> None:
    for content in (b"", TEXT[:-1].encode(), zlib.compress(b"other"), TEXT.encode()[1:]):
        assert await search.find({"it": TEXT}, _pieces([content])) == {"it": set()}


@pytest.mark.e2e
async def test_what_is_planted_in_each_kind_of_place_is_found(stack: Stack, collector: Collector) -> None:
    marks = {
        what: f"zz{uuid.uuid4().hex}"
        for what in (
            *("log", "log of an edge", "name of a span", "attribute of a span", "event of a span"),
            *("key of a record", "value of a record", "header of a record", "dead letter"),
            *("key in Redis", "text in Redis", "hash in Redis", "list in Redis", "set in Redis", "zset in Redis"),
            *("text in a row", "bytes in a row", "JSON in a row", "array in a row", "nowhere"),
        )
    }
    # What every page and an error hold anyway.
    marks["metric"], marks["error"] = "exchange_open_websockets", "INVALID_CREDENTIALS"
    async with Person(next(iter(stack.edges.values())), "Somebody") as somebody:
        log_in = "mutation ($input: LogInInput!) { logIn(input: $input) { userErrors { code } } }"
        await somebody.answer(log_in, input={"email": "nobody@example.com", "password": marks["nowhere"]})
        written = [stack.instance.logs / "planted.log", stack.instance.state / "nginx" / "planted.log"]
        try:
            for path, what in zip(written, ("log", "log of an edge"), strict=True):
                path.write_text(f'{{"event": "{marks[what]}"}}\n')
            _export_span(marks)
            await _publish(stack, marks)
            await _put_into_redis(stack, marks)
            await _insert(stack, marks)
            found = await search.find(marks, search.everything(stack, collector, somebody.received))
        finally:
            for path in written:
                path.unlink(missing_ok=True)
            await _clean_up(stack)

    spans, topic, in_redis, row = {"spans"}, {"topic planted"}, {"Redis"}, "bids.planted"
    assert found == {
        "log": {"log planted.log"},
        "log of an edge": {"log planted.log"},
        **dict.fromkeys(("name of a span", "attribute of a span", "event of a span"), spans),
        **dict.fromkeys(("key of a record", "value of a record", "header of a record"), topic),
        "dead letter": {"topic planted.dlq"},
        **{what: in_redis for what in marks if what.endswith("in Redis")},
        "text in a row": {f"{row}.text"},
        "bytes in a row": {f"{row}.bytes"},
        "JSON in a row": {f"{row}.json"},
        "array in a row": {f"{row}.array"},
        "nowhere": set(),
        "metric": {f"metrics of {name}" for name in built_subgraphs()},
        "error": found["error"],
    }
    assert search.ANSWERED in found["error"]


def _export_span(marks: dict[str, str]) -> None:
    provider = TracerProvider()
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{infrastructure.collector_port()}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("planted").start_as_current_span(marks["name of a span"]) as span:
        span.set_attribute("planted", marks["attribute of a span"])
        span.add_event("planted", {"text": marks["event of a span"]})
    provider.shutdown()


async def _publish(stack: Stack, marks: dict[str, str]) -> None:
    async with search.kafka_administration(stack) as admin:
        await admin.create_topics([NewTopic(name, 2, 1) for name in _TOPICS])
    producer = AIOKafkaProducer(bootstrap_servers=stack.instance.address("kafka"))
    await producer.start()
    try:
        key, value, header = (marks[f"{part} of a record"].encode() for part in ("key", "value", "header"))
        await producer.send_and_wait("planted", value, key, headers=[("planted", header)])
        await producer.send_and_wait("planted.dlq", marks["dead letter"].encode())
    finally:
        await producer.stop()


async def _put_into_redis(stack: Stack, marks: dict[str, str]) -> None:
    async with redis.asyncio.Redis.from_url(f"redis://{stack.instance.address('redis')}/3") as client:
        await client.set(f"planted {marks['key in Redis']}", marks["text in Redis"])
        await client.hset("planted hash", "field", marks["hash in Redis"])
        await client.lpush("planted list", marks["list in Redis"])
        await client.sadd("planted set", marks["set in Redis"])
        await client.zadd("planted zset", {marks["zset in Redis"]: 1})


async def _insert(stack: Stack, marks: dict[str, str]) -> None:
    connection = await asyncpg.connect(postgres_server.superuser_url(stack.instance, "bids"))
    try:
        await connection.execute('CREATE TABLE planted (text text, bytes bytea, json jsonb, "array" text[])')
        values = [marks[f"{kind} in a row"] for kind in ("text", "bytes", "JSON", "array")]
        row = (values[0], values[1].encode(), json.dumps({"a": [values[2]]}), [values[3]])
        await connection.execute("INSERT INTO planted VALUES ($1, $2, $3, $4)", *row)
    finally:
        await connection.close()


async def _clean_up(stack: Stack) -> None:
    async with search.kafka_administration(stack) as admin:
        await admin.delete_topics(list(_TOPICS))
    async with redis.asyncio.Redis.from_url(f"redis://{stack.instance.address('redis')}/3") as client:
        await client.flushdb()
    connection = await asyncpg.connect(postgres_server.superuser_url(stack.instance, "bids"))
    try:
        await connection.execute("DROP TABLE IF EXISTS planted")
    finally:
        await connection.close()
