"""The time that PostgreSQL takes for statements: it says it itself (EXPLAIN ANALYZE), planning included."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects import postgresql

from bench.figures import Figure, percentile

ROUNDS = 300
WARM_UP = 60
_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own

Statement = Select[*tuple[Any, ...]]


def figures_of(name: str, measured: Sequence[float], limit: float | None, note: str) -> list[Figure]:
    """The middle of the times in milliseconds, and the 99th percentile with its limit."""
    return [
        Figure(f"{name}, p50", percentile(measured, 0.5), "ms", None, note),
        Figure(f"{name}, p99", percentile(measured, 0.99), "ms", limit, f"{note}; {len(measured)} times"),
    ]


async def times(connection: asyncpg.Connection, make: Callable[[], str]) -> list[float]:
    """Milliseconds of planning and execution of statements, after some that fill the caches."""
    measured = [await _time(connection, make()) for _ in range(WARM_UP + ROUNDS)]
    return measured[WARM_UP:]


async def _time(connection: asyncpg.Connection, text: str) -> float:
    transaction = connection.transaction()
    await transaction.start()
    try:
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON, FORMAT JSON) {text}")
    finally:
        # What a statement writes would be there for the next one.
        await transaction.rollback()
    answer = json.loads(plan)[0]
    return float(answer["Planning Time"]) + float(answer["Execution Time"])


def text(statement: Statement) -> str:
    """The statement with its values in it."""
    return str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})).replace("%%", "%")
