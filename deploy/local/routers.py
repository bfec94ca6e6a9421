"""The two routers as local processes, each with the nginx edge in front of it."""

import lzma
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local import commands, probes, stamps
from deploy.local.layout import REPOSITORY, SUBGRAPHS, WITH_FILES, Instance, user_cache
from deploy.local.processes import ProcessSpec, StartFailed
from edge import render
from supergraph.router import command

HIVE_ROUTER: Final = "hive-router"
EMBEDDED: Final = "embedded"

# The first router serves at the instance's main address, a second one beside it (in tests).
PLACES = (("router", "edge"), ("router-2", "edge-2"))

_OTLP_ENDPOINT = "EXCHANGE_OTLP_ENDPOINT"


def hive_router_binary() -> Path | None:
    """Hive Router: what HIVE_ROUTER names, else what is on PATH, else what `router install` built of these sources.

    Raises StartFailed for one that lacks our plugins.
    """
    if (named := os.environ.get("HIVE_ROUTER")) and not os.access(named, os.X_OK):
        raise StartFailed(f"HIVE_ROUTER names {named}, and that is no program.")
    found = command.hive_router()
    if found:
        try:
            command.check(found)
        except command.UnfitRouter as unfit:
            raise StartFailed(str(unfit)) from unfit
    if found is None and any(stamps.is_current(_stamp(), _sources(quick)) for quick in (False, True)):
        found = _built()
    return found


def installed() -> tuple[command.Router, ...]:
    """The routers of this machine, the one to prefer first. Raises StartFailed for an unfit Hive Router."""
    return (HIVE_ROUTER, EMBEDDED) if hive_router_binary() else (EMBEDDED,)


async def install_hive_router(quick: bool = False) -> Path:
    """Builds Hive Router with our plugins into this user's cache, unless it is there. Returns the program.

    It takes a quarter of an hour for the first time. `quick`: optimised less, for tests.
    """
    if stamps.is_current(_stamp(), _sources(quick)):
        return _built()
    if shutil.which("cargo") is None:
        raise StartFailed("cargo is not on PATH: install Rust 1.90 or newer first, for example with rustup.")
    async with commands.only_one(_cache() / "lock"):
        script = command.HIVE_ROUTER_SOURCES / "build.sh"
        await commands.run(
            ("sh", script, _cache() / "build", _built(), *(["quick"] if quick else [])),
            "Hive Router could not be built",
            REPOSITORY,
            quiet=False,
        )
        command.check(_built())
        stamps.set_current(_stamp(), _sources(quick))
    return _built()


def take_hive_router(folder: Path) -> Path:
    """Brings `hive_router.xz` of a folder into this user's cache, as if it had been built there. Returns the program.

    Raises StartFailed unless `hive_router.built-from` beside it is what `install_hive_router` would note for these
    sources, or where the program does not run on this machine.
    """
    if not any(stamps.is_current(folder / "hive_router.built-from", _sources(quick)) for quick in (False, True)):
        raise StartFailed(f"{folder} has no Hive Router that was built of these sources.")
    new = _cache() / "hive_router.new"
    new.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(folder / "hive_router.xz") as packed, new.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    new.chmod(0o755)
    try:
        command.check(new)
    except command.UnfitRouter as unfit:
        raise StartFailed(str(unfit)) from unfit
    new.replace(_built())
    stamps.set_current(_stamp(), (folder / "hive_router.built-from").read_text())
    return _built()


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
            "Hive Router with our plugins is not installed. `exchange router install` builds it, HIVE_ROUTER=<path> "
            "names one, and --router embedded does without."
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
            folder,
            instance.port(name),
            instance.url(router),
            tls=tls,
            limits=render.limits_from(os.environ),
            file_urls={name: instance.url(name) for name in WITH_FILES},
            webhook_url=instance.url("payments"),
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


def _cache() -> Path:
    return user_cache() / "hive-router"


def _built() -> Path:
    return _cache() / "hive_router"


def _stamp() -> Path:
    return _cache() / "built-from"


def _sources(quick: bool) -> str:
    """What a built program must come from to be the one of this checkout."""
    return f"{'quick' if quick else 'release'} {stamps.digest([command.HIVE_ROUTER_SOURCES])}"
