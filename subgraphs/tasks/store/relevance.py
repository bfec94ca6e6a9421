"""SQL of lists by relevance: the newest tasks that match, the best of them first.

Of all that match, the 1,000 newest are candidates, and only these are ranked: otherwise the cost would grow with how
common the words are. All pages of a list are of the same candidates, those published between `since` and `until`, which
are part of each cursor; so are the words that a misspelt one was taken for. What is published meanwhile is not in the
list, and what leaves it makes room for nothing, so that what stays comes exactly once.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    case,
    column,
    func,
    literal,
    select,
    true,
)
from sqlmodel import col

from shared import clock
from shared.database.db import Database, columns_of
from shared.errors import BadRequest
from shared.graphql.pagination import Order, Page, Window
from shared.text_search.query import Query
from subgraphs.tasks import models, rules
from subgraphs.tasks.rules.search import MOST_CANDIDATES
from subgraphs.tasks.store import terms, words
from subgraphs.tasks.store.search import TABLE, Filter

Task = models.Task

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARTS_OF_RANK = 1_000_000
_UTC = DateTime(timezone=True)
_KEYS = ("corrected", "until", "since", "rank", "id")


def order(filter: Filter) -> Order:
    """Most relevant first. Its cursors are of this very question."""
    columns = (
        column("corrected", Text),
        column("until", _UTC),
        column("since", _UTC),
        column("rank", Integer),
        column("id", Text),
    )
    return Order(f"tasks.relevance {filter!r}", *columns, descending=True)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which candidates a list is of; `since` is not known for the first page."""

    corrected: str
    until: datetime
    since: datetime | None = None


async def list_relevant(database: Database, filter: Filter, query: Query, window: Window) -> Page[models.Task]:
    """A page of the published tasks that a query finds. Raises BadRequest for cursors of two lists."""
    bounds = _known(window) or Bounds(await _corrected(database, query), clock.now())
    statement = page(filter, query, window, bounds)

    async def count() -> int:
        total = select(func.count()).select_from(candidates(filter, query, bounds).subquery())
        return cast("int", (await database.fetch(total))[0][0])

    return window.page(await database.rows(Task, statement), count)


def _known(window: Window) -> Bounds | None:
    """Those of the list that the cursors are of."""
    known = {cast("tuple[str, datetime, datetime]", each[:3]) for each in (window.after, window.before) if each}
    if len(known) > 1:
        raise BadRequest("`after` and `before` are cursors of two lists.")
    return next((Bounds(*each) for each in known), None)


async def _corrected(database: Database, query: Query) -> str:
    asked = rules.search.doubtful_words(query)
    if not asked:
        return ""
    similar = await words.load_similar_words(database, asked)
    return rules.search.written(rules.search.corrections(asked, similar))


def page(filter: Filter, query: Query, window: Window, bounds: Bounds) -> Select[*tuple[Any, ...]]:
    """The rows of a page, with what their cursors hold."""
    found = candidates(filter, query, bounds).subquery("candidates")
    meant = words.tsquery(query, rules.search.read(bounds.corrected))
    # Less than all were looked at if there are as many as are looked at.
    oldest = func.min(found.c.published_at).over()
    since = case((func.count().over() >= MOST_CANDIDATES, oldest), else_=literal(_EPOCH, _UTC))
    ranked = select(
        literal(bounds.corrected, Text).label("corrected"),
        literal(bounds.until, _UTC).label("until"),
        (since if bounds.since is None else literal(bounds.since, _UTC)).label("since"),
        (func.ts_rank(found.c.search, meant) * _PARTS_OF_RANK).cast(Integer).label("rank"),
        found.c.id,
    ).subquery("ranked")
    shown = window.select(select(*(ranked.c[key] for key in _KEYS))).subquery("shown")
    columns = [shown.c[key] for key in _KEYS if key != "id"]
    return (
        select(*columns_of(Task), *columns)
        .join(shown, shown.c.id == col(Task.id))
        .order_by(*window.order.sorted([shown.c.rank, shown.c.id], backwards=window.backwards))
    )


def candidates(filter: Filter, query: Query, bounds: Bounds) -> Select[*tuple[Any, ...]]:
    """The newest of all that match."""
    corrected = rules.search.read(bounds.corrected)
    # Whoever makes up a cursor asks for no more either.
    most = MOST_CANDIDATES if bounds.since is None else 2 * MOST_CANDIDATES
    if filter.status is None or filter.poster_id is not None or not query.alternatives:
        # Of one person or none: few, and of any time.
        return _newest(TABLE, filter, corrected, bounds).limit(most)
    since = max((moment for moment in (bounds.since, filter.posted_after) if moment is not None), default=None)
    periods = terms.periods(filter.status, since, bounds.until)
    found = terms.found(filter, query, corrected, filter.status, periods.c.number)
    # Without spaces, lexemes are all that there is to a query, and the texts are long: to look at them once more would
    # take as long as all else.
    rest = filter if query.has_spaced else replace(filter, query=None)
    # A period is read only if those before it had too few.
    newest = _newest(found, rest, corrected, bounds, periods.c.number.desc())
    return newest.select_from(periods.join(found, true())).limit(most)


def _newest(
    of: FromClause, filter: Filter, corrected: words.Corrections, bounds: Bounds, *before: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """What matches of some tasks, sorted."""
    statement = select(of.c.id, of.c.published_at, of.c.search).where(
        *filter.conditions(corrected, of), of.c.published_at <= bounds.until
    )
    if bounds.since is not None:
        statement = statement.where(of.c.published_at >= bounds.since)
    return statement.order_by(*before, of.c.published_at.desc(), of.c.id.desc())
