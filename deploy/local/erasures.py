"""`exchange erasures`: having everybody forget again who was erased, after a database was restored."""

import asyncio
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from deploy.local import commands, control, subgraph_server
from deploy.local.layout import REPOSITORY, Instance
from deploy.local.processes import StartFailed
from deploy.local.terminal import State, console, fail

app = typer.Typer(help="People who were erased.", no_args_is_help=True)

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"]


@app.callback()
def erasures() -> None:
    """People who were erased."""


@app.command()
def replay(
    since: Annotated[
        datetime, typer.Option(formats=_FORMATS, help="The time of the backup; UTC unless it names another zone.")
    ],
    state: State = None,
) -> None:
    """Publish again who was erased since a backup that was restored; every subgraph erases them once more."""
    instance = Instance.at(state)
    if control.running(instance) is None:
        fail("The system is not running. `exchange up` starts it.")
    time = since if since.tzinfo else since.replace(tzinfo=UTC)
    try:
        done = asyncio.run(
            commands.run(
                (sys.executable, "-m", "subgraphs.users.admin", "erasures", "--since", time.isoformat()),
                "The erasures could not be published again",
                REPOSITORY,
                subgraph_server.environment(instance, "users"),
            )
        )
    except StartFailed as failure:
        fail(failure)
    console.print(done.strip())
