"""Lists of published tasks, and what they are listed by."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

import strawberry

from shared.errors import BadRequest, DomainError
from shared.graphql.ids import CategoryId, UserId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.scalars import DecimalText
from shared.graphql.schema import query
from shared.graphql.text import clean
from shared.graphql.types import register_enum
from shared.money import CurrencyCode, Money
from shared.text_search.query import MOST_TERMS, Query, parse
from subgraphs.tasks import store
from subgraphs.tasks.rules.search import MOST_CANDIDATES
from subgraphs.tasks.rules.tasks import Mode, Status
from subgraphs.tasks.schema.category import Category, categories
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.task import Task, connection_of
from subgraphs.tasks.store.search import Sort

_MAX_TEXT = 200
_MAX_CATEGORIES = 100


register_enum(
    Sort,
    name="TaskSort",
    description="How tasks are sorted. Amounts are compared within a currency: of several, one comes after the other.",
    values={
        Sort.NEWEST: "Last published first.",
        Sort.BUDGET_ASC: "Least budget first.",
        Sort.BUDGET_DESC: "Highest budget first.",
        Sort.DUE: "Soonest due first; without a due time last.",
        Sort.RELEVANCE: "What meets the filter's `text` best first, titles before descriptions, of the newest "
        f"{MOST_CANDIDATES:,} that meet it. A word that no title has also finds those that differ from it by a letter, "
        "or by two if it is long. What is published while one turns the pages is not in the list.",
    },
)


@strawberry.input(description="A range of budgets in one currency.")
class BudgetFilter:
    currency: CurrencyCode = strawberry.field(description="Only budgets in this currency.")
    min: DecimalText | None = strawberry.field(default=None, description="At least this amount.")
    max: DecimalText | None = strawberry.field(default=None, description="At most this amount.")

    def parse(self, bound: DecimalText | None) -> int | None:
        """A bound in minor units. Raises InvalidAmount."""
        return None if bound is None else Money.parse(bound, self.currency).minor


@strawberry.input(description="Which tasks to list; what is left out leaves all.")
class TaskFilter:
    text: str | None = strawberry.field(
        default=None,
        description="Words in title or description, at most 200 characters, as in a web search: "
        f'`"exact words"`, `or`, `-not this`; at most {MOST_TERMS} words and phrases.',
    )
    category_ids: list[CategoryId] | None = strawberry.field(
        default=None, description="At most 100 categories; one of the upper level means all below it."
    )
    budget: BudgetFilter | None = strawberry.field(default=None, description="What the poster thinks of paying.")
    mode: Mode | None = strawberry.field(default=None, description="Where the work is done.")
    status: Status | None = strawberry.field(
        default=Status.OPEN,
        description="Where the task stands; null, together with `posterId`, for any. Drafts are in `myTasks` only.",
    )
    poster_id: UserId | None = strawberry.field(default=None, description="Tasks of this person.")
    posted_after: datetime | None = strawberry.field(default=None, description="Published after this time.")

    def parse(self, known: Mapping[str, Category]) -> store.search.Filter:
        """What to ask the store for. Raises BadRequest."""
        if self.status is None and self.poster_id is None:
            # No index sorts all tasks there ever were.
            raise BadRequest("Name a status or a poster.")
        budget = self.budget
        with _bad_request():
            return store.search.Filter(
                query=self._query(),
                category_ids=_with_children(self.category_ids, known) if self.category_ids else None,
                currency=budget.currency if budget else None,
                budget_min_minor=budget.parse(budget.min) if budget else None,
                budget_max_minor=budget.parse(budget.max) if budget else None,
                mode=self.mode,
                status=self.status,
                poster_id=self.poster_id,
                posted_after=self.posted_after,
            )

    def _query(self) -> Query | None:
        text = clean(self.text, field=("text",), max_length=_MAX_TEXT) if self.text else ""
        return parse(text, field=("text",)) if text else None


@contextmanager
def _bad_request() -> Iterator[None]:
    """Turns what a mutation would answer as a user error into the error of a query."""
    try:
        yield
    except DomainError as error:
        raise BadRequest(error.message) from None


def _with_children(ids: Sequence[str], known: Mapping[str, Category]) -> tuple[str, ...]:
    """The categories with all below them; unknown ones stay, and no task has them."""
    if len(ids) > _MAX_CATEGORIES:
        raise BadRequest(f"At most {_MAX_CATEGORIES} categories.")
    found = frozenset(ids)
    return tuple(sorted(found | {child.id for each in found if each in known for child in known[each].children}))


@strawberry.type
class SearchQuery:
    @query(
        description="Tasks that were published, but for those of suspended people; open ones unless the filter says "
        "otherwise."
    )
    async def tasks(
        self,
        info: Info,
        filter: Annotated[TaskFilter | None, strawberry.argument(description="Which tasks.")] = None,
        sort: Annotated[Sort, strawberry.argument(description="In which order.")] = Sort.NEWEST,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Task] | None:
        database = info.context.database
        known = await categories.know(database)
        wanted = (filter or TaskFilter()).parse(known)
        if sort is not Sort.RELEVANCE:
            window = store.search.ORDERS[sort].window(first, after, last, before)
            return await connection_of(info, await store.search.list_tasks(database, wanted, window))
        if wanted.query is None:
            raise BadRequest("Name a `text` to sort by how well it is met.")
        window = store.relevance.order(wanted).window(first, after, last, before)
        return await connection_of(info, await store.relevance.list_relevant(database, wanted, wanted.query, window))
