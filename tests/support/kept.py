"""A subgraph that runs on from test to test, since most of them change nothing about it but its data.

A start costs several times what a usual test does: it connects to PostgreSQL, Redis and Kafka, creates topics, joins
a group, and every document is read anew.
"""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg

from tests.authorization.state import handled_by
from tests.support import infrastructure
from tests.support.serving import Served, application, serve

_UNHANDLED = """SELECT EXISTS (
    SELECT FROM outbox WHERE type = ANY($1) AND event_id NOT IN (SELECT event_id FROM inbox)
)"""


class Keeper:
    """Serves one subgraph at a time, on databases and topics that nothing else uses."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self._redis_url = redis_url
        self._folder = folder
        self._databases: dict[str, tuple[infrastructure.ScratchDatabase, asyncpg.Connection]] = {}
        self._connections = AsyncExitStack()
        self._stack = AsyncExitStack()
        self._running: tuple[str, Mapping[str, object], Served] | None = None

    async def serve(self, subgraph: str, changes: Mapping[str, object]) -> Served:
        """The subgraph with these settings and no data: the one that runs, if it is that, or else a new one."""
        if self._running and (self._running[:2] != (subgraph, changes) or self._running[2].is_draining):
            await self.stop()
        if subgraph in self._databases:
            database, connection = self._databases[subgraph]
            if not await self._is_settled(connection):
                await self.stop()
            # Numbers go on: a relay may be about to mark what it published of the test before.
            await database.clear(connection)
        else:
            database = infrastructure.create_database(subgraph, "kept")
            connection = await self._connections.enter_async_context(database.superuser())
            self._databases[subgraph] = database, connection
        infrastructure.flush(self._redis_url)
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._running is None:
            settings = infrastructure.settings(
                subgraph, database.url, self._redis_url, infrastructure.topic_prefix(), self._folder, changes
            )
            served = await self._stack.enter_async_context(serve(application(subgraph, settings)))
            self._running = subgraph, changes, served
        return self._running[2]

    async def _is_settled(self, connection: asyncpg.Connection) -> bool:
        """Whether what runs has handled all events of its own that it acts upon; waits for them a while.

        It would act upon them in the middle of the next test.
        """
        if self._running is None:
            return True
        for _ in range(500):
            if not await connection.fetchval(_UNHANDLED, handled_by(self._running[0])):
                return True
            await asyncio.sleep(0.01)
        return False

    async def close(self) -> None:
        """Stops what runs, for good."""
        await self.stop()
        await self._connections.aclose()

    async def stop(self) -> None:
        """Stops what runs."""
        await self._stack.aclose()
        self._running = None
