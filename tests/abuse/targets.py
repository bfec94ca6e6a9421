"""The places to attack: of the running system, and of a second one that is set up as production is."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local import routers
from deploy.local.layout import built_subgraphs
from deploy.local.stack import Stack
from supergraph.router import command
from tests.abuse.arena import EDGE_CPU_SECONDS, ROUTER_CPU_SECONDS, SUBGRAPH_CPU_SECONDS, Target
from tests.abuse.scene import Scene
from tests.supergraph.conftest import Process, running
from tests.support.loopback import free_port
from tests.support.replicas import replica


def of_the_system(stack: Stack, scene: Scene) -> dict[str, Target]:
    """Each subgraph, and each router that is installed behind its edge."""
    subgraphs = dict.fromkeys(built_subgraphs(), SUBGRAPH_CPU_SECONDS)
    found = {
        name: Target(name, stack.url(name, "/graphql"), scene, False, {name: bound}, _Pids(stack, name))
        for name, bound in subgraphs.items()
    }
    for (kind, edge), place in zip(stack.edges.items(), ("edge", "edge-2"), strict=False):
        router = stack.router(kind)
        bounds = {router: ROUTER_CPU_SECONDS[kind], place: EDGE_CPU_SECONDS, **subgraphs}
        found[kind] = Target(kind, f"{edge}/graphql", scene, True, bounds, _Pids(stack, *bounds))
    return found


class _Pids:
    """The processes by name; an edge's workers each by themselves."""

    def __init__(self, stack: Stack, *names: str) -> None:
        self._stack, self._names = stack, names

    def __call__(self) -> dict[str, int]:
        found = {}
        for name in self._names:
            pid = self._stack.record(name).pid
            if name.startswith("edge"):
                workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                found |= {f"{name} {worker}": int(worker) for worker in workers}
            else:
                found[name] = pid
        return found


@contextmanager
def of_production(stack: Stack, scene: Scene, folder: Path) -> Iterator[dict[str, Target]]:
    """A replica of each subgraph as it runs in production, and each router before them, without an edge."""
    with ExitStack() as entered:
        ports = {name: free_port() for name in built_subgraphs()}
        # At a provider that production takes, and that nobody listens for.
        production = {
            "EXCHANGE_ENVIRONMENT": "production",
            "EXCHANGE_PAYMENT_PROVIDER": "stripe",
            "EXCHANGE_STRIPE_SECRET_KEY": "sk_test_nothing",
            "EXCHANGE_STRIPE_WEBHOOK_SECRETS": "whsec_nothing",
            "EXCHANGE_STRIPE_API_URL": f"http://127.0.0.1:{free_port()}",
        }
        replicas = {name: replica(stack, name, port, folder, production) for name, port in ports.items()}
        entered.enter_context(running(*replicas.values()))
        found = {
            name: Target(
                name,
                f"http://127.0.0.1:{port}/graphql",
                scene,
                False,
                {name: SUBGRAPH_CPU_SECONDS},
                OnePid(name, replicas[name]),
            )
            for name, port in ports.items()
        }
        for kind in stack.edges:
            port = free_port()
            router = _router(kind, port, ports, folder)
            entered.enter_context(running(router))
            bounds = {"router": ROUTER_CPU_SECONDS[kind]}
            found[kind] = Target(
                kind, f"http://127.0.0.1:{port}/graphql", scene, True, bounds, OnePid("router", router)
            )
        yield found


def _router(kind: str, port: int, subgraphs: Mapping[str, int], folder: Path) -> Process:
    argv, env = command.command(
        "hive-router" if kind == "hive-router" else "embedded",
        port=port,
        metrics_port=free_port(),
        subgraph_urls={name: f"http://127.0.0.1:{port}/graphql" for name, port in subgraphs.items()},
        run_directory=folder,
        binary=routers.hive_router_binary() if kind == routers.HIVE_ROUTER else None,
    )
    return Process(argv, f"http://127.0.0.1:{port}{command.READY_PATH}", folder / f"{kind}.log", env)


class OnePid:
    """One process by a name."""

    def __init__(self, name: str, process: Process) -> None:
        self._name, self._process = name, process

    def __call__(self) -> dict[str, int]:
        return {self._name: self._process.pid}
