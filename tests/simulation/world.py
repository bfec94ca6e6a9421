"""Three subgraphs on databases of their own, without servers, Kafka and relay: what those do is chosen from outside."""

import importlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from unittest.mock import patch

import asyncpg
import structlog

from shared import clock
from shared.config import Settings
from shared.database.db import Database
from shared.deadlines import DeadlineHandler
from shared.messaging.consumer import Handlers
from shared.messaging.consumer.handling import Handling
from tests.simulation.scheduling import Stage
from tests.support import infrastructure

SUBGRAPHS = ("tasks", "bids", "payments")
BEGIN = datetime(2030, 1, 2, 12, tzinfo=UTC)
_LEFT_OVER = "DELETE FROM deadlines; UPDATE outbox SET published_at = now() WHERE published_at IS NULL"


_is_of_run: ContextVar[bool] = ContextVar("is_of_run", default=False)


class Clock:
    """The time of a run, which moves when it is moved, and by the least bit whenever somebody of the run looks.

    Whoever else lives in this process sees the same time and moves nothing: it would not be the same run each time.
    """

    def __init__(self) -> None:
        self.time = BEGIN

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Within the block who calls, and all that it starts, is of a run."""
        before = _is_of_run.set(True)
        try:
            yield
        finally:
            _is_of_run.reset(before)

    def now(self) -> datetime:
        if _is_of_run.get():
            self.time += timedelta(microseconds=1)
        return self.time


@dataclass
class Subgraph:
    """What there is of a subgraph: its code as it declares it, its database, and a connection to look on."""

    name: str
    database: Database
    monitor: asyncpg.Connection
    handlers: Handlers
    deadlines: Mapping[str, DeadlineHandler]
    handling: Handling


@dataclass
class World:
    """What many runs share, one after the other."""

    subgraphs: Mapping[str, Subgraph]
    stage: Stage
    clock: Clock
    committed: set[str] = field(default_factory=set)
    """The subgraphs that have committed something since it was looked last."""

    def __getitem__(self, name: str) -> Subgraph:
        return self.subgraphs[name]

    async def clear(self) -> None:
        """Ends what goes on, and lets nothing of it come into the next run. Rows stay: their ids are its own."""
        await self.stage.clear()
        for subgraph in self.subgraphs.values():
            await subgraph.monitor.execute(_LEFT_OVER)
        await self["payments"].monitor.execute("DELETE FROM settlements")
        self.committed.clear()
        self.clock.time = BEGIN


@asynccontextmanager
async def a_world(folder: Path) -> AsyncIterator[World]:
    """The subgraphs on empty databases of their own, at a time of its own."""
    async with AsyncExitStack() as stack:
        databases = {
            name: Database(_settings(name, stack.enter_context(infrastructure.separate_database(name)), folder))
            for name in SUBGRAPHS
        }
        monitors = {}
        for name, database in databases.items():
            stack.push_async_callback(database.close)
            monitors[name] = await database.listen()
            stack.push_async_callback(monitors[name].close)
        committed: set[str] = set()
        stage = Stage(monitors["payments"])
        stack.push_async_callback(stage.clear)
        for name, database in databases.items():
            for engine in database.pools().values():
                stage.watch(engine, lambda name=name: committed.add(name))
        time = Clock()
        stack.enter_context(patch.object(clock, "now", time.now))
        stack.callback(structlog.configure, **structlog.get_config())
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        subgraphs = {name: _subgraph(name, databases[name], monitors[name], folder) for name in SUBGRAPHS}
        yield World(subgraphs, stage, time, committed)


def _subgraph(name: str, database: Database, monitor: asyncpg.Connection, folder: Path) -> Subgraph:
    module = importlib.import_module(f"subgraphs.{name}.app")
    settings = _settings(name, database.url.render_as_string(hide_password=False), folder)
    # What it would hand to the process that serves it.
    with patch.object(module, "create_app") as create:
        module.build(settings)
    declared = create.call_args.kwargs
    handlers = cast("Handlers", declared["handlers"])
    handling = Handling(name, handlers, database, settings, 0, lambda stream: None)
    return Subgraph(name, database, monitor, handlers, declared["deadlines"], handling)


def _settings(name: str, database_url: str, folder: Path) -> Settings:
    changes = {"statement_timeout_seconds": 60, "database_pool_timeout_seconds": 60}
    return infrastructure.settings(name, database_url, "redis://127.0.0.1:9/0", "simulated.", folder, changes)
