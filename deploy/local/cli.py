"""`exchange`: starts the whole system on one machine without Docker, and looks after it."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Coroutine
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from deploy.demo import play
from deploy.local import (
    control,
    dlq,
    erasures,
    graph,
    kafka_server,
    keys,
    mail_server,
    node_packages,
    payments,
    postgres_server,
    processes,
    roles,
    routers,
    saga,
    scale,
    seed,
    stripe_mock,
    subgraph_server,
    system,
)
from deploy.local.layout import SUBGRAPHS, Instance, built_subgraphs, tools_on_path
from deploy.local.processes import StartFailed
from deploy.local.terminal import StartView, State, console, fail, scale_progress, show_addresses, show_event
from supergraph.router import command

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
router_app = typer.Typer(help="Hive Router, the router that carries load.", no_args_is_help=True)
app.add_typer(router_app, name="router")
app.add_typer(dlq.app, name="dlq")
app.add_typer(keys.app, name="keys")
app.add_typer(erasures.app, name="erasures")
app.add_typer(payments.app, name="payments")
app.command("saga")(saga.command)


class Router(StrEnum):
    HIVE_ROUTER = "hive-router"
    EMBEDDED = "embedded"


T = TypeVar("T")


@app.callback()
def prepare() -> None:
    tools_on_path()


@app.command()
def up(
    state: State = None,
    port_base: Annotated[int | None, typer.Option(help="First of about 25 ports.  [default: 8000]")] = None,
    router: Annotated[Router | None, typer.Option(help="Hive Router where it is installed by default.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave it running in the background.")] = False,
    with_seed: Annotated[bool, typer.Option("--seed/--no-seed", help="Load demo data once.")] = True,
) -> None:
    """Install what is missing, start everything, wait until it is healthy and print the addresses."""
    instance = Instance.at(state, port_base)
    if control.running(instance):
        control.wait_until_ready(instance)
        console.print("The system is running already.")
        show_addresses(Instance.at(state), system.Options.of(instance).routers[0])
        return
    began = time.monotonic()
    try:
        options = system.Options(routers=(router.value if router else routers.installed()[0],))
        with StartView() as view:
            follow = control.launch(instance, options, view.message, attached=not detach)
            if with_seed and not seed.loaded(instance):
                view.message({"begin": "Load demo data"})
                asyncio.run(seed.load(instance))
                view.message({"done": "Load demo data"})
    except StartFailed as failure:
        control.shut_down(instance)
        fail(failure)
    except KeyboardInterrupt:
        control.shut_down(instance)
        raise typer.Exit(130) from None
    show_addresses(instance, options.routers[0], time.monotonic() - began)
    if detach:
        return
    console.print(Text("Ctrl-C stops it.", "dim"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        follow(show_event)
    except KeyboardInterrupt:
        console.print("Stopping …")
        control.shut_down(instance)
        return
    fail("The supervisor ended. `exchange logs supervisor` tells more.")


@app.command()
def down(state: State = None) -> None:
    """Stop everything, also what a killed supervisor left behind."""
    ran = control.shut_down(Instance.at(state))
    console.print("Stopped." if ran else "Nothing was running.")


@app.command()
def status(state: State = None) -> None:
    """Show each process and whether it is healthy. Exits with 1 unless all are."""
    instance = Instance.at(state)
    supervisor = control.running(instance)
    if supervisor is None:
        console.print("Not running.")
        raise typer.Exit(1)
    specs = system.specs(instance, system.Options.of(instance))
    healthy = asyncio.run(_health(specs))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("process", "state", "port", "pid", "up", "restarts"):
        table.add_column(title)
    for name, spec in specs.items():
        record = processes.read_record(instance.run, name)
        alive = record is not None and record.alive()
        reason = healthy[name]
        text = Text("healthy", "green") if alive and not reason else Text(reason if alive and reason else "down", "red")
        since = f"{time.time() - record.since:.0f} s" if record and alive else ""
        port, pid = str(spec.ports[0]), str(record.pid) if record and alive else ""
        table.add_row(name, text, port, pid, since, str(record.restarts if record else ""))
    console.print(table)
    if any(healthy.values()):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Annotated[str | None, typer.Argument(help="One process; all without it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on showing what is added.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 40,
    state: State = None,
) -> None:
    """Show the logs."""
    folder = Instance.at(state).logs
    paths = sorted(folder.glob("*.log")) if name is None else [folder / f"{name}.log"]
    existing = [str(path) for path in paths if path.exists()]
    if not existing:
        known = ", ".join(sorted(path.stem for path in folder.glob("*.log"))) or "none yet"
        fail(f"There is no log of {name or 'anything'}. Logs: {known}.")
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), *existing]
    try:
        raise typer.Exit(subprocess.call(command))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@app.command()
def migrate(
    subgraphs: Annotated[list[str] | None, typer.Argument(help="Names; all without any.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Fail if models and migrations differ.")] = False,
    state: State = None,
) -> None:
    """Bring the databases of the running system to the newest migration."""
    instance = Instance.at(state)
    names = subgraphs or list(built_subgraphs())
    if unknown := set(names) - set(SUBGRAPHS):
        fail(f"There is no subgraph {', '.join(sorted(unknown))}.")
    _need_running(instance)
    _run(_migrate(instance, names, check))


async def _migrate(instance: Instance, names: list[str], check: bool) -> None:
    for name in names:
        url = postgres_server.database_url(instance, name)
        await subgraph_server.migrate(url, name, check=check)
        console.print(f"{name}: {'models and migrations agree' if check else 'at the newest migration'}")


@app.command("seed")
def seed_command(
    tasks: Annotated[
        int | None,
        typer.Option("--scale", min=1, max=5_000_000, help="Instead, so many made-up tasks all over the world."),
    ] = None,
    number: Annotated[int, typer.Option("--seed", help="Other tasks for each number.")] = 1,
    state: State = None,
) -> None:
    """Load the demo data into the running system; what is there already stays as it is."""
    instance = Instance.at(state)
    _need_running(instance)
    if tasks is not None:
        with scale_progress(tasks) as advance:
            _run(scale.load(partial(postgres_server.database_url, instance), tasks, number, advance))
        console.print(f"{tasks:,} tasks are loaded.")
        return
    _run(seed.load(instance))
    console.print("The demo data is loaded.")


@app.command("demo")
def demo_command(
    url: Annotated[str | None, typer.Option(help="Address to play at.  [default: the running system's]")] = None,
    sandbox: Annotated[str | None, typer.Option(help="Address of the payment sandbox there.")] = None,
    limit: Annotated[float, typer.Option(help="Seconds after which an event is late.")] = 5.0,
    state: State = None,
) -> None:
    """Play the main job and its money with four people; exits with 1 if anything is missing, late or too much."""
    instance = Instance.at(state)
    if url is None:
        _need_running(instance)
    try:
        # Elsewhere there is nobody to make an admin.
        place = play.Place(
            (url or instance.url("edge")).rstrip("/"),
            (sandbox or instance.url("sandbox")).rstrip("/"),
            partial(roles.grant, instance, role="ADMIN") if url is None else None,
        )
        asyncio.run(play.play(place, console, limit))
    except (play.DemoFailed, StartFailed, OSError) as failure:
        fail(failure)
    console.print(Text("Everybody saw everything, once, in order and in time.", "bold green"))


@app.command()
def compose() -> None:
    """Compose the subgraphs' schemas into the supergraph and the public schema."""
    _run(node_packages.install(node_packages.COMPOSER))
    console.print(_run(graph.compose()).strip() or "Nothing has changed.")


