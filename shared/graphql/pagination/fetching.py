"""Reading pages: of one list, or of the lists of many parents in one statement."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import ARRAY, ColumnElement, SQLColumnExpression, any_, bindparam, column, func, select, true
from sqlalchemy.types import TypeEngine

from shared.database.db import Database
from shared.graphql.pagination.window import Page, Statement, Window

R = TypeVar("R")
K = TypeVar("K", bound=Hashable)


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


def _column(expression: SQLColumnExpression[object]) -> ColumnElement[Any]:
    """The column of a model's attribute."""
    return next(iter(select(expression).selected_columns))
