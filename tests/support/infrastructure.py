"""PostgreSQL, Redis and Kafka for tests: started by the first test run, shared, ended after the last.

Every run, also one of a single file, holds a shared lock while it lasts; the supervisor ends by itself
when nobody holds it any more, even if a run was killed. What runs at the same time stays apart by name:
databases carry the run's id, topics a random prefix, and each process takes a Redis database of its own.
"""

import asyncio
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeVar

import asyncpg
import redis
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local import control, postgres_server, routers, secret_files, stamps, subgraph_server, system
from deploy.local.layout import DEFAULT_STATE, REPOSITORY, WITH_FILES, Instance
from deploy.local.stack import Stack
from shared.config import Settings
from shared.database import tables
from tests.users import providers

T = TypeVar("T")

# Another base lets two checkouts test at the same time.
_PORT_BASE = int(os.environ.get("EXCHANGE_TEST_PORT_BASE", "18000"))
INSTANCE = Instance(DEFAULT_STATE / "test", _PORT_BASE)
SYSTEM = Instance(DEFAULT_STATE / "e2e", _PORT_BASE + 100)
_REDIS_DATABASES = 256
_COLLECTOR, _PROVIDER = 30, 31
_DELETED_UP_TO_BYTES = 1_000_000
_ANY_LARGER = "SELECT bool_or(pg_relation_size(name::regclass) > $2) FROM unnest($1::text[]) AS name"
_RESTART_NUMBERS = """SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL"""

# A database for tests of shared alone: the platform's tables and nothing else. `users` owns it.
PLATFORM = "platform"


def start() -> TextIO:
    """Starts the infrastructure unless it runs, and keeps it running while the returned file is open."""
    instance = INSTANCE
    instance.state.mkdir(parents=True, exist_ok=True)
    users = (instance.state / "users.lock").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    with (instance.state / "start.lock").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not control.wait_until_ready(instance):
            _launch(instance, Path(users.name))
    return users


def _launch(instance: Instance, users: Path) -> None:
    control.shut_down(instance)
    # Without fsync the cluster does not survive a crash of the machine, so another boot starts anew.
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    fresh: tuple[str, ...] = ("kafka", "redis")
    if not stamps.is_current(instance.state / "boot", boot):
        fresh = (*fresh, "pg")
    options = system.Options(infrastructure_only=True, durable=False, fresh=fresh, redis_databases=_REDIS_DATABASES)
    control.launch(instance, options, lambda message: None, users)
    stamps.set_current(instance.state / "boot", boot)
    _wait(_drop_databases(r"[a-z]+_[a-z0-9]+_\d+"))


def collector_port() -> int:
    """Where the whole system sends its traces, whether somebody listens there or not."""
    return SYSTEM.base + _COLLECTOR


@contextlib.contextmanager
def whole_system() -> Iterator[Stack]:
    """The whole system from empty databases and a provider to sign in at, for one test process at a time."""
    SYSTEM.state.mkdir(parents=True, exist_ok=True)
    with (SYSTEM.state / "exclusive.lock").open("w") as exclusive, (SYSTEM.state / "users.lock").open("w") as users:
        fcntl.flock(exclusive, fcntl.LOCK_EX)
        # What runs still may be of a killed test process, and of other code than today's.
        control.shut_down(SYSTEM)
        for log in SYSTEM.logs.glob("*.log*"):
            log.unlink()
        fcntl.flock(users, fcntl.LOCK_SH)
        kinds = routers.installed()
        collector = f"http://127.0.0.1:{collector_port()}"
        environment = {
            "EXCHANGE_OTLP_ENDPOINT": collector,
            # On a busy machine a new connection may take its time.
            "EXCHANGE_DATABASE_CONNECT_TIMEOUT_SECONDS": "30",
        }
        with providers.honest_provider(SYSTEM.base + _PROVIDER) as issuer:
            file = SYSTEM.state / "providers.json"
            file.write_text(json.dumps({"providers": [providers.entry(issuer)]}))
            environment["EXCHANGE_OPENID_PROVIDERS_FILE"] = str(file)
            # All tests come from one address.
            environment["EXCHANGE_OPENID_SIGN_INS_PER_ADDRESS"] = "1000000/1 hour"
            fresh = ("kafka", "redis", "pg", "mail", "sandbox")
            options = system.Options(routers=kinds, fresh=fresh, environment=environment)
            stack = Stack.start(SYSTEM, options, Path(users.name))
            try:
                yield stack
            finally:
                stack.shut_down()


