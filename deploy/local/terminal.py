"""What `exchange` shows: the progress of a start, the addresses, the state of the processes."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Never, Self

import typer
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from deploy.local import mail_server, routers, secret_files, seed
from deploy.local.layout import Instance
from deploy.local.processes import StartFailed

console = Console()

State = Annotated[Path | None, typer.Option("--state", help="Folder of the instance.  [default: .exchange]")]


def fail(reason: object) -> Never:
    """Ends the command with an error for the person at the terminal."""
    console.print(Text(str(reason), "red"), soft_wrap=True)
    raise typer.Exit(1)


@contextmanager
def scale_progress(tasks: int) -> Iterator[Callable[[int], None]]:
    """A bar that says how many of so many tasks are copied, and for how long it goes on."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task("Copying tasks", total=tasks)

        def advance(count: int) -> None:
            progress.advance(bar, count)
            if progress.finished:
                progress.update(bar, description="Building indexes")

        yield advance


_INSTALL_HINT = " (Hive Router is not installed; `exchange router install` builds it)"


class StartView:
    """Shows the steps of a start as they begin and end: live on a terminal, as lines elsewhere."""

    def __init__(self) -> None:
        self._running: dict[str, float] = {}
        self._live = Live(console=console, refresh_per_second=8, transient=True) if sys.stdout.isatty() else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def message(self, message: Mapping[str, str]) -> None:
        """Takes one message of the supervisor's report."""
        if "begin" in message:
            self._running[message["begin"]] = time.monotonic()
        elif "done" in message:
            took = time.monotonic() - self._running.pop(message["done"], time.monotonic())
            # What was there already is not worth a line.
            if took > 0.05:
                self._print(Text.assemble(("✓ ", "green"), message["done"], (f"  {took:.1f} s", "dim")))
        elif "event" in message:
            self._print(Text(f"· {message['event']}", "yellow"))
        if self._live:
            self._live.update(self._spinners())

    def _spinners(self) -> Table:
        table = Table.grid()
        for title in self._running:
            table.add_row(Spinner("dots", title))
        return table

    def _print(self, text: Text) -> None:
        (self._live.console if self._live else console).print(text)


def show_event(message: Mapping[str, str]) -> None:
    """Prints what the supervisor of a running system tells."""
    if "event" in message:
        console.print(Text(f"· {message['event']}", "yellow"))


def show_addresses(instance: Instance, router: str, took: float | None = None) -> None:
    """Prints where the system can be reached and with which accounts."""
    edge = instance.url("edge")
    table = Table.grid(padding=(0, 2))
    rows = [
        ("Web", f"{edge}/"),
        ("GraphQL", f"{edge}/graphql"),
        ("Subscriptions", f"ws://{instance.address('edge')}/graphql"),
        ("Console (GraphiQL)", f"{edge}/console/"),
        ("Mail", f"smtp://{instance.address('mail')}, kept in {mail_server.folder(instance)} (exchange mail)"),
        ("Payments", f"{instance.url('sandbox')}/, a sandbox that moves no money"),
        ("Router", _router_title(router)),
    ]
    for title, value in rows:
        table.add_row(Text(title, "bold"), Text(value, overflow="fold"))
    console.print()
    console.print(Text(f"Service Exchange is ready{f' after {took:.0f} s' if took else ''}.", "bold green"))
    console.print(table)
    if seed.loaded(instance):
        accounts = Table.grid(padding=(0, 2))
        for account in seed.ACCOUNTS:
            accounts.add_row(Text(account.email), Text(account.about, "dim"))
        password = secret_files.demo_password(instance)
        console.print(Text.assemble(("\nDemo accounts", "bold"), f", all with the password {password}"))
        console.print(accounts)
    console.print()


def _router_title(kind: str) -> str:
    if kind == routers.HIVE_ROUTER:
        return "Hive Router"
    try:
        installed = routers.hive_router_binary() is not None
    except StartFailed:
        installed = False
    return f"the embedded router{'' if installed else _INSTALL_HINT}"
