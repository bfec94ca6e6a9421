"""Looking for texts in everything that the running system writes, keeps, exports and answers.

`everything` gives it as pieces, each with the name of its place: "log users.log", "spans", "metrics of bids",
"topic users.user", "Redis", "users.sessions.user_agent". `find` says which texts are in which places, in whatever
usual form: as it is, in other letters' case, as bytes in hexadecimal, in base64 at any offset, percent-encoded,
escaped for JSON.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import ahocorasick
import asyncpg
import httpx
import redis.asyncio
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from deploy.local import postgres_server, routers
from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from tests.e2e.collector import Collector
from tests.support.loopback import NO_TLS

Offsets = Mapping[tuple[str, int], int]
"""Places in topics, by topic and partition."""

ANSWERED = "errors answered"
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that the system wrote, kept or sent, and where."""

    place: str
    content: bytes


async def find(texts: Mapping[str, str], pieces: AsyncIterable[Piece]) -> dict[str, set[str]]:
    """The places of each text, by its name; those that are nowhere have none.

    All forms of all texts are looked for at once (Aho and Corasick, 1975): there are thousands, in many megabytes.
    """
    names: dict[bytes, set[str]] = {}
    for name, text in texts.items():
        for shape in forms(text):
            names.setdefault(shape, set()).add(name)
    wanted = ahocorasick.Automaton()
    for shape, those in names.items():
        wanted.add_word(_letters(shape), those)
    wanted.make_automaton()
    found: dict[str, set[str]] = {name: set() for name in texts}
    async for piece in pieces:
        for _, those in wanted.iter(_letters(_plain(piece.content))):
            for name in those:
                found[name].add(piece.place)
    return found


def _letters(content: bytes) -> str:
    """Each byte as the letter of its number."""
    return content.decode("latin-1")


def forms(text: str) -> frozenset[bytes]:
    """The ways in which a text may stand somewhere, as `_plain` leaves them."""
    shapes: set[bytes] = set()
    for each in {text, text.lower(), text.upper()}:
        shapes |= _shapes(each)
    return frozenset(_plain(shape) for shape in shapes)


def _shapes(text: str) -> set[bytes]:
    raw = text.encode()
    shapes = {raw, raw.hex().encode(), quote(text, safe="").encode()}
    shapes |= {json.dumps(text, ensure_ascii=only_ascii)[1:-1].encode() for only_ascii in (True, False)}
    for before in range(3):
        # Without the characters at both ends, in which there are bits of the bytes around it.
        encoded = b64encode(bytes(before) + raw)
        shapes.add(encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6])
    return shapes


_ONE_BASE64 = bytes.maketrans(b"-_", b"+/")


def _plain(content: bytes) -> bytes:
    """In small letters, and with one alphabet of base64."""
    return content.lower().translate(_ONE_BASE64)


async def everything(
    stack: Stack, collector: Collector, received: Iterable[str], since: Offsets | None = None
) -> AsyncIterator[Piece]:
    """All there is; of topics what came from `since` on. `received` are the bodies that clients were answered."""
    for path in log_files(stack):
        yield Piece(f"log {path.name}", path.read_bytes())
    for body in list(collector.bodies):
        yield Piece("spans", body)
    for process, url in metrics_pages(stack).items():
        yield Piece(f"metrics of {process}", (await page(url)).encode())
    for piece in answered_errors(received):
        yield piece
    async for piece in records(stack, since):
        yield piece
    async for piece in redis_values(stack):
        yield piece
    for subgraph in built_subgraphs():
        async for piece in rows(stack, subgraph):
            yield piece


def log_files(stack: Stack) -> Iterator[Path]:
    """The logs of all processes, and both logs of each edge."""
    yield from stack.instance.logs.glob("*.log*")
    yield from stack.instance.state.glob("nginx*/*.log")


def metrics_pages(stack: Stack) -> dict[str, str]:
    """The addresses of all pages of metrics, by process."""
    pages = {name: stack.url(name, "/metrics") for name in built_subgraphs()}
    if routers.HIVE_ROUTER in stack.edges:
        pages["the router"] = stack.url(f"{stack.router(routers.HIVE_ROUTER)}-metrics", "/metrics")
    return pages


async def page(url: str) -> str:
    """What stands at an address."""
    async with httpx.AsyncClient(verify=NO_TLS) as client:
        response = await client.get(url)
    assert response.status_code == 200
    return response.text


def answered_errors(received: Iterable[str]) -> Iterator[Piece]:
    """The errors of both kinds in answers; an answer that is no JSON is an error as a whole."""
    for body in received:
        try:
            answer = json.loads(body)
        except ValueError:
            yield Piece(ANSWERED, body.encode())
            continue
        for errors in _errors(answer):
            yield Piece(ANSWERED, json.dumps(errors, ensure_ascii=False).encode())


