"""Workers that handle rows once they are due, such as deadlines and mails."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar

import structlog
from opentelemetry.instrumentation.utils import suppress_instrumentation
from sqlalchemy.ext.asyncio import AsyncSession

from shared import background, clock
from shared.background import Backoff
from shared.database.db import Database, wake_after_commit
from shared.errors import ServiceUnavailable
from shared.faults import describe, stack

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
# What is due and was not to be had is another worker's: not zero, or both would spin.
_TAKEN_SECONDS = 0.02


def look_after_commit(session: AsyncSession, due_at: datetime) -> None:
    """Has this process' workers look for what the transaction wrote as soon as it is committed, if it is due so soon.

    Later rows they find by themselves.
    """
    if (due_at - clock.now()).total_seconds() < _POLL_SECONDS:
        wake_after_commit(session)


class DueWorker(ABC):
    """Handles what is due, in the order of due times, one by one in each of a few tasks.

    While nothing is due, each of them asks once a second, by one statement, since other processes write rows too and
    clocks are moved; what this process writes, it looks for at once (`look_after_commit`).
    """

    name: ClassVar[str]
    concurrency = 2

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.failure: str | None = "starting"
        """Why nothing is handled at the moment, if so."""

    @property
    def healthy(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks) and self.failure is None

    @abstractmethod
    async def next_due(self) -> datetime | None:
        """When the next row is due, if there is one. Raises ServiceUnavailable."""

    @abstractmethod
    async def handle_one(self) -> bool:
        """Handles the row that has been due longest; answers whether there was one. Raises ServiceUnavailable."""

    async def start(self) -> None:
        """Starts handling; waits for nothing."""
        self._stopping.clear()
        self._database.wakes.add(self._wake.set)
        self._tasks = [asyncio.create_task(self._run(), name=f"{self.name} {n}") for n in range(self.concurrency)]

    async def stop(self) -> None:
        """Ends after the rows at hand."""
        self._database.wakes.discard(self._wake.set)
        self._stopping.set()
        self._wake.set()
        await background.end(*self._tasks, grace_seconds=5)
        self._tasks = []

    async def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                delay = await self._until_next()
                if delay <= 0:
                    while not self._stopping.is_set() and await self.handle_one():
                        backoff.reset()
                    delay = _TAKEN_SECONDS
                self.failure = None
                backoff.reset()
            except ServiceUnavailable:
                self.failure = "database"
                delay = backoff.next()
            except Exception as error:
                self.failure = "unexpected"
                log.error("due worker failed", worker=self.name, error=describe(error), stack=stack(error))
                delay = backoff.next()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._wake.wait()

    async def _until_next(self) -> float:
        with suppress_instrumentation():
            due_at = await self.next_due()
        return _POLL_SECONDS if due_at is None else min((due_at - clock.now()).total_seconds(), _POLL_SECONDS)
