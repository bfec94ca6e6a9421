"""`exchange payments`: comparing the books with the payment provider."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from deploy.local import control, subgraph_server
from deploy.local.layout import REPOSITORY, Instance
from deploy.local.terminal import State, fail

app = typer.Typer(help="The books and the payment provider.", no_args_is_help=True)


@app.callback()
def payments() -> None:
    """The books and the payment provider."""


@app.command()
def reconcile(days: Annotated[int, typer.Option(min=1, help="How far back.")] = 3, state: State = None) -> None:
    """Compare the books with the payment provider, and list what differs; nothing is put right. Exits with 1 then."""
    instance = Instance.at(state)
    if control.running(instance) is None:
        fail("The system is not running. `exchange up` starts it.")
    command = (sys.executable, "-m", "subgraphs.payments.reconciling", "--days", str(days))
    environment = {**os.environ, **subgraph_server.environment(instance, "payments")}
    raise typer.Exit(subprocess.call(command, cwd=REPOSITORY, env=environment))
