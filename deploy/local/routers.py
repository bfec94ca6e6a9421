"""The two routers as local processes, each with the nginx edge in front of it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from deploy.local import commands, probes, secret_files
from deploy.local.layout import REPOSITORY, Instance, built_subgraphs, user_cache
from deploy.local.processes import ProcessSpec, StartFailed
from edge import render

HIVE_ROUTER = "hive-router"
EMBEDDED = "embedded"
KINDS = (HIVE_ROUTER, EMBEDDED)

HIVE_ROUTER_VERSION = "0.3.10"
EMBEDDED_FOLDER = REPOSITORY / "supergraph" / "router" / "embedded"

# The first router serves at the instance's main address, a second one beside it (in tests).
PLACES = (("router", "edge"), ("router-2", "edge-2"))


def hive_router_binary() -> Path | None:
    """Hive Router: what HIVE_ROUTER names, else what is on PATH, else what `router install` built."""
    if named := os.environ.get("HIVE_ROUTER"):
        if not os.access(named, os.X_OK):
            raise StartFailed(f"HIVE_ROUTER names {named}, and there is no program.")
        return Path(named)
    found = shutil.which("hive_router")
    built = _build_folder() / "bin" / "hive_router"
    return Path(found) if found else built if built.exists() else None


def default_kind() -> str:
    """Hive Router where it is installed, else the embedded router."""
    return HIVE_ROUTER if hive_router_binary() else EMBEDDED


async def install_hive_router() -> Path:
    """Builds Hive Router with cargo, which takes a quarter of an hour. Returns the program."""
    cargo = shutil.which("cargo")
    if cargo is None:
        raise StartFailed("cargo is not on PATH: install Rust 1.90 or newer first, for example with rustup.")
    await commands.run(
        (
            cargo, "install", "hive-router", "--version", HIVE_ROUTER_VERSION, "--locked", "--features", "graphiql",
            "--ignore-rust-version", "--root", _build_folder(),
        ),
        "Hive Router could not be built",
        REPOSITORY,
        quiet=False,
    )  # fmt: skip
    return _build_folder() / "bin" / "hive_router"


def router_process(instance: Instance, kind: str, place: int, extra: Mapping[str, str]) -> ProcessSpec:
    """A router's process. Raises StartFailed when it is not installed."""
    name = PLACES[place][0]
    port, metrics = instance.port(name), instance.port(f"{name}-metrics")
    env = {
        "ROUTER_HOST": "127.0.0.1",
        "ROUTER_PORT": str(port),
        "ROUTER_METRICS_PORT": str(metrics),
        "ROUTER_INTROSPECTION": "true",
        "SUPERGRAPH_FILE": str(REPOSITORY / "supergraph" / "supergraph.graphql"),
        "JWKS_FILE": str(secret_files.jwks(instance)),
        **{f"SUBGRAPH_URL_{each.upper()}": instance.url(each, "/graphql") for each in built_subgraphs()},
    }
    if kind == HIVE_ROUTER:
        binary = hive_router_binary()
        if binary is None:
            raise StartFailed(
                "Hive Router is not installed. `exchange router install` builds it, HIVE_ROUTER=<path> names one, "
                "and --router embedded does without."
            )
        argv: tuple[str, ...] = (str(binary),)
        env |= {
            "ROUTER_CONFIG_FILE_PATH": str(REPOSITORY / "supergraph" / "router" / "hive-router.yaml"),
            # Deeply nested input otherwise overflows a worker's stack, and that worker never comes back.
            "RUST_MIN_STACK": str(256 * 1024 * 1024),
        }
    else:
        node = shutil.which("node")
        if node is None:
            raise StartFailed("The embedded router needs Node.js, and no node is on PATH. `make up` installs it.")
        argv = (node, str(EMBEDDED_FOLDER / "main.mjs"))
    return ProcessSpec(
        name=name,
        argv=argv,
        ready=probes.http(port, "/readiness"),
        ports=(port, metrics),
        env={**env, **extra},
        tier=2,
    )


def edge_process(instance: Instance, place: int) -> ProcessSpec:
    """The edge in front of a router."""
    router, name = PLACES[place]
    try:
        folder = instance.state / ("nginx" if place == 0 else "nginx-2")
        configuration = render.render(folder, instance.port(name), instance.url(router))
        argv = tuple(render.command(configuration))
    except (ValueError, FileNotFoundError) as error:
        raise StartFailed(f"The edge cannot be started: {error}") from error
    return ProcessSpec(
        name=name,
        argv=argv,
        ready=probes.http(instance.port(name), "/healthz"),
        ports=(instance.port(name),),
        tier=3,
    )


def _build_folder() -> Path:
    return user_cache() / f"hive-router-{HIVE_ROUTER_VERSION}"
