"""Orders of lists, their cursors, and the pages that arguments mean."""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from zlib import crc32

import orjson
from sqlalchemy import ColumnElement, Label, Select, SQLColumnExpression, bindparam, select, tuple_

from shared.errors import BadRequest
from shared.graphql.pagination.values import Value, decoder, encode

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20

R = TypeVar("R")
Statement = Select[*tuple[Any, ...]]

_CURSOR = re.compile(r"[A-Za-z0-9_-]{8,512}")


class Order:
    """A total order of a list, by columns that are all sorted in one direction.

    The last column must be unique; all must be selected under their own names, and none may be null.
    Comparing them as one row lets PostgreSQL read a page from an index of the same columns.
    """

    def __init__(self, name: str, *columns: SQLColumnExpression[object], descending: bool = False) -> None:
        self.name = name
        self.descending = descending
        self.columns: tuple[ColumnElement[Any], ...] = tuple(select(*columns).selected_columns)
        self._keys = [column.key or "" for column in self.columns]
        self._decoders = [decoder(column) for column in self.columns]

    def window(self, first: int | None, after: str | None, last: int | None, before: str | None) -> "Window":
        """The page that these arguments of a connection mean. Raises BadRequest."""
        if first is not None and last is not None:
            raise BadRequest("Ask for `first` or for `last`, not for both.")
        size = DEFAULT_PAGE_SIZE if first is None and last is None else first or last or 0
        if not 1 <= size <= MAX_PAGE_SIZE:
            raise BadRequest(f"`{'first' if last is None else 'last'}` must be between 1 and {MAX_PAGE_SIZE}.")
        return Window(
            order=self,
            size=size,
            backwards=last is not None,
            after=None if after is None else self._values(after, "after"),
            before=None if before is None else self._values(before, "before"),
        )

    def cursor(self, row: object) -> str:
        """The opaque cursor of a row."""
        payload = orjson.dumps([encode(getattr(row, key)) for key in self._keys])
        return urlsafe_b64encode(self._checksum(payload) + payload).rstrip(b"=").decode()

    def _values(self, cursor: str, argument: str) -> tuple[Value, ...]:
        try:
            if not _CURSOR.fullmatch(cursor):
                raise ValueError
            content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            checksum, payload = content[:4], content[4:]
            if checksum != self._checksum(payload):
                raise ValueError
            values = orjson.loads(payload)
            if not isinstance(values, list):
                raise ValueError
            return tuple(decode(value) for decode, value in zip(self._decoders, values, strict=True))
        except (ValueError, binascii.Error):
            raise BadRequest(f"`{argument}` is not a cursor of this list in this order.") from None

    def _checksum(self, payload: bytes) -> bytes:
        return crc32(self.name.encode() + payload).to_bytes(4)

    def sorted(self, columns: Sequence[ColumnElement[Any]], *, backwards: bool) -> list[ColumnElement[Any]]:
        """`columns` with this order's direction, or the opposite one, for ORDER BY."""
        if self.descending != backwards:
            return [column.desc() for column in columns]
        return list(columns)

    def beyond(self, values: tuple[Value, ...], *, following: bool) -> ColumnElement[bool]:
        """The condition for rows that follow, or precede, the position of `values`."""
        # A label can be sorted by but not compared.
        columns = [column.element if isinstance(column, Label) else column for column in self.columns]
        bound = [bindparam(None, value, column.type) for value, column in zip(values, columns, strict=True)]
        position: ColumnElement[Any] = columns[0] if len(columns) == 1 else tuple_(*columns)
        limit: ColumnElement[Any] = bound[0] if len(columns) == 1 else tuple_(*bound)
        return position > limit if following != self.descending else position < limit


@dataclass(frozen=True, slots=True)
class Window:
    """A page that was asked for; hashable, so that it can be part of a loader's key."""

    order: Order
    size: int
    backwards: bool
    after: tuple[Value, ...] | None
    before: tuple[Value, ...] | None

    def select(self, statement: Statement) -> Statement:
        """`statement` restricted to the page and one row more, which tells whether there is more."""
        if self.after is not None:
            statement = statement.where(self.order.beyond(self.after, following=True))
        if self.before is not None:
            statement = statement.where(self.order.beyond(self.before, following=False))
        return statement.order_by(*self.order.sorted(self.order.columns, backwards=self.backwards)).limit(self.size + 1)

    def page(self, rows: Sequence[R], count: Callable[[], Awaitable[int]]) -> "Page[R]":
        """The page of the rows that `select` gave."""
        more = len(rows) > self.size
        kept = list(rows[: self.size])
        if self.backwards:
            kept.reverse()
        return Page(
            order=self.order,
            rows=kept,
            has_next_page=self.before is not None if self.backwards else more,
            has_previous_page=more if self.backwards else self.after is not None,
            count=count,
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """The rows of a page, in the order's direction. `count` counts the whole list when it is called."""

    order: Order
    rows: Sequence[R]
    has_next_page: bool
    has_previous_page: bool
    count: Callable[[], Awaitable[int]]
