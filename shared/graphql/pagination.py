"""Relay connections with keyset cursors.

A list has one or more `Order`s, module constants of its `store.py`. A resolver turns its arguments into a
`Window` of one of them (which checks them), the store reads the window with `fetch_page`, or with
`page_by_parent` for many parents at once, and the resolver answers with `Connection.of`:

    NEWEST = Order("tasks.newest", col(Task.created_at), col(Task.id), descending=True)     # store.py

    window = store.NEWEST.window(first, after, last, before)                               # schema.py
    return Connection.of(await store.list_tasks(info.context.database, filter, window), Task.of)

A cursor holds the values that its row is sorted by and a checksum with the order's name, so that cursors of
other lists and mistyped ones are refused. It is not signed: whoever makes one up gets no row that the list
would not show anyway, and its values are typed, bounded and bound as parameters.
"""

import asyncio
import binascii
import inspect
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Annotated, Any, Generic, TypeVar, cast, get_args, get_origin
from zlib import crc32

import orjson
import strawberry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    Label,
    Select,
    SmallInteger,
    SQLColumnExpression,
    String,
    any_,
    bindparam,
    column,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.types import TypeEngine
from strawberry.federation.schema_directives import Cost

from shared.db import Database
from shared.errors import BadRequest
from shared.graphql.limits import list_size
from shared.graphql.types import PageInfo

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20

First = Annotated[
    int | None,
    strawberry.argument(description=f"How many from the start, 1 to {MAX_PAGE_SIZE}; {DEFAULT_PAGE_SIZE} by default."),
]
After = Annotated[str | None, strawberry.argument(description="Only what follows the edge with this cursor.")]
Last = Annotated[
    int | None,
    strawberry.argument(description=f"How many from the end, 1 to {MAX_PAGE_SIZE}; not together with `first`."),
]
Before = Annotated[str | None, strawberry.argument(description="Only what precedes the edge with this cursor.")]

N = TypeVar("N")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)
Statement = Select[*tuple[Any, ...]]
Value = str | int | float | datetime

_CURSOR = re.compile(r"[A-Za-z0-9_-]{8,512}")
_MAX_TEXT = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Years that PostgreSQL and datetime both hold, with room for adding terms to them: a little more than the
# year 2999 that the graph's DateTime ends with.
_MAX_MICROSECONDS = 33_000_000_000_000_000
_MICROSECOND = timedelta(microseconds=1)


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
        self._decoders = [_decoder(column) for column in self.columns]

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
        payload = orjson.dumps([_encode(getattr(row, key)) for key in self._keys])
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


async def fetch_page(database: Database, model: type[R], statement: Statement, window: Window) -> Page[R]:
    """A page of the rows of `statement`, which has no ORDER BY or LIMIT of its own."""

    async def count() -> int:
        total = select(func.count()).select_from(statement.order_by(None).subquery())
        return cast("int", (await database.fetch(total))[0][0])

    return window.page(await database.rows(model, _page_of(statement, window)), count)


@lru_cache(maxsize=256)
def _page_of(statement: Statement, window: Window) -> Statement:
    """Building a statement, and the key by which SQLAlchemy finds its text again, takes half as long as running it."""
    return window.select(statement)


async def page_by_parent(
    database: Database,
    model: type[R],
    statement: Statement,
    parent: SQLColumnExpression[K],
    keys: Sequence[tuple[K, Window]],
) -> list[Page[R]]:
    """A page for each parent, such as the bids of twenty tasks, in the order of `keys`.

    One statement for all parents with the same window (as a rule they all have); their counts, if asked
    for, are one more. `statement` selects the children of all parents, `parent` is its column with the
    parent's key. For use as a loader: `DataLoader(partial(store.load_pages_of_bids, database))`.
    """
    parents_by_window: defaultdict[Window, list[K]] = defaultdict(list)
    for key, window in keys:
        parents_by_window[window].append(key)
    counts = _Counts(database, statement, parent, list({key: None for key, _ in keys}))
    found = await asyncio.gather(
        *(
            _rows_by_parent(database, model, statement, parent, window, list(dict.fromkeys(parents)))
            for window, parents in parents_by_window.items()
        )
    )
    rows = dict(zip(parents_by_window, found, strict=True))
    return [window.page(rows[window].get(key, ()), partial(counts.of, key)) for key, window in keys]