@app.command()
def install() -> None:
    """Bring everything that a start and the tests need into the caches, without starting anything."""

    async def node() -> None:
        for folder in (node_packages.COMPOSER, command.EMBEDDED):
            await node_packages.install(folder)
        await node_packages.build_console()

    async def everything() -> None:
        await asyncio.gather(kafka_server.install(), node(), stripe_mock.install())

    _run(everything())


@app.command("mail")
def mail_command(
    recipient: Annotated[str, typer.Argument(help="Only mail to this address.")] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the newest to list.")] = 20,
    state: State = None,
) -> None:
    """List the mail that the running system sent, and show the newest one."""
    found = mail_server.mails(mail_server.folder(Instance.at(state)), recipient, lines)
    if not found:
        fail(f"There is no mail{f' to {recipient}' if recipient else ''} yet.")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("when", "to", "subject"):
        table.add_column(title, overflow="fold")
    for mail in found:
        table.add_row(f"{mail.date.astimezone():%Y-%m-%d %H:%M:%S}", Text(mail.recipient), Text(mail.subject))
    console.print(table)
    console.print(Text(f"\n{found[-1].subject}\n", "bold"))
    console.print(Text(found[-1].text), soft_wrap=True)
    console.print(Text(str(found[-1].path), "dim"), soft_wrap=True)


@router_app.command("install")
def router_install(
    quick: Annotated[bool, typer.Option("--quick", help="Optimise less, for tests: sooner ready, and slower.")] = False,
) -> None:
    """Build Hive Router and our plugins with cargo into this user's cache, which takes a quarter of an hour."""
    console.print(f"Built {_run(routers.install_hive_router(quick))}", soft_wrap=True)


@router_app.command("take")
def router_take(folder: Annotated[Path, typer.Argument(help="Has hive_router.xz and hive_router.built-from.")]) -> None:
    """Take a built Hive Router instead of building it, if it was built of these sources."""
    try:
        console.print(f"Took {routers.take_hive_router(folder)}", soft_wrap=True)
    except StartFailed as failure:
        fail(failure)


async def _health(specs: dict[str, processes.ProcessSpec]) -> dict[str, str | None]:
    reasons = await asyncio.gather(*(spec.ready() for spec in specs.values()))
    return dict(zip(specs, reasons, strict=True))


def _need_running(instance: Instance) -> None:
    if control.running(instance) is None:
        fail("The system is not running. `exchange up` starts it.")


def _run(work: Coroutine[None, None, T]) -> T:
    try:
        return asyncio.run(work)
    except StartFailed as failure:
        fail(failure)


if __name__ == "__main__":
    app()
