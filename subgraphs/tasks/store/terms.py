"""SQL of the index `tasks_by_terms`: words and filters together, a period of publication after the other.

Each of its lexemes begins with the period and the status of the task, so each of its lists is of that period alone: to
find what several have in common takes as long as there are tasks of some hours, not of weeks. The rest of a lexeme is a
word of the task, its category, its mode, its currency with the step of its budget, the two together, or EVERY. Periods
of open tasks are twelve hours, those of others eight days.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, Text, column, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import TSQUERY

from shared.text_search.query import Query
from subgraphs.tasks import rules
from subgraphs.tasks.rules.tasks import Status
from subgraphs.tasks.store.search import TABLE, Filter
from subgraphs.tasks.store.words import Corrections, loose_tsquery

EVERY, NONE = ".", "-"
"""What all tasks have, and what none has."""

_MOST_CATEGORIES = 30
"""More of them leave little out, and each costs a look into the index."""
_terms: ColumnElement[Any] = literal_column(
    "terms_of_task(search, published_at, status, category_id, mode, currency, budget_minor)"
)


def filters_of(filter: Filter) -> ColumnElement[Any]:
    """What all that a filter leaves meet, and some more, as a query for lexemes of no period yet."""
    wanted: list[tuple[str, ...]] = []
    if filter.category_ids and len(filter.category_ids) <= _MOST_CATEGORIES:
        wanted.append(filter.category_ids)
    if filter.currency is not None:
        steps = rules.search.budget_steps(filter.budget_min_minor, filter.budget_max_minor)
        wanted.append(tuple(f"{filter.mode or ''}{filter.currency}{step}" for step in steps) or (NONE,))
    elif filter.mode is not None:
        wanted.append((filter.mode,))
    # A query of negations alone would read the whole index. Ids and names are checked: nothing in them means anything
    # to PostgreSQL.
    alternatives = (" | ".join(f"'{name}'" for name in names) for names in wanted or [(EVERY,)])
    return literal(" & ".join(f"({each})" for each in alternatives), Text).cast(TSQUERY)


def periods(status: Status, since: datetime | None, until: datetime) -> FromClause:
    """The numbers of the periods from the last task to the first that was published then, the newest first."""
    published = TABLE.c.published_at
    conditions = [TABLE.c.status == status, published <= until]
    if since is not None:
        conditions.append(published >= since)
    newest, oldest = (
        select(func.period_of_task(end(published), literal(status.value, Text))).where(*conditions).scalar_subquery()
        for end in (func.max, func.min)
    )
    series = func.generate_series(newest, oldest, -1).table_valued(column("number", Integer)).render_derived("series")
    return select(series.c.number).order_by(series.c.number.desc()).subquery("periods")


def found(
    filter: Filter, query: Query, corrected: Corrections, status: Status, period: ColumnElement[int]
) -> FromClause:
    """The tasks of a period of which the index says that they may match: all that do, and some more.

    A subquery that PostgreSQL leaves as it is: it knows nothing of how many the index finds, and would as soon take
    another one.
    """
    words = loose_tsquery(query, corrected, EVERY)
    asked = func.terms_of_period(words, filters_of(filter), period, literal(status.value, Text))
    return select(*TABLE.c).where(_terms.op("@@")(asked)).offset(0).lateral("found")