@contextlib.contextmanager
def redis_database() -> Iterator[str]:
    """The address of a Redis database that no other process uses meanwhile."""
    for number in range(1, _REDIS_DATABASES):
        with (INSTANCE.run / f"redis-{number}.lock").open("w") as claim:
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield f"redis://{INSTANCE.address('redis')}/{number}"
            return
    raise RuntimeError("every Redis database is in use")


@dataclass(frozen=True)
class ScratchDatabase:
    """A database of one subgraph for one test process."""

    name: str
    url: str
    tables: tuple[str, ...]

    @contextlib.asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the caller's own that may do everything."""
        # Not even trying TLS, which takes longer than all the rest.
        connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE, self.name), ssl=False)
        try:
            yield connection
        finally:
            await connection.close()

    async def clear(self, connection: asyncpg.Connection) -> None:
        """Empties every table but those that the migrations filled, such as categories, as a superuser."""
        tables = ", ".join(self.tables)
        # Truncating takes 50 times as long for tables of a few rows: it makes a new file for each and its indexes.
        is_large = await connection.fetchval(_ANY_LARGER, self.tables, _DELETED_UP_TO_BYTES)
        deletions = "; ".join(f"DELETE FROM {table}" for table in self.tables)
        try:
            async with asyncio.timeout(30):
                while True:
                    try:
                        # Without waiting, or it would wait crosswise with what a process does in the background.
                        # Without triggers, also those of foreign keys, as truncation is.
                        await connection.execute(
                            f"BEGIN; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE NOWAIT;"
                            f" SET LOCAL session_replication_role = replica;"
                            f" {f'TRUNCATE {tables}' if is_large else deletions}; COMMIT"
                        )
                        return
                    except asyncpg.LockNotAvailableError:
                        await connection.execute("ROLLBACK")
                        await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"a transaction is still open in {self.name}") from None


def create_database(subgraph: str, purpose: str = "") -> ScratchDatabase:
    """Creates an empty database of the subgraph, as its migrations build it; one for each purpose."""
    return _wait(_create_database(subgraph, f"{purpose}{subgraph}_{run_name()}"))


@contextlib.contextmanager
def separate_database(subgraph: str) -> Iterator[str]:
    """The address of one more database of the subgraph, for as long as the block takes."""
    database = create_database(subgraph, "separate")
    try:
        yield database.url
    finally:
        _wait(_drop_databases(database.name))


def drop_databases() -> None:
    """Drops the databases of this process."""
    _wait(_drop_databases(f"[a-z]+_{run_name()}"))


def clear(databases: Iterable[ScratchDatabase]) -> None:
    """Empties the databases, and has their numbers begin anew."""
    for database in databases:
        _wait(_reset(database))


async def _reset(database: ScratchDatabase) -> None:
    async with database.superuser() as connection:
        await database.clear(connection)
        await connection.execute(_RESTART_NUMBERS)


async def _create_database(subgraph: str, name: str) -> ScratchDatabase:
    owner = "users" if subgraph == PLATFORM else subgraph
    template = await _template(subgraph, owner)
    connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE))
    try:
        await postgres_server.create_database(connection, name, owner, template)
    finally:
        await connection.close()
    connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE, name))
    try:
        names = await connection.fetch(
            "SELECT format('%I', tablename) AS name FROM pg_tables"
            " WHERE schemaname = 'public' AND tableowner <> 'postgres' AND tablename <> 'alembic_version'"
        )
        empty = [
            row["name"] for row in names if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {row['name']})")
        ]
    finally:
        await connection.close()
    return ScratchDatabase(name, postgres_server.database_url(INSTANCE, owner, name), tuple(empty))


