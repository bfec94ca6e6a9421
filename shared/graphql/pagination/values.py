"""The values that a cursor holds, as JSON and back; what is read is typed and bounded."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Float, Integer, Label, SmallInteger, String

Value = str | int | float | datetime

_MAX_TEXT = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Years that PostgreSQL and datetime both hold, with room for adding terms to them: a little more than the
# year 2999 that the graph's DateTime ends with.
_MAX_MICROSECONDS = 33_000_000_000_000_000
_MICROSECOND = timedelta(microseconds=1)


def encode(value: object) -> object:
    """A value as JSON holds it: times as microseconds since 1970."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return value


def decoder(column: ColumnElement[Any]) -> Callable[[object], Value]:
    """What reads a value of the column; it raises ValueError. Raises TypeError for a column that no order can have."""
    if getattr(column, "nullable", False) and not isinstance(column, Label):
        raise TypeError(f"{column} may be null, which has no place in an order")
    kind = column.type
    if isinstance(kind, DateTime):
        return _time
    if isinstance(kind, Integer):
        bits = 16 if isinstance(kind, SmallInteger) else 64 if isinstance(kind, BigInteger) else 32
        return partial(_integer, 2 ** (bits - 1))
    if isinstance(kind, Float):
        return _float
    if isinstance(kind, String):
        return _text
    raise TypeError(f"{column} has a type that cursors do not hold")


def _time(value: object) -> datetime:
    return _EPOCH + timedelta(microseconds=_integer(_MAX_MICROSECONDS, value))


def _integer(limit: int, value: object) -> int:
    if type(value) is not int or not -limit <= value < limit:
        raise ValueError
    return value


def _float(value: object) -> float:
    if type(value) not in (int, float) or not math.isfinite(number := float(value)):  # type: ignore[arg-type]  # checked
        raise ValueError
    return number


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT or "\x00" in value:
        raise ValueError
    return value
