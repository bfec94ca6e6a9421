"""PostgreSQL, Redis and Kafka for tests: started by the first test run, shared, ended after the last.

Every run, also one of a single file, holds a shared lock while it lasts; the supervisor ends by itself
when nobody holds it any more, even if a run was killed. What runs at the same time stays apart by name:
databases carry the run's id, topics a random prefix, and each process takes a Redis database of its own.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

import asyncpg
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local import control, postgres_server, stamps, subgraph_server, system
from deploy.local.layout import DEFAULT_STATE, REPOSITORY, SUBGRAPHS, Instance
from shared import tables

T = TypeVar("T")

INSTANCE = Instance(DEFAULT_STATE / "test", 18_000)
_REDIS_DATABASES = 256

# A database for tests of shared alone: the platform's tables and nothing else. `users` owns it.
PLATFORM = "platform"


def use(instance: Instance, options: system.Options) -> TextIO:
    """Starts the instance unless it runs, and keeps it running while the returned file is open."""
    instance.state.mkdir(parents=True, exist_ok=True)
    users = (instance.state / "users.lock").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    with (instance.state / "start.lock").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not control.wait_until_ready(instance):
            control.shut_down(instance)
            control.launch(instance, options, lambda message: None, Path(users.name))
    return users


def start() -> TextIO:
    """Starts the infrastructure unless it runs, and keeps it running while the returned file is open."""
    # Without fsync the cluster does not survive a crash of the machine, so another boot starts anew.
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    fresh: tuple[str, ...] = ("kafka", "redis")
    if not stamps.is_current(INSTANCE.state / "boot", boot):
        fresh = (*fresh, "pg")
    options = system.Options(
        infrastructure_only=True, durable=False, fresh=fresh, redis_databases=_REDIS_DATABASES
    )
    users = use(INSTANCE, options)
    stamps.set_current(INSTANCE.state / "boot", boot)
    return users


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


def test_database(subgraph: str, run: str) -> str:
    """Creates an empty database of the subgraph, as its migrations build it, and returns its address."""
    return _wait(_test_database(subgraph, f"{subgraph}_{run}"))


def drop_databases(run: str) -> None:
    """Drops the databases of a run."""
    _wait(_drop_databases(run))


async def _test_database(subgraph: str, name: str) -> str:
    owner = "users" if subgraph == PLATFORM else subgraph
    template = await _template(subgraph, owner)
    connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE))
    try:
        await postgres_server.create_database(connection, name, owner, template)
    finally:
        await connection.close()
    return postgres_server.database_url(INSTANCE, owner, name)


async def _template(subgraph: str, owner: str) -> str:
    """The name of a database that the subgraph's real migrations built, made by whoever needs it first."""
    sources = REPOSITORY / "shared" / "tables.py"
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


async def _drop_databases(run: str) -> None:
    connection = await asyncpg.connect(postgres_server.superuser_url(INSTANCE))
    try:
        for row in await connection.fetch("SELECT datname FROM pg_database"):
            if re.fullmatch(rf"[a-z]+_{run}", row["datname"]):
                await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")
    finally:
        await connection.close()


async def truncate(url: str) -> None:
    """Empties every table of a test database and restarts its identities."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg://", "postgresql://"))
    try:
        rows = await connection.fetch(
            "SELECT format('%I', tablename) AS name FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'spatial_ref_sys')"
        )
        if rows:
            names = ", ".join(row["name"] for row in rows)
            await connection.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    finally:
        await connection.close()


def run_name() -> str:
    """A name for this process's databases."""
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


def _wait(work: Awaitable[T]) -> T:
    async def main() -> T:
        return await work

    return asyncio.run(main())


__all__ = ["INSTANCE", "PLATFORM", "SUBGRAPHS", "drop_databases", "redis_database", "start", "truncate", "use"]
