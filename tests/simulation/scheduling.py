"""Several coroutines side by side, one step at a time, in an order that is chosen and can be chosen again.

An actor stands at a gate before each statement, before each commit, and wherever else it calls `gate`. Whoever is let
through runs to its next gate, to its end, or into a lock that another one holds. Nobody else moves meanwhile but the
one who waits for a lock, if it is let go; so what happens depends on the order of the choices alone, not on how fast
anything is.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar
from typing import cast

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

_LOOK_SECONDS = 0.003
"""How long a statement may take before it is asked whether it waits for a lock."""
_MOST_SECONDS = 20
# Locks of rows, and those by name; others are of PostgreSQL's own work, and soon over.
_WAITING = """SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM pg_locks
    WHERE NOT granted AND pid = ANY($1) AND locktype IN ('transactionid', 'tuple', 'advisory', 'spectoken')"""
_HOLDING = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND locktype <> 'virtualxid')"
_TABLE = re.compile(r"(?:FROM|INTO|UPDATE)\s+(\w+)")


class Violation(AssertionError):
    """Something that must hold does not."""


class Actor:
    """A coroutine that goes on only when it is let through its gate."""

    def __init__(self, name: str, work: Coroutine[object, object, None], changed: asyncio.Event) -> None:
        self.name = name
        self.at: str | None = None
        """The gate at which it stands."""
        self.pid: int | None = None
        """The server's process that runs its statements."""
        self.notes: list[str] = []
        """What is to be said of its last step."""
        self.is_crashing = False
        self._changed = changed
        self._go: asyncio.Future[None] | None = None
        self.task = asyncio.create_task(self._run(work), name=name)
        self.task.add_done_callback(lambda task: changed.set())

    @property
    def is_moving(self) -> bool:
        """Whether it neither stands at a gate nor is over: it computes, or waits for a lock."""
        return self.at is None and not self.task.done()

    async def stand(self, gate: str) -> None:
        """Waits until it is let through."""
        if self.is_crashing:
            return
        self._go = asyncio.get_running_loop().create_future()
        self.at = gate
        self._changed.set()
        await self._go

    def go_on(self) -> None:
        """Lets it through."""
        assert self._go is not None, "it stands at a gate"
        self.at = None
        self._go.set_result(None)

    async def crash(self) -> None:
        """Ends it where it stands, as if its process died: what it has not committed is gone."""
        self.is_crashing, self.at = True, None
        self.task.cancel()
        await asyncio.wait([self.task])

    async def _run(self, work: Coroutine[object, object, None]) -> None:
        _actor.set(self)
        await work


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)


def who_moves() -> Actor | None:
    """The actor that calls, unless somebody else does."""
    return _actor.get()


async def gate(name: str) -> None:
    """A point between two steps of an actor; no actor passes without being let through."""
    actor = who_moves()
    if actor is not None:
        await actor.stand(name)


class Stage:
    """The actors, and a connection to PostgreSQL by which it is known which of them waits for another."""

    def __init__(self, monitor: asyncpg.Connection) -> None:
        self.actors: list[Actor] = []
        self._monitor = monitor
        self._changed = asyncio.Event()
        self._waiting: Actor | None = None

    def watch(self, engine: AsyncEngine, committed: Callable[[], None]) -> None:
        """Puts a gate before each statement and commit of an engine."""

        def before_statement(connection: Connection, cursor: object, statement: str, *_: object) -> None:
            if (actor := who_moves()) is not None:
                driver_connection = cast("asyncpg.Connection", connection.connection.driver_connection)
                actor.pid = driver_connection.get_server_pid()
            await_only(gate(_short(statement)))

        def before_commit(connection: object) -> None:
            await_only(gate("COMMIT"))
            committed()

        event.listen(engine.sync_engine, "before_cursor_execute", before_statement)
        event.listen(engine.sync_engine, "commit", before_commit)

    def start(self, name: str, work: Coroutine[object, object, None]) -> Actor:
        actor = Actor(name, work, self._changed)
        self.actors.append(actor)
        return actor

    async def settle(self) -> Actor | None:
        """Waits until each actor stands at a gate, is over, or is the one that waits for a lock.

        A second one that comes to wait crashes, and is returned: which of two gets a lock is the server's choice.
        Raises Violation for a deadlock.
        """
        async with asyncio.timeout(_MOST_SECONDS):
            blocked_by: dict[int, list[int]] = {}
            while moving := [actor for actor in self.actors if actor.is_moving]:
                self._changed.clear()
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._changed.wait()
                except TimeoutError:
                    pids = [actor.pid for actor in moving if actor.pid is not None]
                    blocked_by = {row["pid"]: row["blocked_by"] for row in await self._monitor.fetch(_WAITING, pids)}
                    if len(blocked_by) == len(moving):
                        break
        if len(moving) < 2:
            self._waiting = moving[0] if moving else None
            return None
        (late,) = (actor for actor in moving if actor is not self._waiting)
        if all(set(blocked_by) & set(pids) for pids in blocked_by.values()):
            await self.clear()
            raise Violation(f"each waits for the other one's lock: {', '.join(actor.name for actor in moving)}")
        await late.crash()
        while await self._monitor.fetchval(_HOLDING, late.pid):
            await asyncio.sleep(_LOOK_SECONDS)
        await self.settle()
        return late

    def standing(self) -> list[Actor]:
        """Those who can be let through."""
        return [actor for actor in self.actors if actor.at is not None]

    def take_over(self) -> Iterable[Actor]:
        """Those who are over, each once."""
        over = [actor for actor in self.actors if actor.task.done()]
        self.actors = [actor for actor in self.actors if not actor.task.done()]
        return over

    async def clear(self) -> None:
        """Ends all."""
        for actor in self.actors:
            await actor.crash()
        self.actors.clear()
        self._waiting = None


def _short(statement: str) -> str:
    """A statement as a trace shows it: its verb and table, and whether it locks."""
    statement = statement.strip()
    table = _TABLE.search(statement)
    lock = next((lock for lock in ("FOR UPDATE", "FOR SHARE", "advisory") if lock in statement), "")
    return " ".join(part for part in (statement.split(None, 1)[0], table and table.group(1), lock) if part)