def _errors(answer: object) -> Iterator[object]:
    if isinstance(answer, dict):
        for name, value in answer.items():
            if name in ("errors", "userErrors"):
                yield value
            else:
                yield from _errors(value)
    elif isinstance(answer, list):
        for item in answer:
            yield from _errors(item)


async def offsets(stack: Stack) -> Offsets:
    """Where the next record of each partition will be."""
    consumer = await _reader(stack)
    try:
        ends = await consumer.end_offsets(await _partitions(stack))
    finally:
        await consumer.stop()
    return {(partition.topic, partition.partition): end for partition, end in ends.items()}


async def records(stack: Stack, since: Offsets | None = None) -> AsyncIterator[Piece]:
    """Keys, headers and values of every record in every topic, dead letters included."""
    consumer = await _reader(stack)
    try:
        partitions = await _partitions(stack)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.beginning_offsets(partitions)
        for partition, start in starts.items():
            starts[partition] = max(start, (since or {}).get((partition.topic, partition.partition), 0))
            consumer.seek(partition, starts[partition])
        left = {partition for partition in partitions if starts[partition] < ends[partition]}
        while left:
            for partition, batch in (await consumer.getmany(timeout_ms=500, max_records=_AT_ONCE)).items():
                parts = [
                    part
                    for record in batch
                    for part in (
                        record.key, record.value, *(name.encode() + b": " + value for name, value in record.headers)
                    )
                ]  # fmt: skip
                yield Piece(f"topic {partition.topic}", b"\n".join(part or b"" for part in parts))
            left = {partition for partition in left if await consumer.position(partition) < ends[partition]}
    finally:
        await consumer.stop()


async def retention(stack: Stack) -> dict[str, tuple[str, str]]:
    """What becomes of the records of each topic in the end: its `cleanup.policy` and `retention.ms`."""
    async with kafka_administration(stack) as admin:
        names = [name for name in await admin.list_topics() if not name.startswith("__")]
        wanted = {"cleanup.policy": None, "retention.ms": None}
        topics = [ConfigResource(ConfigResourceType.TOPIC, name, wanted) for name in names]
        answers = await admin.describe_configs(topics)
    found = {}
    for _, _, _, topic, entries in (resource for answer in answers for resource in answer.resources):
        values = {entry[0]: entry[1] for entry in entries}
        found[topic] = (values["cleanup.policy"], values["retention.ms"])
    return found


async def _reader(stack: Stack) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=stack.instance.address("kafka"), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    return consumer


async def _partitions(stack: Stack) -> list[TopicPartition]:
    async with kafka_administration(stack) as admin:
        topics = await admin.describe_topics(await admin.list_topics())
    return [TopicPartition(topic["topic"], each["partition"]) for topic in topics for each in topic["partitions"]]


@asynccontextmanager
async def kafka_administration(stack: Stack) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected client for topics and their settings."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.instance.address("kafka"))
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def redis_values(stack: Stack) -> AsyncIterator[Piece]:
    """Every key of every database with its value."""
    host, _, port = stack.instance.address("redis").partition(":")
    async with redis.asyncio.Redis(host=host, port=int(port)) as root:
        databases = [int(name.removeprefix("db")) for name in await root.info("keyspace")]
    for number in databases:
        async with redis.asyncio.Redis(host=host, port=int(port), db=number) as client:
            async for key in client.scan_iter(count=_AT_ONCE):
                # A key may expire between the scan and its reading.
                with suppress(redis.exceptions.ResponseError):
                    yield Piece("Redis", key + b"\n" + repr(await _value(client, key)).encode())


async def _value(client: redis.asyncio.Redis, key: bytes) -> object:
    match await client.type(key):
        case b"string":
            return await client.get(key)
        case b"hash":
            return await client.hgetall(key)
        case b"list":
            return await client.lrange(key, 0, -1)
        case b"set":
            return await client.smembers(key)
        case b"zset":
            return await client.zrange(key, 0, -1, withscores=True)
        case b"stream":
            return await client.xrange(key)
        case b"none":
            return None
        case other:
            raise AssertionError(f"no way to read a {other!r}")


_COLUMNS = """
    SELECT c.relname, a.attname, format('%I.%I', n.nspname, c.relname), quote_ident(a.attname)
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


async def rows(stack: Stack, subgraph: str) -> AsyncIterator[Piece]:
    """Every column of every table of a subgraph's database, as text; bytes are hexadecimal there."""
    connection = await asyncpg.connect(postgres_server.superuser_url(stack.instance, subgraph))
    try:
        for table, column, from_table, of_column in await connection.fetch(_COLUMNS):
            async with connection.transaction(readonly=True):
                # Names come from the catalogue, which quotes them.
                cursor = await connection.cursor(f"SELECT {of_column}::text FROM {from_table}")
                while values := await cursor.fetch(_AT_ONCE):
                    text = "\n".join(value for (value,) in values if value is not None)
                    yield Piece(f"{subgraph}.{table}.{column}", text.encode())
    finally:
        await connection.close()