async def _template(subgraph: str, owner: str) -> str:
    """The name of a database that the subgraph's real migrations built, made by whoever needs it first."""
    sources = REPOSITORY / "shared" / "database" / "tables.py"
    value = stamps.digest([sources]) if subgraph == PLATFORM else subgraph_server.migrations_digest(subgraph)
    name = f"template_{subgraph}_{hashlib.sha256(value.encode()).hexdigest()[:12]}"
    connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE))
    try:
        # An advisory lock, since workers ask at the same time; it ends with the connection.
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", name)
        known = [row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")]
        if name not in known:
            for old in known:
                if old.startswith(f"template_{subgraph}_") or old == f"building_{subgraph}":
                    await connection.execute(f"DROP DATABASE {old} WITH (FORCE)")
            building = f"building_{subgraph}"
            await postgres_server.create_database(connection, building, owner)
            await postgres_server.create_extensions(INSTANCE, subgraph, building)
            await _build(postgres_server.database_url(INSTANCE, owner, building), subgraph)
            await connection.execute(f"ALTER DATABASE {building} RENAME TO {name}")
    finally:
        await connection.close()
    return name


async def _build(url: str, subgraph: str) -> None:
    if subgraph != PLATFORM:
        await subgraph_server.migrate(url, subgraph)
        return
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(tables.metadata.create_all)
    await engine.dispose()


async def _drop_databases(names: str) -> None:
    """Drops the databases whose whole names match an expression."""
    connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE))
    try:
        for row in await connection.fetch("SELECT datname FROM pg_database"):
            if re.fullmatch(names, row["datname"]):
                await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
    finally:
        await connection.close()


def run_name() -> str:
    """What this process's databases are named by."""
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


def _wait(work: Coroutine[None, None, T]) -> T:
    # In a thread of its own: fixtures are also asked from within a test's event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def topic_prefix() -> str:
    """A prefix of topics that nobody else uses."""
    return f"t{uuid.uuid4().hex[:10]}."


def flush(redis_url: str) -> None:
    """Empties a Redis database."""
    _redis(redis_url).flushdb()


# Connecting takes ten times as long as emptying.
@functools.cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def settings(
    subgraph: str,
    database_url: str,
    redis_url: str,
    topic_prefix: str,
    storage_folder: Path,
    changes: Mapping[str, object],
) -> Settings:
    """The settings of a subgraph's process on the infrastructure."""
    values: dict[str, object] = {
        "environment": "development",
        "database_url": SecretStr(database_url),
        "redis_url": SecretStr(redis_url),
        "kafka_bootstrap_servers": INSTANCE.address("kafka"),
        "topic_prefix": topic_prefix,
        "topic_partitions": 2,
        "jwks_file": secret_files.jwks(INSTANCE),
        "signing_keys_file": secret_files.signing_keys(INSTANCE),
        "encryption_keys_file": secret_files.encryption_keys(INSTANCE),
        "link_keys_file": secret_files.link_keys(INSTANCE, subgraph) if subgraph in WITH_FILES else None,
        "storage_folder": storage_folder,
        # Nobody listens there: mail waits, unless a test has a server for it.
        "smtp_address": "127.0.0.1:9",
        "smtp_tls": "none",
        # Nor there, unless a test has a sandbox.
        "sandbox_url": "http://127.0.0.1:9",
        "sandbox_api_key": SecretStr(secret_files.sandbox_api_key(INSTANCE)),
        "sandbox_webhook_secret": SecretStr(secret_files.sandbox_webhook_secret(INSTANCE)),
        "drain_seconds": 1,
        # Generous: on a busy machine a slow answer must not look like a dead server.
        "redis_timeout_seconds": 2,
        "database_connect_timeout_seconds": 30,
    }
    return Settings.model_validate({**values, **changes})


def signing_key() -> dict[str, str]:
    """The private key by which the settings' tokens are signed."""
    keys: list[dict[str, str]] = json.loads(secret_files.signing_keys(INSTANCE).read_text())["keys"]
    return keys[0]
