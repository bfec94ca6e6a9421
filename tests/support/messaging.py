"""What the tests of outbox, relay, consumer, streams and deadlines share."""

import asyncio
import contextlib
import inspect
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar, overload

from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url

from deploy.local import kafka_server
from deploy.local.layout import Instance
from shared import events
from shared.config import Settings
from shared.database.db import Database
from shared.messaging.kafka import ensure_topics, start_consumer, start_producer, stop_consumer, topic_name
from shared.messaging.outbox import emit

TOPIC = "users.user"
T = TypeVar("T")


class Runner(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def happened(number: int, user: str = "user_1") -> events.UserSuspended:
    """An event with a number in it, on the stream of `user`."""
    return events.UserSuspended(user_id=user, reason=str(number))


async def emit_numbers(database: Database, *numbers: int, user: str = "user_1") -> None:
    """One transaction for each number."""
    for number in numbers:
        async with database.transaction() as session:
            await emit(session, happened(number, user))


@overload
async def eventually(condition: Callable[[], Coroutine[object, object, T | None]], seconds: float = 30) -> T: ...


@overload
async def eventually(condition: Callable[[], object], seconds: float = 30) -> object: ...


async def eventually(condition: Callable[[], object], seconds: float = 30) -> object:
    """Waits until the condition is true, and answers what it was."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = condition()
        value = await outcome if inspect.isawaitable(outcome) else outcome
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*runners: Runner) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for runner in runners:
            await runner.start()
            stack.push_async_callback(runner.stop)
        yield


async def sql(database: Database, statement: str, **parameters: object) -> list[tuple[object, ...]]:
    """Runs a statement in a transaction of its own."""
    async with database.transaction() as session:
        connection = await session.connection()
        result = await connection.execute(text(statement), parameters)
        return [tuple(row) for row in result] if result.returns_rows else []


async def unpublished(database: Database) -> int:
    ((count,),) = await sql(database, "SELECT count(*) FROM outbox WHERE published_at IS NULL")
    assert isinstance(count, int)
    return count


async def published(settings: Settings, count: int, topic: str = TOPIC, seconds: float = 30) -> list[ConsumerRecord]:
    """At least `count` messages of a topic, each partition's in order."""
    await ensure_topics(settings, [topic.removesuffix(".dlq")])
    consumer = await start_consumer(settings, topic_name(settings, topic))
    records: list[ConsumerRecord] = []
    try:
        async with asyncio.timeout(seconds):
            while len(records) < count:
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records.extend(batch)
        # What comes beyond the expected would come now.
        for batch in (await consumer.getmany(timeout_ms=100)).values():
            records.extend(batch)
    finally:
        await stop_consumer(consumer)
    return records


async def publish(
    settings: Settings,
    value: bytes | None,
    *,
    key: bytes | None = b"user:user_1",
    headers: Sequence[tuple[str, bytes]] = (),
    partition: int | None = None,
) -> None:
    """Puts a message into the topic past the outbox."""
    await ensure_topics(settings, [TOPIC])
    producer = await start_producer(settings)
    try:
        await producer.send_and_wait(
            topic_name(settings, TOPIC), value, key, partition=partition, headers=list(headers)
        )
    finally:
        await producer.stop()


def header(record: ConsumerRecord, name: str) -> str:
    return str(dict(record.headers)[name].decode())


def first_seqs(records: Sequence[ConsumerRecord]) -> list[int]:
    """The numbers in the order in which each came first."""
    return list(dict.fromkeys(int(header(record, "seq")) for record in records))


@dataclass
class Link:
    """A way to a server that a test can cut (refused) and mend."""

    host: str
    port: int
    server: asyncio.Server | None = None
    own_port: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def mend(self) -> None:
        if self.server is None:
            self.server = await asyncio.start_server(self._accept, "127.0.0.1", self.own_port)
            self.own_port = self.server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self.server is not None:
            self.server.close()
            for writer in list(self.open):
                writer.transport.abort()
            await self.server.wait_closed()
            self.server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection(self.host, self.port)
        self.open |= {writer, there}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pipe(reader, there), self._pipe(there_reader, writer))
        self.open -= {writer, there}

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while content := await source.read(65536):
                sink.write(content)
        finally:
            sink.close()


@asynccontextmanager
async def linked(settings: Settings) -> AsyncIterator[tuple[Settings, Link]]:
    """The settings with PostgreSQL behind a link."""
    url = make_url(settings.database_url.get_secret_value())
    link = Link(url.host or "127.0.0.1", url.port or 5432)
    await link.mend()
    behind = url.set(host="127.0.0.1", port=link.own_port).render_as_string(hide_password=False)
    try:
        yield settings.model_copy(update={"database_url": SecretStr(behind)}), link
    finally:
        await link.cut()


class Broker:
    """A Kafka broker of a test's own, which it may kill."""

    def __init__(self, folder: Path) -> None:
        # Below what outgoing connections take: a broker that starts again must find its port free.
        base = next(base for base in itertools.count(27_000 + os.getpid() % 500 * 10, 10) if _free(base + 5, base + 6))
        self._instance = Instance(folder, base)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self._instance.address("kafka")

    async def prepare(self) -> None:
        await kafka_server.install()
        await kafka_server.prepare(self._instance)

    def start(self) -> None:
        spec = kafka_server.process(self._instance)
        self._process = subprocess.Popen(
            [str(part) for part in spec.argv], cwd=spec.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    async def wait(self, settings: Settings) -> None:
        async def answers() -> bool:
            try:
                producer = await start_producer(settings)
            except (KafkaError, TimeoutError):
                return False
            await producer.stop()
            return True

        await eventually(answers, 150)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def _free(*ports: int) -> bool:
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return False
    return True
