"""The only source of the current time, so that tests can move it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The current time as aware UTC."""
    return datetime.now(UTC) + _offset


def set_offset(offset: timedelta) -> None:
    """Moves the clock of this process by `offset` against the machine's."""
    global _offset
    _offset = offset


@contextmanager
def offset(delta: timedelta) -> Iterator[None]:
    """Moves the clock by `delta` for the length of the block."""
    before = _offset
    set_offset(before + delta)
    try:
        yield
    finally:
        set_offset(before)
