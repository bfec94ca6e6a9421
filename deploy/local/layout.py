"""Where an instance of the whole system keeps its files and which ports it listens on."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".exchange" / "cache"
DEFAULT_STATE = REPOSITORY / ".exchange"
DEFAULT_PORT_BASE = 8000

SUBGRAPHS = ("users", "tasks", "bids", "payments", "reviews", "notifications", "locations", "support")
# Those that hand out files at the edge.
WITH_FILES = ("tasks", "payments")

# Offsets from the port base.
PORTS = {
    "edge": 0,
    "router": 1,
    "router-metrics": 2,
    "postgres": 3,
    "redis": 4,
    "kafka": 5,
    "kafka-controller": 6,
    "edge-tls": 7,
    "mail": 8,
    "sandbox": 9,
    **{name: 10 + number for number, name in enumerate(SUBGRAPHS)},
    "edge-2": 20,
    "router-2": 21,
    "router-2-metrics": 22,
}


def user_cache() -> Path:
    """The folder of this user for what is slow to build and independent of the repository."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "service-exchange"


def tools_on_path() -> None:
    """Puts Node.js on PATH where the set-up brought its own, since the system had none that is new enough."""
    node = CACHE / "node" / "bin"
    path = os.environ.get("PATH", os.defpath)
    if (node / "node").exists() and str(node) not in path.split(os.pathsep):
        os.environ["PATH"] = f"{node}{os.pathsep}{path}"


def built_subgraphs() -> tuple[str, ...]:
    """The subgraphs that can be served, in the order of their ports."""
    return tuple(name for name in SUBGRAPHS if (REPOSITORY / "subgraphs" / name / "app.py").exists())


@dataclass(frozen=True)
class Instance:
    """One running system: a state folder and a port base. Two instances share nothing but caches."""

    state: Path
    base: int

    @classmethod
    def at(cls, state: Path | None = None, base: int | None = None) -> "Instance":
        """The instance in `state`; its port base is remembered there from the first start on."""
        folder = (state or DEFAULT_STATE).resolve()
        if base is None:
            try:
                base = int(json.loads((folder / "instance.json").read_text())["port_base"])
            except (OSError, ValueError, KeyError):
                base = DEFAULT_PORT_BASE
        return cls(folder, base)

    def create(self) -> None:
        """Makes the folders, readable by this user only, and remembers the port base."""
        self.state.mkdir(parents=True, exist_ok=True)
        for name in ("run", "logs", "keys"):
            (self.state / name).mkdir(mode=0o700, exist_ok=True)
        (self.state / "instance.json").write_text(json.dumps({"port_base": self.base}))

    @property
    def run(self) -> Path:
        return self.state / "run"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def port(self, name: str) -> int:
        return self.base + PORTS[name]

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.port(name)}"

    def url(self, name: str, path: str = "") -> str:
        return f"http://{self.address(name)}{path}"
