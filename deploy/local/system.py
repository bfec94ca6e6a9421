"""What a start of the system consists of: which processes, which set-up, in which order."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local import (
    kafka_server,
    node_packages,
    postgres_server,
    redis_server,
    secret_files,
    stamps,
    subgraph_server,
)
from deploy.local.layout import Instance, built_subgraphs
from deploy.local.processes import ProcessSpec
from deploy.local.steps import Progress, Step, run_steps
from deploy.local.supervisor import Supervisor

INFRASTRUCTURE = ("postgres", "redis", "kafka")


@dataclass(frozen=True)
class Options:
    """What to start, and how. The defaults are those of `exchange up`."""

    routers: tuple[str, ...] = ()
    seed: bool = True
    infrastructure_only: bool = False
    durable: bool = True
    fresh: tuple[str, ...] = ()
    redis_databases: int = 16
    environment: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Options":
        values = json.loads(text)
        return cls(**{**values, "routers": tuple(values["routers"]), "fresh": tuple(values["fresh"])})


async def start(instance: Instance, options: Options, supervisor: Supervisor, progress: Progress) -> None:
    """Sets up what is missing and starts everything. Raises StartFailed."""
    secret_files.ensure(instance)
    for name in options.fresh:
        _forget(instance.state / name)
    infrastructure = _infrastructure(instance, options)
    supervisor.check_ports(list(infrastructure.values()))
    steps = _infrastructure_steps(instance, supervisor, infrastructure)
    if not options.infrastructure_only:
        steps += _subgraph_steps(instance, supervisor, options)
    await run_steps(steps, progress)


def _infrastructure(instance: Instance, options: Options) -> dict[str, ProcessSpec]:
    return {
        "postgres": postgres_server.process(instance, options.durable),
        "redis": redis_server.process(instance, options.redis_databases),
        "kafka": kafka_server.process(instance),
    }


def _infrastructure_steps(instance: Instance, supervisor: Supervisor, specs: Mapping[str, ProcessSpec]) -> list[Step]:
    async def start_kafka() -> None:
        await kafka_server.prepare(instance)
        await supervisor.start(specs["kafka"])

    async def start_postgres() -> None:
        await postgres_server.prepare(instance)
        await supervisor.start(specs["postgres"])

    return [
        Step("jars", "Bring Apache Kafka", kafka_server.install),
        Step("kafka", "Start Kafka", start_kafka, ("jars",)),
        Step("postgres", "Start PostgreSQL", start_postgres),
        Step("databases", "Create databases", lambda: postgres_server.create_databases(instance), ("postgres",)),
        Step("redis", "Start Redis", lambda: supervisor.start(specs["redis"])),
    ]


def _subgraph_steps(instance: Instance, supervisor: Supervisor, options: Options) -> list[Step]:
    def migrate_and_start(name: str) -> list[Step]:
        async def migrate() -> None:
            stamp = postgres_server.data_folder(instance) / ".." / f"migrated-{name}"
            value = subgraph_server.migrations_digest(name)
            if not stamps.is_current(stamp, value):
                await subgraph_server.migrate(postgres_server.database_url(instance, name), name)
                stamps.set_current(stamp, value)

        spec = subgraph_server.process(instance, name, options.environment)
        return [
            Step(f"migrate-{name}", f"Migrate {name}", migrate, ("databases",)),
            Step(name, f"Start {name}", lambda: supervisor.start(spec), (f"migrate-{name}", "redis", "kafka")),
        ]

    return [step for name in built_subgraphs() for step in migrate_and_start(name)]


def _forget(path: Path) -> None:
    if path.is_symlink():
        shutil.rmtree(path.resolve(), ignore_errors=True)
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
