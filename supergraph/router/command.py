"""The command lines of both routers, for whatever starts them: the `exchange` command and the tests.

Both read the same environment variables (../README.md) and answer on the same paths.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urljoin

import yaml

Router = Literal["hive-router", "embedded"]

GRAPHQL_PATH = "/graphql"
HEALTH_PATH = "/health"
READY_PATH = "/readiness"
METRICS_PATH = "/metrics"
JWKS_PATH = "/.well-known/jwks.json"

_HERE = Path(__file__).resolve().parent
HIVE_ROUTER_SOURCES = _HERE / "hive"
CONFIGURATION = _HERE / "hive-router.yaml"
EMBEDDED = _HERE / "embedded"
PERSISTED_DOCUMENTS = _HERE / "persisted-documents.json"
SUPERGRAPH = _HERE.parent / "supergraph.graphql"
_CONFIGURED_METRICS_PORT = "port: 8002"


class UnfitRouter(Exception):
    """A Hive Router that does not have the plugins that its configuration needs."""


def hive_router() -> Path | None:
    """The Hive Router binary of this machine: `HIVE_ROUTER`, else `hive_router` on PATH, else None."""
    named = os.environ.get("HIVE_ROUTER") or shutil.which("hive_router")
    return Path(named).resolve() if named and Path(named).exists() else None


def check(binary: Path) -> None:
    """Raises UnfitRouter for a Hive Router without a plugin of hive-router.yaml, with which it would not start."""
    configured = set(yaml.safe_load(CONFIGURATION.read_text())["plugins"])
    if missing := configured - _plugins(binary, binary.stat().st_mtime_ns):
        raise UnfitRouter(
            f"{binary} is a Hive Router without our plugins ({', '.join(sorted(missing))} missing). "
            "`exchange router install` builds one that has them; take HIVE_ROUTER and hive_router on PATH away then."
        )


@lru_cache(maxsize=8)
def _plugins(binary: Path, _changed: int) -> frozenset[str]:
    # Hive Router as it is released knows no `plugins`: it starts, and ends since it has no configuration.
    try:
        answer = subprocess.run(
            [binary, "plugins"], env={"ROUTER_CONFIG_FILE_PATH": os.devnull + "/none"}, capture_output=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(answer.stdout.decode(errors="replace").split()) if answer.returncode == 0 else frozenset()


def command(
    router: Router,
    *,
    port: int,
    metrics_port: int,
    subgraph_urls: Mapping[str, str],
    run_directory: Path,
    host: str = "127.0.0.1",
    supergraph: Path = SUPERGRAPH,
    environment: Literal["development", "production"] = "production",
    jwks_url: str = "",
    allowed_origins: Sequence[str] = (),
    subgraph_timeout_seconds: float = 10,
    otlp_endpoint: str = "",
    persisted_documents: Path = PERSISTED_DOCUMENTS,
    persisted_documents_only: bool = False,
    binary: Path | None = None,
) -> tuple[list[str], dict[str, str]]:
    """The arguments of a router's process and what its environment needs besides the caller's own.

    `subgraph_urls`: by subgraph name, each with the path `/graphql`. `jwks_url`: the public keys of access tokens,
    by default where the subgraph `users` has them. `otlp_endpoint`: the collector's
    OTLP/HTTP base address; empty means no traces. `run_directory` takes the configuration file of a Hive
    Router whose metrics port is not the default one. `binary`: the Hive Router or the Node executable,
    default the one that `hive_router()` or PATH has. Raises FileNotFoundError where there is none, and UnfitRouter.
    """
    env = {
        "ROUTER_HOST": host,
        "ROUTER_PORT": str(port),
        "ROUTER_SUBGRAPH_TIMEOUT": f"{round(subgraph_timeout_seconds * 1000)}ms",
        "SUPERGRAPH_FILE": str(supergraph.resolve()),
        **{f"SUBGRAPH_URL_{name.upper()}": url for name, url in subgraph_urls.items()},
    }
    if environment == "development":
        env["ROUTER_INTROSPECTION"] = "true"
    if jwks_url or "users" in subgraph_urls:
        env["ROUTER_JWKS_URL"] = jwks_url or urljoin(subgraph_urls["users"], JWKS_PATH)
    if allowed_origins:
        env |= {"ROUTER_CORS": "true", "ROUTER_ALLOWED_ORIGINS": ",".join(allowed_origins)}
    if otlp_endpoint:
        env |= {"ROUTER_TRACE_SAMPLING": "1", "ROUTER_OTLP_ENDPOINT": f"{otlp_endpoint.rstrip('/')}/v1/traces"}
    if router == "embedded":
        node = binary or shutil.which("node")
        if node is None:
            raise FileNotFoundError("node is not on PATH")
        return [str(node), str(EMBEDDED / "server.mjs")], env | {"NODE_ENV": "production"}

    executable = binary or hive_router()
    if executable is None:
        raise FileNotFoundError("Hive Router is neither named by HIVE_ROUTER nor on PATH")
    check(executable)
    env |= {
        "ROUTER_CONFIG_FILE_PATH": str(_configuration(metrics_port, run_directory)),
        "ROUTER_PERSISTED_DOCUMENTS_FILE": str(persisted_documents.resolve()),
        "ROUTER_PERSISTED_DOCUMENTS_ONLY": "true" if persisted_documents_only else "false",
        # The router prefers these two to its configuration, and they are common names.
        "HOST": host,
        "PORT": str(port),
        # Nested JSON of some 40 kB overflows the default stack, and the worker then spins for ever.
        "RUST_MIN_STACK": str(256 * 1024 * 1024),
    }
    return [str(executable)], env


def _configuration(metrics_port: int, run_directory: Path) -> Path:
    """hive-router.yaml, or a copy with another metrics port: a number that no variable can set there."""
    text = CONFIGURATION.read_text()
    wanted = f"port: {metrics_port}"
    if text.count(_CONFIGURED_METRICS_PORT) != 1:
        raise ValueError(f"{CONFIGURATION} has changed: {_CONFIGURED_METRICS_PORT!r} must stand in it once")
    if wanted == _CONFIGURED_METRICS_PORT:
        return CONFIGURATION
    copy = run_directory / f"hive-router-{metrics_port}.yaml"
    copy.write_text(text.replace(_CONFIGURED_METRICS_PORT, wanted))
    return copy
