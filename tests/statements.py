"""Counting the statements that a read costs."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from shared.db import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL of all reads meanwhile, but for what the process asks for by itself now and then."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "FROM deadlines" not in statement and "FROM streams" not in statement and statement != "SELECT 1":
            seen.append(statement)

    engine = database.pools()["read"].sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
