"""PostgreSQL with PostGIS as a local process: one cluster, a database and an owner for each subgraph."""

import asyncio
import hashlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import asyncpg

from deploy.local import commands, probes, secret_files
from deploy.local.layout import SUBGRAPHS, Instance
from deploy.local.processes import ProcessSpec, StartFailed

# Only a superuser may create them, and a subgraph owns no more than its database.
EXTENSIONS = {"tasks": ("pg_trgm",), "locations": ("postgis",)}

# Eight subgraphs of two pools each, their relays and deadlines, with room for second replicas and tools.
_MAX_CONNECTIONS = 300


def binaries() -> Path:
    """The folder of the newest installed server that has PostGIS. Raises StartFailed without one."""
    found = []
    for server in Path("/usr/lib/postgresql").glob("*/bin/postgres"):
        version = server.parent.parent.name
        if (Path("/usr/share/postgresql") / version / "extension" / "postgis.control").exists():
            found.append((int(version) if version.isdigit() else 0, server.parent))
    if not found:
        raise StartFailed("No PostgreSQL server with PostGIS is installed. `make up` installs it.")
    return max(found)[1]


def data_folder(instance: Instance) -> Path:
    """Where the cluster lies. `<state>/pg`, a link elsewhere if the server's user cannot get there."""
    return instance.state / "pg"


def migration_stamp(instance: Instance, subgraph: str) -> Path:
    """The mark of the migrations that the subgraph's database has; it goes with the cluster."""
    return instance.state / f"migrated-{subgraph}"


async def prepare(instance: Instance) -> None:
    """Creates the cluster once and writes its settings."""
    link = data_folder(instance)
    if not (link / "PG_VERSION").exists():
        await _create_cluster(instance, link)
    version = (link / "PG_VERSION").read_text().strip()
    if version != binaries().parent.name:
        raise StartFailed(
            f"The databases in {link} belong to PostgreSQL {version}, and {binaries().parent.name} is installed. "
            "Use another state folder, or delete this one if its data is not needed."
        )


def process(instance: Instance, durable: bool = True) -> ProcessSpec:
    """The server's process. Without `durable` a crash of the machine may lose data; for tests only."""
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(instance.port("postgres")),
        "unix_socket_directories": "",
        "max_connections": str(_MAX_CONNECTIONS),
        "shared_buffers": "128MB",
        "max_wal_size": "512MB",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # Without DETAIL, where a violated constraint quotes the whole row.
        "log_error_verbosity": "terse",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    options = tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    return ProcessSpec(
        name="postgres",
        argv=(str(binaries() / "postgres"), "-D", str(data_folder(instance).resolve()), *options),
        ready=probes.postgres(instance.port("postgres"), secret_files.postgres_password(instance)),
        ports=(instance.port("postgres"),),
        cwd=Path("/"),
        user=_server_user(),
        # Fast shutdown: SIGTERM would wait for the clients to leave.
        stop_signal=signal.SIGINT,
        stop_seconds=30,
    )


def superuser_url(instance: Instance, database: str = "postgres") -> str:
    """A libpq address of the superuser."""
    password = secret_files.postgres_password(instance)
    return f"postgresql://postgres:{password}@{instance.address('postgres')}/{database}"


def database_url(instance: Instance, subgraph: str, database: str | None = None) -> str:
    """The SQLAlchemy address by which a subgraph reaches its database."""
    password = secret_files.database_password(instance, subgraph)
    return f"postgresql+asyncpg://{subgraph}:{password}@{instance.address('postgres')}/{database or subgraph}"


async def create_databases(instance: Instance) -> None:
    """Creates role and database of each subgraph that has none, with the extensions that it needs."""
    connection = await asyncpg.connect(superuser_url(instance))
    try:
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for subgraph in SUBGRAPHS:
            await _ensure_role(connection, instance, subgraph)
        missing = [name for name in SUBGRAPHS if name not in databases]
        for subgraph in missing:
            await create_database(connection, subgraph, subgraph)
    finally:
        await connection.close()
    await asyncio.gather(*(create_extensions(instance, name, name) for name in missing))


async def create_database(connection: asyncpg.Connection, name: str, owner: str, template: str = "template0") -> None:
    """Creates a database that only its owner may connect to. `connection` is a superuser's."""
    for identifier in (name, owner, template):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", identifier):
            raise ValueError(f"not a plain identifier: {identifier}")
    encoding = "ENCODING 'UTF8' LOCALE 'C.UTF-8'" if template == "template0" else ""
    await connection.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} {encoding}")
    await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")


async def create_extensions(instance: Instance, subgraph: str, database: str) -> None:
    """Creates the extensions of the subgraph in one of its databases."""
    if subgraph not in EXTENSIONS:
        return
    connection = await asyncpg.connect(superuser_url(instance, database))
    try:
        for extension in EXTENSIONS[subgraph]:
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    finally:
        await connection.close()


async def _ensure_role(connection: asyncpg.Connection, instance: Instance, subgraph: str) -> None:
    password = secret_files.database_password(instance, subgraph)
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", subgraph)
    if not exists:
        await connection.execute(f"CREATE ROLE {subgraph} LOGIN PASSWORD '{password}'")


def _server_user() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


async def _create_cluster(instance: Instance, link: Path) -> None:
    target = link
    if _server_user() and not _may_pass(link.parent):
        # The server's user cannot pass a parent folder such as /root: the data goes where it can.
        name = hashlib.sha256(str(link).encode()).hexdigest()[:16]
        target = Path("/var/lib/service-exchange") / name / "pg"
    # Made beside its place and moved there when it is whole: a start that was interrupted starts anew.
    unfinished = target.with_name("pg.new")
    for path in {link, target, unfinished}:
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
    for subgraph in SUBGRAPHS:
        migration_stamp(instance, subgraph).unlink(missing_ok=True)
    unfinished.mkdir(mode=0o700, parents=True)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        password = Path(folder) / "password"
        secret_files.write_private(password, secret_files.postgres_password(instance))
        if user := _server_user():
            account = pwd.getpwnam(user)
            for path in (unfinished, Path(folder), password):
                os.chown(path, account.pw_uid, account.pw_gid)
        command = (
            *_as_server_user(), str(binaries() / "initdb"), "-D", str(unfinished), "-U", "postgres", "--encoding=UTF8",
            "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={password}",
        )  # fmt: skip
        await commands.run(command, "The database cluster could not be created")
    unfinished.rename(target)
    if target != link:
        link.symlink_to(target)


def _as_server_user() -> tuple[str, ...]:
    user = _server_user()
    if user is None:
        return ()
    return ("setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--init-groups", "--")


def _may_pass(folder: Path) -> bool:
    command = (*_as_server_user(), "test", "-x", str(folder))
    return subprocess.run(command, cwd="/", check=False).returncode == 0
