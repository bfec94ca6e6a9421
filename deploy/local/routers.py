"""The two routers as local processes, each with the nginx edge in front of it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local import commands, probes
from deploy.local.layout import REPOSITORY, SUBGRAPHS, Instance, user_cache
from deploy.local.processes import ProcessSpec, StartFailed
from edge import render
from supergraph.router import command

HIVE_ROUTER: Final = "hive-router"
EMBEDDED: Final = "embedded"

HIVE_ROUTER_VERSION = "0.3.10"

# The first router serves at the instance's main address, a second one beside it (in tests).
PLACES = (("router", "edge"), ("router-2", "edge-2"))

_OTLP_ENDPOINT = "EXCHANGE_OTLP_ENDPOINT"


def hive_router_binary() -> Path | None:
    """Hive Router: what HIVE_ROUTER names, else what is on PATH, else what `router install` built."""
    if (named := os.environ.get("HIVE_ROUTER")) and not os.access(named, os.X_OK):
        raise StartFailed(f"HIVE_ROUTER names {named}, and that is no program.")
    built = _build_folder() / "bin" / "hive_router"
    return command.hive_router() or (built if built.exists() else None)


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


def router_process(
    instance: Instance, kind: str, place: int, hive_router: str, environment: Mapping[str, str]
) -> ProcessSpec:
    """A router's process. Raises StartFailed when it is not installed.

    `environment`: the subgraphs' own; the router sends its traces where they send theirs.
    """
    name = PLACES[place][0]
    port, metrics = instance.port(name), instance.port(f"{name}-metrics")
    folder = instance.state / "router"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if kind == HIVE_ROUTER and not hive_router:
        raise StartFailed(
            "Hive Router is not installed. `exchange router install` builds it, HIVE_ROUTER=<path> names one, "
            "and --router embedded does without."
        )
    argv, env = command.command(
        HIVE_ROUTER if kind == HIVE_ROUTER else EMBEDDED,
        port=port,
        metrics_port=metrics,
        subgraph_urls={each: instance.url(each, "/graphql") for each in SUBGRAPHS},
        run_directory=folder,
        environment="development",
        otlp_endpoint=environment.get(_OTLP_ENDPOINT, os.environ.get(_OTLP_ENDPOINT, "")),
        binary=Path(hive_router) if kind == HIVE_ROUTER else None,
    )
    return ProcessSpec(
        name=name,
        argv=tuple(argv),
        ready=probes.http(port, command.READY_PATH),
        ports=(port, metrics) if kind == HIVE_ROUTER else (port,),
        env=env,
        tier=2,
    )


def edge_process(instance: Instance, place: int) -> ProcessSpec:
    """The edge in front of a router."""
    router, name = PLACES[place]
    try:
        folder = instance.state / ("nginx" if place == 0 else "nginx-2")
        tls = render.tls_from(os.environ, instance.port("edge-tls"), None) if place == 0 else None
        configuration = render.render(
            folder, instance.port(name), instance.url(router), tls=tls, limits=render.limits_from(os.environ)
        )
        argv = tuple(render.command(configuration))
    except (ValueError, FileNotFoundError) as error:
        raise StartFailed(f"The edge cannot be started: {error}") from error
    return ProcessSpec(
        name=name,
        argv=argv,
        ready=probes.http(instance.port(name), "/healthz"),
        ports=(instance.port(name), *((tls.port,) if tls else ())),
        tier=3,
    )


def _build_folder() -> Path:
    return user_cache() / f"hive-router-{HIVE_ROUTER_VERSION}"
