"""What the databases hold of some objects, and when nothing is on its way between them any more."""

import importlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Self

import asyncpg

from deploy.local.stack import Stack
from shared.printing.access import subgraphs
from tests.e2e.people import eventually

# What the platform notes for itself.
_NOT_CONTENT = ("alembic_version", "inbox", "outbox", "settlements")
_TABLES = (
    "SELECT format('%I', tablename) AS name FROM pg_tables"
    " WHERE schemaname = 'public' AND tableowner <> 'postgres' AND tablename <> ALL($1)"
)
# What the provider was asked and has not answered yet.
_UNDER_WAY = """
    SELECT EXISTS (SELECT FROM charges WHERE status IN ('PENDING', 'CANCELLING'))
        OR EXISTS (SELECT FROM refunds WHERE status = 'PENDING')
        OR EXISTS (SELECT FROM payment_methods WHERE removed_at IS NOT NULL AND token IS NOT NULL)
"""
_EVENTS = "SELECT (stream, seq, type)::text AS row FROM outbox WHERE stream || body::text LIKE ANY($1)"


class Databases:
    """A look at all databases, past the subgraphs."""

    def __init__(self, stack: Stack) -> None:
        self._urls = {
            name: stack.database_url(name).replace("postgresql+asyncpg://", "postgresql://") for name in subgraphs()
        }
        self._connections: dict[str, asyncpg.Connection] = {}

    async def __aenter__(self) -> Self:
        for name, url in self._urls.items():
            self._connections[name] = await asyncpg.connect(url)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections.values():
            await connection.close()

    async def now(self) -> datetime:
        """The time of the databases."""
        moment: datetime = await self._connections["users"].fetchval("SELECT clock_timestamp()")
        return moment

    async def about(self, subgraph: str, ids: Collection[str]) -> set[str]:
        """Every row of a subgraph in which one of these ids stands, and every event."""
        connection = self._connections[subgraph]
        patterns = [f"%{each}%" for each in ids]
        found = {row["row"] for row in await connection.fetch(_EVENTS, patterns)}
        for table in await connection.fetch(_TABLES, list(_NOT_CONTENT)):
            name = table["name"]
            rows = await connection.fetch(f"SELECT t::text AS row FROM {name} t WHERE t::text LIKE ANY($1)", patterns)
            found |= {f"{name} {row['row']}" for row in rows}
        return found

    async def keep_refresh_tokens(self) -> None:
        """Lets a request that used one be sent again for a minute from now on, however long the questions take."""
        await self._connections["users"].execute(
            "UPDATE refresh_tokens SET replaced_at = now() + interval '1 minute' WHERE replaced_at IS NOT NULL"
        )

    async def settle(self, since: datetime) -> None:
        """Waits until everything that happened since then is known to whom it concerns."""

        consumed = {name: frozenset(handled_by(name)) for name in self._connections}

        async def is_settled() -> bool:
            seen = await self._seen(since)
            is_under_way, happened, handled = seen
            waits = is_under_way or any(
                type_ in consumed[name] and event_id not in handled[name]
                for name in consumed
                for event_id, type_ in happened
            )
            # The databases are looked at one after the other: what went on meanwhile may have been missed in each.
            return not waits and seen == await self._seen(since)

        await eventually(is_settled, 60)

    async def _seen(self, since: datetime) -> tuple[bool, set[tuple[str, str]], Mapping[str, set[str]]]:
        """Whether the provider is still to answer; the events since then, with their types; who handled which."""
        is_under_way = bool(await self._connections["payments"].fetchval(_UNDER_WAY))
        happened: set[tuple[str, str]] = set()
        handled: dict[str, set[str]] = {}
        for name, connection in self._connections.items():
            rows = await connection.fetch("SELECT event_id::text, type FROM outbox WHERE occurred_at >= $1", since)
            happened |= {(row["event_id"], row["type"]) for row in rows}
            rows = await connection.fetch("SELECT event_id::text FROM inbox WHERE processed_at >= $1", since)
            handled[name] = {row["event_id"] for row in rows}
        return is_under_way, happened, handled


def handled_by(subgraph: str) -> list[str]:
    """The types of the events that a subgraph acts upon."""
    try:
        consumers = importlib.import_module(f"subgraphs.{subgraph}.consumers")
    except ModuleNotFoundError:
        return []
    return list(consumers.handlers.by_type())
