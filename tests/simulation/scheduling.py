"""Several coroutines side by side, one step at a time, in an order that is chosen and can be chosen again.

An actor stands at a gate before each statement, before each commit, and wherever else it calls `gate`. Whoever is let
through runs to its next gate, to its end, or into a lock that another one holds. Nobody else moves meanwhile, so what
happens depends on the order of the choices alone, not on how fast anything is.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable
from contextvars import ContextVar

import asyncpg
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import await_only

_LOOK_SECONDS = 0.003
"""How long a statement may take before it is asked whether it waits for a lock."""
_MOST_SECONDS = 20
# Locks of rows, and those by name; others are of PostgreSQL's own work, and soon over.
_WAITING = """SELECT count(DISTINCT pid) FROM pg_locks
    WHERE NOT granted AND pid = ANY($1) AND locktype IN ('transactionid', 'tuple', 'advisory', 'spectoken')"""
_TABLE = re.compile(r"(?:FROM|INTO|UPDATE)\s+(\w+)")


class Violation(AssertionError):
    """Something that must hold does not."""


class Actor:
    """A coroutine that goes on only when it is let through its gate."""

    def __init__(self, name: str, work: Coroutine[object, object, None], changed: asyncio.Event) -> None:
        self.name = name
        self.at: str | None = None
        """The gate at which it stands."""
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


async def gate(name: str) -> None:
    """A point between two steps of an actor; no actor passes without being let through."""
    actor = _actor.get()
    if actor is not None:
        await actor.stand(name)


class Stage:
    """The actors, and the connections to PostgreSQL by which it is known which of them waits for another."""

    def __init__(self, monitor: asyncpg.Connection) -> None:
        self.actors: list[Actor] = []
        self._monitor = monitor
        self._changed = asyncio.Event()
        self._pids: set[int] = set()

    def watch(self, engine: AsyncEngine, committed: Callable[[], None]) -> None:
        """Puts a gate before each statement and commit of an engine."""

        def connected(connection: object, record: object) -> None:
            self._pids.add(connection.driver_connection.get_server_pid())  # type: ignore[attr-defined] # SQLAlchemy's

        def before_statement(connection: object, cursor: object, statement: str, *_: object) -> None:
            await_only(gate(_short(statement)))

        def before_commit(connection: object) -> None:
            await_only(gate("COMMIT"))
            committed()

        for name, listener in (
            ("connect", connected), ("before_cursor_execute", before_statement), ("commit", before_commit)
        ):  # fmt: skip
            event.listen(engine.sync_engine, name, listener)

    def start(self, name: str, work: Coroutine[object, object, None]) -> Actor:
        actor = Actor(name, work, self._changed)
        self.actors.append(actor)
        return actor

    async def settle(self) -> None:
        """Waits until each actor stands at a gate, waits for a lock or is over. Raises Violation for a deadlock."""
        async with asyncio.timeout(_MOST_SECONDS):
            while moving := [actor for actor in self.actors if actor.is_moving]:
                self._changed.clear()
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._changed.wait()
                except TimeoutError:
                    if await self._monitor.fetchval(_WAITING, list(self._pids)) == len(moving):
                        break
        if self.actors and all(actor.is_moving for actor in self.actors):
            names = ", ".join(actor.name for actor in self.actors)
            await self.clear()
            raise Violation(f"each waits for another one's lock: {names}")

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


def _short(statement: str) -> str:
    """A statement as a trace shows it: its verb and table, and whether it locks."""
    statement = statement.strip()
    table = _TABLE.search(statement)
    lock = next((lock for lock in ("FOR UPDATE", "FOR SHARE", "advisory") if lock in statement), "")
    return " ".join(part for part in (statement.split(None, 1)[0], table and table.group(1), lock) if part)
