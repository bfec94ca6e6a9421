"""A small graph of two real subgraphs, composed and served by each router that is installed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from deploy.local import routers
from supergraph import compose
from supergraph.router import command
from tests.supergraph.clients import post
from tests.support.loopback import NO_TLS, free_port

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
ALLOWED_ORIGIN = "https://app.example"
# What a subgraph that hangs costs in the tests that break one.
TIMEOUT_SECONDS = 1.5
# On one WebSocket of the embedded router.
MAX_OPERATIONS = 30

ROUTERS = routers.installed()
# For what only one of them does.
HIVE_ROUTER = [kind for kind in ROUTERS if kind == routers.HIVE_ROUTER]
only_hive_router = pytest.mark.parametrize("router", HIVE_ROUTER, indirect=True)
only_embedded = pytest.mark.parametrize("router", [routers.EMBEDDED], indirect=True)


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} within {seconds} s"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, verify=NO_TLS).status_code < 500
    except httpx.HTTPError:
        return False


@dataclass
class Process:
    """A process of a test that dies with it."""

    argv: list[str]
    ready_url: str
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path = REPOSITORY
    start_seconds: float = 30
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.running = subprocess.Popen(
                self.argv, env={**os.environ, **self.env}, cwd=self.cwd, stdout=output, stderr=output
            )
        wait_until(self._is_ready, self.start_seconds, f"{self.argv[0]} answers on {self.ready_url}")

    def _is_ready(self) -> bool:
        assert self.running is not None
        assert self.running.poll() is None, self.log.read_text()
        return answers(self.ready_url)

    def signal(self, number: signal.Signals) -> None:
        assert self.running is not None
        self.running.send_signal(number)

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait()

    @property
    def pid(self) -> int:
        assert self.running is not None
        return self.running.pid

    def memory_and_cpu(self) -> tuple[int, float]:
        """Resident kilobytes and CPU seconds of the process so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        times = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(resident.split()[1]), (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


class Subgraph(Process):
    """One of the sample subgraphs, on a port that it keeps when it starts again."""

    def __init__(self, name: str, root: Path) -> None:
        self.port = free_port()
        super().__init__(
            argv=[sys.executable, "-m", "uvicorn", f"sample.{name}:app", "--port", str(self.port),
                  "--log-level", "warning", "--ws-max-size", "16000000"],
            ready_url=f"http://127.0.0.1:{self.port}/graphql?query=%7B__typename%7D",
            log=root / f"{name}.log",
            cwd=root,
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql/"


class Served(Protocol):
    """A subgraph as a router sees it."""

    @property
    def url(self) -> str: ...


class Router(Process):
    """A router's process."""

    def __init__(self, kind: command.Router, subgraphs: Mapping[str, Served], folder: Path, **options: Any) -> None:
        self.kind = kind
        self.silent_client: Future[int] = Future()
        self.port, self.metrics_port = free_port(), free_port()
        argv, env = command.command(
            kind,
            port=self.port,
            metrics_port=self.metrics_port,
            subgraph_urls={name: subgraph.url for name, subgraph in subgraphs.items()},
            run_directory=folder,
            binary=routers.hive_router_binary() if kind == routers.HIVE_ROUTER else None,
            **options,
        )
        env["ROUTER_MAX_OPERATIONS_PER_CONNECTION"] = str(MAX_OPERATIONS)
        super().__init__(argv, f"http://127.0.0.1:{self.port}{command.READY_PATH}", folder / f"{kind}.log", env)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{command.GRAPHQL_PATH}"


async def assert_serves_at_rest(router: Router) -> None:
    """The next clients are served, and nothing goes on in the router afterwards."""
    answers = await asyncio.gather(*(post(router.url, "{ task(id: 1) { id } }") for _ in range(8)))
    assert answers == [{"data": {"task": {"id": "1"}}}] * 8
    before, started = router.memory_and_cpu()[1], time.monotonic()
    await asyncio.sleep(0.3)
    used = router.memory_and_cpu()[1] - before
    assert used < 0.5 * (time.monotonic() - started), f"the router used {used:.2f} s of CPU at rest"


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    try:
        for process in processes:
            process.start()
        yield
    finally:
        for process in processes:
            process.kill()


def copy_graph(folder: Path) -> Path:
    """The sample graph as a repository of its own, composed."""
    root = folder / "graph"
    shutil.copytree(HERE / "graph", root, ignore=shutil.ignore_patterns("__pycache__"))
    compose.write(root, compose.compose(root))
    return root


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_graph(tmp_path_factory.mktemp("supergraph"))


@pytest.fixture(scope="session")
def subgraphs(graph: Path) -> Iterator[dict[str, Subgraph]]:
    """Both subgraphs, for tests that leave them alone."""
    found = {name: Subgraph(name, graph) for name in ("tasks", "bids")}
    with running(*found.values()):
        yield found


@pytest.fixture(scope="session", params=ROUTERS)
def router(request: pytest.FixtureRequest, graph: Path, subgraphs: dict[str, Subgraph]) -> Iterator[Router]:
    """A router as production runs it, for tests that leave it as it was."""
    started = Router(
        request.param, subgraphs, graph, supergraph=graph / compose.SUPERGRAPH, allowed_origins=[ALLOWED_ORIGIN]
    )
    with running(started), ThreadPoolExecutor(1) as pool:
        # It takes ten seconds to be closed, in which the other tests run.
        started.silent_client = pool.submit(silent_client, started.url)
        yield started


def silent_client(url: str) -> int:
    """The code with which a WebSocket is closed that says nothing."""
    with connect(url.replace("http", "ws", 1), subprotocols=[Subprotocol("graphql-transport-ws")]) as connection:
        try:
            connection.recv(timeout=20)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
    return 0


@dataclass
class System:
    """A router and subgraphs that a test may break; `heal` undoes it."""

    router: Router
    subgraphs: dict[str, Subgraph]
    root: Path

    def heal(self) -> None:
        for process in self.subgraphs.values():
            process.signal(signal.SIGCONT)
        wait_until(self.is_whole, 30, "the system is whole again")

    def is_whole(self) -> bool:
        for process in (*self.subgraphs.values(), self.router):
            assert process.running is not None
            if process.running.poll() is not None:
                process.start()
        query = {"query": "{ task(id: 1) { bidCount } }"}
        try:
            return "errors" not in httpx.post(self.router.url, json=query, timeout=20, verify=NO_TLS).json()
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module", params=ROUTERS)
def whole_system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    root = copy_graph(tmp_path_factory.mktemp("system"))
    found = {name: Subgraph(name, root) for name in ("tasks", "bids")}
    router = Router(
        request.param,
        found,
        root,
        supergraph=root / compose.SUPERGRAPH,
        environment="development",
        subgraph_timeout_seconds=TIMEOUT_SECONDS,
    )
    with running(*found.values(), router):
        yield System(router, found, root)


@pytest.fixture
def system(whole_system: System) -> Iterator[System]:
    yield whole_system
    whole_system.heal()
