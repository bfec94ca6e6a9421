"""`exchange keys`: the keys that sign access tokens and encrypt what is stored, and how they are replaced."""

from typing import Annotated

import typer
from rich.table import Table

from deploy.keys import SETTLING_SECONDS, KeyRefused, read
from deploy.keys import state as describe
from deploy.local import secret_files
from deploy.local.layout import Instance
from deploy.local.terminal import State, console, fail

app = typer.Typer(help="Keys that sign access tokens and encrypt what is stored.", no_args_is_help=True)

Encryption = Annotated[bool, typer.Option("--encryption", help="The keys that encrypt instead of those that sign.")]
Settling = Annotated[
    float, typer.Option(min=0, help="Seconds until every process knows the new key, which is used then.")
]


@app.command()
def rotate(encryption: Encryption = False, after: Settling = SETTLING_SECONDS, state: State = None) -> None:
    """Add a new key to a running system; what the present one signed or encrypted stays good."""
    files = secret_files.keys(Instance.at(state))
    try:
        kid = files.rotate_encryption(after) if encryption else files.rotate_signing(after)
    except FileNotFoundError:
        fail("There are no keys yet. `exchange up` makes them.")
    console.print(f"New {'encryption' if encryption else 'signing'} key: {kid}, used in {after:g} s.")


@app.command("list")
def list_command(state: State = None) -> None:
    """List the keys and what each does."""
    files = secret_files.keys(Instance.at(state))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("key", "for", "state"):
        table.add_column(title)
    try:
        for purpose, keys in (("access tokens", read(files.signing)), ("stored values", read(files.encryption))):
            for key in keys:
                table.add_row(str(key["kid"]), purpose, describe(key, keys))
    except FileNotFoundError:
        fail("There are no keys yet. `exchange up` makes them.")
    console.print(table)


@app.command()
def remove(kid: str, state: State = None) -> None:
    """Take a signing key away at once, for one that leaked: its tokens and their subscriptions end."""
    try:
        secret_files.keys(Instance.at(state)).remove_signing(kid)
    except (KeyRefused, FileNotFoundError) as refused:
        fail(refused)
    console.print(f"{kid} is gone.")
