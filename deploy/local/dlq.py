"""`exchange dlq`: messages that a consumer could not handle, and their second chance."""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from deploy.local import control, subgraph_server
from deploy.local.layout import Instance
from deploy.local.terminal import State, console, fail

if TYPE_CHECKING:
    from shared.config import Settings

# What works on dead letters is imported where it is used: it takes a second, which other commands need not wait.
app = typer.Typer(help="Messages that a consumer could not handle.", no_args_is_help=True)

T = TypeVar("T")
Topic = Annotated[str, typer.Argument(help="Topic of the message, such as bids.bid.")]


@app.command("list")
def list_command(
    topics: Annotated[list[str] | None, typer.Argument(help="Topics; all without any.")] = None, state: State = None
) -> None:
    """List the dead letters that were not replayed, oldest first."""
    from shared.messaging import dead_letters

    letters = _run(dead_letters.list_dead_letters(_settings(state), topics or ()))
    if not letters:
        console.print("There are no dead letters.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("topic", "partition", "offset", "at", "consumer", "event", "error"):
        table.add_column(title, overflow="fold")
    for letter in letters:
        error = Text(f"{letter.error_type}: {letter.error}".splitlines()[0][:120])
        place = (letter.topic, str(letter.partition), str(letter.offset))
        table.add_row(*place, f"{letter.at:%Y-%m-%d %H:%M:%S}", letter.consumer, letter.event_type or "?", error)
    console.print(table)


@app.command()
def show(topic: Topic, partition: int, offset: int, state: State = None) -> None:
    """Show one dead letter with its error and its body."""
    from shared.messaging import dead_letters

    letter = _run(dead_letters.show(_settings(state), topic, partition, offset))
    rows = {
        "event": f"{letter.event_type or '?'} {letter.event_id or ''}",
        "consumer": letter.consumer,
        "at": letter.at.isoformat(),
        "was": f"partition {letter.original_partition}, offset {letter.original_offset}",
        "attempts": str(letter.attempts),
        "key": (letter.key or b"").decode(errors="replace"),
        "error": f"{letter.error_type}: {letter.error}",
        **{f"header {name}": value.decode(errors="replace") for name, value in letter.headers},
    }
    table = Table.grid(padding=(0, 2))
    for title, value in rows.items():
        table.add_row(Text(title, "bold"), Text(value, overflow="fold"))
    console.print(table)
    body = (letter.value or b"").decode(errors="replace")
    with contextlib.suppress(ValueError):
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    console.print(Text(f"\n{body}"), soft_wrap=True)


@app.command()
def replay(
    topic: Topic,
    partition: Annotated[
        int | None, typer.Argument(help="With an offset: this one; otherwise all of the topic.")
    ] = None,
    offset: Annotated[int | None, typer.Argument()] = None,
    state: State = None,
) -> None:
    """Publish dead letters again for the consumer that failed; nothing takes effect twice."""
    if (partition is None) != (offset is None):
        fail("Give partition and offset, or neither.")
    from shared.messaging import dead_letters

    letters = _run(dead_letters.replay(_settings(state), topic, partition, offset))
    for letter in letters:
        console.print(f"{letter.topic} {letter.partition} {letter.offset}: published again for {letter.consumer}")
    if not letters:
        console.print(f"There are no dead letters of {topic}.")


def _settings(state: Path | None) -> "Settings":
    from shared.config import Settings

    instance = Instance.at(state)
    if control.running(instance) is None:
        fail("The system is not running. `exchange up` starts it.")
    variables = subgraph_server.environment(instance, "support").items()
    return Settings.model_validate({key.removeprefix("EXCHANGE_").lower(): value for key, value in variables})


def _run(work: Coroutine[None, None, T]) -> T:
    from aiokafka.errors import KafkaError

    try:
        return asyncio.run(work)
    except (KafkaError, LookupError, TimeoutError) as failure:
        fail(failure or "Kafka did not answer.")
