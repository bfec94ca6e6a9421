"""Counting the statements that a read costs."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from shared.database.db import Database

_LOOKED_AT_NOW_AND_THEN = ("deadlines", "streams", "discarded_files")


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The SQL of all reads meanwhile, but for what the process asks for by itself now and then."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if statement != "SELECT 1" and not any(f"FROM {table}" in statement for table in _LOOKED_AT_NOW_AND_THEN):
            seen.append(statement)

    engine = database.pools()["read"].sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
