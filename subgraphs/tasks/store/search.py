"""SQL of the lists that everybody can ask for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Label, Select, Text, exists, false, inspect, select, type_coerce
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.money import CurrencyCode
from shared.text_search.query import Query
from subgraphs.tasks import models
from subgraphs.tasks.rules.tasks import Mode, Status
from subgraphs.tasks.store.words import Corrections, planned_for_its_values, tsquery

Task = models.Task
_columns = select(*columns_of(Task))
TABLE = inspect(Task).local_table
_due = TABLE.c.due_sort

# A cursor holds plain text; amounts of two currencies cannot be compared, so the currency comes first.
_currency = type_coerce(col(Task.currency), Text).label("currency_sort")
# Never null among published tasks.
_published: Label[datetime | None] = col(Task.published_at).label("published_at")
_id = col(Task.id)


class Sort(StrEnum):
    """How a list of published tasks is sorted."""

    NEWEST = "NEWEST"
    BUDGET_ASC = "BUDGET_ASC"
    BUDGET_DESC = "BUDGET_DESC"
    DUE = "DUE"
    RELEVANCE = "RELEVANCE"


ORDERS = {
    Sort.NEWEST: Order("tasks.newest", _published, _id, descending=True),
    Sort.BUDGET_ASC: Order("tasks.budget_asc", _currency, col(Task.budget_minor), _id),
    Sort.BUDGET_DESC: Order("tasks.budget_desc", _currency, col(Task.budget_minor), _id, descending=True),
    Sort.DUE: Order("tasks.due", _due, _id),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which published tasks to list; None leaves all but those of suspended people.

    Without alternatives `query` finds nothing.
    """

    query: Query | None = None
    category_ids: tuple[str, ...] | None = None
    """Sorted, since cursors of lists by relevance hold a checksum of the filter."""
    currency: CurrencyCode | None = None
    budget_min_minor: int | None = None
    budget_max_minor: int | None = None
    mode: Mode | None = None
    status: Status | None = None
    poster_id: str | None = None
    posted_after: datetime | None = None

    def conditions(self, corrected: Corrections | None = None, of: FromClause = TABLE) -> list[ColumnElement[bool]]:
        """What tasks meet; `of` is the table or a part of it."""
        conditions: list[ColumnElement[bool]] = [
            of.c.published_at.is_not(None),
            ~exists().where(col(models.Suspension.user_id) == of.c.poster_id, col(models.Suspension.is_suspended)),
        ]
        if self.status is not None:
            conditions.append(of.c.status == self.status)
        if self.query is not None:
            conditions.extend(self._matching(self.query, corrected or {}, of))
        if self.category_ids is not None:
            conditions.append(any_of(of.c.category_id, self.category_ids))
        if self.currency is not None:
            conditions.append(of.c.currency == self.currency)
        if self.budget_min_minor is not None:
            conditions.append(of.c.budget_minor >= self.budget_min_minor)
        if self.budget_max_minor is not None:
            conditions.append(of.c.budget_minor <= self.budget_max_minor)
        if self.mode is not None:
            conditions.append(of.c.mode == self.mode)
        if self.poster_id is not None:
            conditions.append(of.c.poster_id == self.poster_id)
        if self.posted_after is not None:
            conditions.append(of.c.published_at > self.posted_after)
        return conditions

    def _matching(self, query: Query, corrected: Corrections, of: FromClause) -> list[ColumnElement[bool]]:
        if not query.alternatives:
            return [false()]
        return [of.c.search.op("@@")(tsquery(query, corrected)), planned_for_its_values()]


async def list_tasks(database: Database, filter: Filter, window: Window) -> Page[models.Task]:
    """A page of the published tasks, in one of ORDERS; by relevance see there."""
    return await fetch_page(database, Task, _listed(filter), window)


# Most lists are asked for by few filters, and building the statement costs as much as completing its rows.
@lru_cache(maxsize=256)
def _listed(filter: Filter) -> Select[*tuple[Any, ...]]:
    return _columns.add_columns(_currency, _due).where(*filter.conditions())