async def _rows_by_parent(
    database: Database,
    model: type[R],
    statement: Statement,
    parent: SQLColumnExpression[K],
    window: Window,
    parents: list[K],
) -> dict[K, list[R]]:
    # LATERAL reads a page per parent from the index; a window function would read all children of each.
    key_type: TypeEngine[Any] = _column(parent).type
    keys = func.unnest(bindparam(None, parents, ARRAY(key_type)))
    parents_table = keys.table_valued(column("parent_key", key_type), name="parents").render_derived()
    wanted = parents_table.c.parent_key
    page = window.select(statement.where(parent == wanted)).lateral("page")
    sort_columns = [page.c[column.key or ""] for column in window.order.columns]
    together = (
        select(wanted, *page.c)
        .select_from(parents_table)
        .join(page, true())
        .order_by(wanted, *window.order.sorted(sort_columns, backwards=window.backwards))
    )
    rows: defaultdict[K, list[R]] = defaultdict(list)
    for row in await database.rows(model, together):
        rows[getattr(row, "parent_key")].append(row)  # noqa: B009 - no attribute of the model
    return rows


class _Counts(Generic[K]):
    """The sizes of the lists of several parents, counted together when the first one is asked for."""

    def __init__(
        self, database: Database, statement: Statement, parent: SQLColumnExpression[K], parents: list[K]
    ) -> None:
        self._database = database
        self._statement = statement
        self._parent = parent
        self._parents = parents
        self._counting: asyncio.Task[Mapping[K, int]] | None = None

    async def of(self, parent: K) -> int:
        if self._counting is None:
            self._counting = asyncio.create_task(self._count())
        # One caller that gives up must not take the count from the others.
        return (await asyncio.shield(self._counting)).get(parent, 0)

    async def _count(self) -> Mapping[K, int]:
        key = _column(self._parent)
        statement = (
            self._statement.with_only_columns(key.label("parent_key"), func.count().label("total"))
            .where(key == any_(bindparam(None, self._parents, ARRAY(key.type))))
            .order_by(None)
            .group_by(key)
        )
        return {row.parent_key: row.total for row in await self._database.fetch(statement)}


# --- GraphQL ---


@strawberry.federation.type(shareable=True, description="An element of a list together with its place in it.")
class Edge(Generic[N]):
    node: N = strawberry.field(description="The element.")
    make_cursor: strawberry.Private[Callable[[], str]]

    @strawberry.field(description="The element's place, for `after` and `before` in the same list and order.")
    def cursor(self) -> str:
        return self.make_cursor()


@strawberry.federation.type(shareable=True, description="A page of a list.")
class Connection(Generic[N]):
    elements: strawberry.Private[list[N]]
    page: strawberry.Private[Page[Any]]

    @classmethod
    def of(cls, page: Page[R], node: Callable[[R], N]) -> "Connection[N]":
        """The connection that shows a page; `node` makes a row's GraphQL object."""
        return Connection(elements=[node(row) for row in page.rows], page=page)

    @strawberry.field(description="The elements of the page with their cursors.")
    def edges(self) -> list[Edge[N]]:
        order = self.page.order
        return [
            Edge(node=element, make_cursor=partial(order.cursor, row))
            for element, row in zip(self.elements, self.page.rows, strict=True)
        ]

    @strawberry.field(description="The elements of the page.")
    def nodes(self) -> list[N]:
        return self.elements

    @strawberry.field(description="Where the page lies within the list.")
    def page_info(self) -> PageInfo:
        rows, cursor = self.page.rows, self.page.order.cursor
        return PageInfo(
            has_next_page=self.page.has_next_page,
            has_previous_page=self.page.has_previous_page,
            start_cursor=cursor(rows[0]) if rows else None,
            end_cursor=cursor(rows[-1]) if rows else None,
        )

    @strawberry.federation.field(
        description="The length of the whole list; counted only when asked for.", directives=[Cost(weight=5)]
    )
    async def total_count(self) -> int:
        return await self.page.count()


def connection_directives(resolver: Callable[..., object]) -> list[object]:
    """`@listSize` for a resolver that answers a connection, nothing for others."""
    annotations = inspect.get_annotations(resolver)
    annotation = annotations.get("return")
    if isinstance(annotation, str):
        answers_connection = annotation.startswith(f"{Connection.__name__}[")
    else:
        answers_connection = any(get_origin(each) is Connection for each in (annotation, *get_args(annotation)))
    if not answers_connection:
        return []
    return [
        list_size(
            slicing_arguments=[name for name in ("first", "last") if name in annotations],
            sized_fields=["nodes", "edges"],
            # Without either, a page has the size that is assumed of any list.
            require_one_slicing_argument=False,
        )
    ]


# --- values of cursors ---


def _column(expression: SQLColumnExpression[object]) -> ColumnElement[Any]:
    """The column of a model's attribute."""
    return next(iter(select(expression).selected_columns))


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return value


def _decoder(column: ColumnElement[Any]) -> Callable[[object], Value]:
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
