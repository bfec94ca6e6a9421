"""What a start of the system consists of: which processes, which set-up, in which order."""

import json
import shutil
from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from deploy.local import (
    graph,
    kafka_server,
    mail_server,
    node_packages,
    postgres_server,
    redis_server,
    routers,
    sandbox_server,
    secret_files,
    stamps,
    subgraph_server,
)
from deploy.local.layout import Instance, built_subgraphs
from deploy.local.processes import ProcessSpec
from deploy.local.steps import Progress, Step, run_steps
from deploy.local.supervisor import Supervisor
from supergraph.router import command

_TITLES = {
    "postgres": "PostgreSQL",
    "redis": "Redis",
    "kafka": "Kafka",
    "mail": "the mail catcher",
    "sandbox": "the payment sandbox",
    "router": "the router",
    "router-2": "the second router",
    "edge": "the edge",
    "edge-2": "the second edge",
}


@dataclass(frozen=True)
class Options:
    """What to start, and how. The defaults are those of `exchange up`."""

    routers: tuple[str, ...] = ()
    hive_router: str = ""
    seed: bool = True
    infrastructure_only: bool = False
    durable: bool = True
    fresh: tuple[str, ...] = ()
    redis_databases: int = 16
    environment: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, instance: Instance) -> "Options":
        """The options by which the instance was started last."""
        return cls.from_json((instance.state / "options.json").read_text())

    @classmethod
    def from_json(cls, text: str) -> "Options":
        values = json.loads(text)
        return cls(**{**values, "routers": tuple(values["routers"]), "fresh": tuple(values["fresh"])})


def specs(instance: Instance, options: Options) -> dict[str, ProcessSpec]:
    """The processes of the system by name. Raises StartFailed for what is not installed."""
    processes = [
        postgres_server.process(instance, options.durable),
        redis_server.process(instance, options.redis_databases),
        kafka_server.process(instance),
    ]
    if not options.infrastructure_only:
        processes += [mail_server.process(instance), sandbox_server.process(instance)]
        processes += [subgraph_server.process(instance, name, options.environment) for name in built_subgraphs()]
        for place, kind in enumerate(options.routers):
            processes += [
                routers.router_process(instance, kind, place, options.hive_router, options.environment),
                routers.edge_process(instance, place),
            ]
    return {process.name: process for process in processes}


async def start(instance: Instance, options: Options, supervisor: Supervisor, progress: Progress) -> None:
    """Sets up what is missing and starts everything. Raises StartFailed."""
    for name in options.fresh:
        _forget(instance.state / name)
    secret_files.ensure(instance)
    if not options.infrastructure_only:
        kinds = options.routers or routers.installed()[:1]
        binary = routers.hive_router_binary() if routers.HIVE_ROUTER in kinds else None
        options = replace(options, routers=kinds, hive_router=str(binary or ""))
    (instance.state / "options.json").write_text(options.to_json())
    processes = specs(instance, options)
    supervisor.check_ports(list(processes.values()))
    await run_steps(_steps(instance, supervisor, processes), progress)


def _steps(instance: Instance, supervisor: Supervisor, processes: Mapping[str, ProcessSpec]) -> list[Step]:
    def prepare_kafka() -> Awaitable[None]:
        return kafka_server.prepare(instance)

    def prepare_postgres() -> Awaitable[None]:
        return postgres_server.prepare(instance)

    def create_databases() -> Awaitable[None]:
        return postgres_server.create_databases(instance)

    def started(name: str, *needs: str) -> Step:
        return Step(name, f"Start {_TITLES.get(name, name)}", lambda: supervisor.start(processes[name]), needs)

    steps = [
        Step("kafka-install", "Bring Apache Kafka", kafka_server.install),
        Step("kafka-prepare", "Prepare Kafka", prepare_kafka, ("kafka-install",)),
        Step("postgres-prepare", "Prepare PostgreSQL", prepare_postgres),
        Step("databases", "Create databases", create_databases, ("postgres",)),
        started("postgres", "postgres-prepare"),
        started("redis"),
        started("kafka", "kafka-prepare"),
    ]
    steps += [started(name) for name in ("mail", "sandbox") if name in processes]
    subgraphs = [name for name in built_subgraphs() if name in processes]
    for name in subgraphs:
        steps += [
            Step(f"{name}-migrate", f"Migrate {name}", partial(migrate, instance, name), ("databases",)),
            started(name, f"{name}-migrate", "redis", "kafka"),
        ]
    if "router" in processes:
        steps += [
            Step("composer", "Install the composer", partial(node_packages.install, node_packages.COMPOSER)),
            Step("compose", "Compose the supergraph", graph.compose_if_changed, ("composer",)),
            Step("embedded", "Install the embedded router", partial(node_packages.install, command.EMBEDDED)),
            Step("console", "Build the console", node_packages.build_console),
        ]
    for router, edge in routers.PLACES:
        if router in processes:
            steps += [started(router, "compose", "embedded"), started(edge, router, "console", *subgraphs)]
    return steps


async def migrate(instance: Instance, name: str) -> bool:
    """Brings the subgraph's database to the newest migration unless it is there. Returns whether it ran."""
    stamp = postgres_server.migration_stamp(instance, name)
    value = subgraph_server.migrations_digest(name)
    if stamps.is_current(stamp, value):
        return False
    await subgraph_server.migrate(postgres_server.database_url(instance, name), name)
    stamps.set_current(stamp, value)
    return True


def _forget(path: Path) -> None:
    if path.is_symlink():
        shutil.rmtree(path.resolve(), ignore_errors=True)
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
