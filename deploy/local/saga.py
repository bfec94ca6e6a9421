"""`exchange saga`: what tasks, bids and payments told of one task, and where its money is."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from deploy.local import control, subgraph_server
from deploy.local.layout import Instance
from deploy.local.terminal import State, console, fail

if TYPE_CHECKING:
    from shared.database.db import Database
    from shared.events import Event

TELLERS = ("tasks", "bids", "payments")

_ACTORS = "SELECT seq, actor_id FROM task_steps WHERE task_id = :task_id AND actor_id IS NOT NULL"
# All that was booked about an escrow, or about what was charged, given back or taken back for it.
_SUBJECTS = """
    WITH held AS (SELECT id FROM escrows WHERE task_id = :task_id), charged AS (
        SELECT id, agreement_id FROM charges WHERE escrow_id IN (SELECT id FROM held)
    ), subjects AS (
        SELECT id FROM held
        UNION SELECT id FROM charged
        UNION SELECT agreement_id FROM charged
        UNION SELECT id FROM refunds WHERE escrow_id IN (SELECT id FROM held)
        UNION SELECT id FROM chargebacks WHERE escrow_id IN (SELECT id FROM held)
    )
"""
_LEDGER = f"""{_SUBJECTS}
    SELECT booked.created_at, booked.step, booked.subject_id, line.account_id, line.side, line.amount_minor,
           account.currency
    FROM ledger_transactions AS booked
    JOIN ledger_entries AS line ON line.transaction_id = booked.id
    JOIN ledger_accounts AS account ON account.id = line.account_id
    WHERE booked.subject_id IN (SELECT id FROM subjects) OR booked.id IN (
        SELECT transaction_id FROM ledger_entries AS entry JOIN ledger_accounts AS own ON own.id = entry.account_id
        WHERE own.owner_id IN (SELECT id FROM held)
    )
    ORDER BY booked.created_at, booked.id, line.id
"""  # noqa: S608  # of constants
_OPEN = f"""{_SUBJECTS}
    SELECT kind, subject_id, due_at, attempts FROM settlements WHERE subject_id IN (SELECT id FROM subjects)
    ORDER BY due_at
"""  # noqa: S608  # of constants


@dataclass(slots=True)
class Told:
    """One event of the task's stream in a subgraph."""

    at: datetime
    subgraph: str
    seq: int
    event: str
    status: str
    amounts: str
    actor: str = ""
    """Who did it, as far as tasks keeps it."""


@dataclass(slots=True)
class Saga:
    """What is known of a task: what was told in the order of time, the lines of the ledger, what is to be settled."""

    told: list[Told] = field(default_factory=list)
    ledger: list[tuple[str, ...]] = field(default_factory=list)
    open: list[tuple[str, ...]] = field(default_factory=list)


def command(
    task: Annotated[str, typer.Argument(help="The task's id, such as task_01jd….")], state: State = None
) -> None:
    """Show in the order of time what tasks, bids and payments told of a task, and where its money is."""
    from shared.errors import ServiceUnavailable

    instance = Instance.at(state)
    if control.running(instance) is None:
        fail("The system is not running. `exchange up` starts it.")
    try:
        saga = asyncio.run(_read(instance, task))
    except ServiceUnavailable as failure:
        fail(failure.message)
    if not saga.told:
        fail(f"Nothing was told of {task}; events are kept for 30 days.")
    _show(("time", "subgraph", "event", "status", "amounts", "actor"), [_row(each) for each in saga.told])
    if saga.ledger:
        console.print(Text("\nLedger", "bold"))
        _show(("time", "step", "of", "account", "debit", "credit"), saga.ledger)
    if saga.open:
        console.print(Text("\nOpen with the provider", "bold"))
        _show(("what", "of", "tried next", "tries"), saga.open)


async def read(databases: "Mapping[str, Database]", task_id: str) -> Saga:
    """What the databases of TELLERS hold of a task. Raises ServiceUnavailable."""
    saga = Saga()
    for subgraph in TELLERS:
        saga.told += await _log(databases[subgraph], subgraph, task_id)
    actors = {seq: str(actor_id) for seq, actor_id in await _fetch(databases["tasks"], _ACTORS, task_id)}
    for each in saga.told:
        each.actor = actors.get(each.seq, "") if each.subgraph == "tasks" else ""
    saga.told.sort(key=lambda each: each.at)
    for at, step, subject_id, account, side, minor, currency in await _fetch(databases["payments"], _LEDGER, task_id):
        text = _amount(minor, currency)
        sides = (text, "") if side == "DEBIT" else ("", text)
        saga.ledger.append((_time(at), str(step), str(subject_id), str(account), *sides))
    for kind, subject_id, due_at, attempts in await _fetch(databases["payments"], _OPEN, task_id):
        saga.open.append((str(kind), str(subject_id), _time(due_at), str(attempts)))
    return saga


async def _read(instance: Instance, task_id: str) -> Saga:
    from shared.config import Settings
    from shared.database.db import Database

    databases = {}
    async with AsyncExitStack() as closing:
        for subgraph in TELLERS:
            variables = subgraph_server.environment(instance, subgraph).items()
            settings = Settings.model_validate(
                {key.removeprefix("EXCHANGE_").lower(): value for key, value in variables}
            )
            databases[subgraph] = Database(settings)
            closing.push_async_callback(databases[subgraph].close)
        return await read(databases, task_id)


async def _log(database: "Database", subgraph: str, task_id: str) -> list[Told]:
    from shared.messaging.streams import log

    told: list[Told] = []
    seq = 0
    while entries := (await log.read_page(database, f"task:{task_id}", seq)).entries:
        seq = entries[-1].seq
        for envelope in [entry.envelope for entry in entries if entry.envelope is not None]:
            status, amounts = _state(envelope.event)
            event = envelope.event.type.partition(".")[2]
            told.append(Told(envelope.occurred_at, subgraph, envelope.seq, event, status, amounts))
    return told


def _state(event: "Event") -> tuple[str, str]:
    """The status and the amounts of what an event is about; of an escrow those that are not nothing."""
    from shared.money import Money

    for name in ("escrow", "bid", "agreement", "task"):
        about = getattr(event, name, None)
        if about is not None:
            amounts = [(what, value) for what, value in about if isinstance(value, Money) and value.minor]
            return about.status, ", ".join(f"{what} {_amount(each.minor, each.currency)}" for what, each in amounts)
    return "", ""


async def _fetch(database: "Database", statement: str, task_id: str) -> Sequence[tuple[object, ...]]:
    from sqlalchemy import text

    async with database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(statement), {"task_id": task_id})]


def _amount(minor: object, currency: object) -> str:
    from shared.money import CurrencyCode, Money

    money = Money(int(str(minor)), CurrencyCode(str(currency)))
    return f"{money.format()} {money.currency}"


def _time(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3]


def _row(told: Told) -> tuple[str, ...]:
    return _time(told.at), told.subgraph, told.event, told.status, told.amounts, told.actor


def _show(titles: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
