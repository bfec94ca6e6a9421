"""Open tasks around a point."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID
from strawberry.federation.schema_directives import Cost

from shared.errors import BadRequest, DomainError
from shared.graphql.ids import CategoryId
from shared.graphql.limits import list_size
from shared.graphql.pagination import After, Before, First, Last, Page
from shared.graphql.scalars import DecimalText
from shared.graphql.schema import query
from shared.graphql.types import PageInfo, PointInput
from shared.money import CurrencyCode, Money
from subgraphs.locations import rules, store
from subgraphs.locations.schema.info import Info
from subgraphs.locations.schema.points import parse_point
from subgraphs.locations.schema.task import Task
from subgraphs.locations.store.nearby import Filter, Near

_MOST_CATEGORIES = 100


@strawberry.input(description="Which nearby tasks to list; what is left out leaves all.")
class NearbyTaskFilter:
    category_ids: list[CategoryId] | None = strawberry.field(
        default=None, description="At most 100 categories of the lower level."
    )
    currency: CurrencyCode | None = strawberry.field(default=None, description="Only budgets in this currency.")
    budget_min: DecimalText | None = strawberry.field(
        default=None, description="Budgets of at least this; takes a `currency`."
    )
    budget_max: DecimalText | None = strawberry.field(
        default=None, description="Budgets of at most this; takes a `currency`."
    )
    posted_after: datetime | None = strawberry.field(default=None, description="Published after this time.")

    def parse(self) -> Filter:
        """What to ask the store for. Raises BadRequest."""
        ids = self.category_ids
        if ids is not None and len(ids) > _MOST_CATEGORIES:
            raise BadRequest(f"At most {_MOST_CATEGORIES} categories.")
        return Filter(
            category_ids=tuple(sorted(set(ids))) if ids else None,
            currency=self.currency,
            budget_min_minor=self._minor(self.budget_min),
            budget_max_minor=self._minor(self.budget_max),
            posted_after=self.posted_after,
        )

    def _minor(self, amount: DecimalText | None) -> int | None:
        if amount is None:
            return None
        if self.currency is None:
            raise BadRequest("Name the currency of the budget.")
        try:
            return Money.parse(amount, self.currency).minor
        except DomainError as error:
            raise BadRequest(error.message) from None


@strawberry.type(description="A nearby task with its place in the list.")
class NearbyTaskEdge:
    node: Task | None = strawberry.field(description="The task; null once it can no longer be seen.")
    distance_meters: float = strawberry.field(description="How far the task's `publicPoint` is from the centre.")
    cursor: str = strawberry.field(description="The task's place, for `after` and `before` of the same question.")


@strawberry.type(description="A page of nearby tasks, nearest first.")
class NearbyTaskConnection:
    page: strawberry.Private[Page[Near]]

    @classmethod
    def of(cls, page: Page[Near]) -> Self:
        return cls(page=page)

    @strawberry.field(description="The tasks of the page with distances and cursors.")
    def edges(self) -> list[NearbyTaskEdge]:
        return [
            NearbyTaskEdge(
                node=Task(id=ID(row.id)), distance_meters=row.distance_meters, cursor=self.page.order.cursor(row)
            )
            for row in self.page.rows
        ]

    @strawberry.field(description="The tasks of the page; null in the place of one that can no longer be seen.")
    def nodes(self) -> list[Task | None]:
        return [Task(id=ID(row.id)) for row in self.page.rows]

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
        description="How many there are within the radius; counted only when asked for.", directives=[Cost(weight=50)]
    )
    async def total_count(self) -> int:
        return await self.page.count()


@strawberry.type
class NearbyQuery:
    @query(
        description="Open tasks around a point, nearest first, by their public points.",
        directives=[
            list_size(
                slicing_arguments=["first", "last"], sized_fields=["nodes", "edges"], require_one_slicing_argument=False
            )
        ],
    )
    async def nearby_tasks(
        self,
        info: Info,
        center: Annotated[PointInput, strawberry.argument(description="The middle.")],
        radius_meters: Annotated[float, strawberry.argument(description="How far at most: above 0, up to 200,000.")],
        filter: Annotated[NearbyTaskFilter | None, strawberry.argument(description="Which tasks.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> NearbyTaskConnection | None:
        middle = parse_point(center, "center")
        rules.nearby.check_radius(radius_meters)
        wanted = (filter or NearbyTaskFilter()).parse()
        window = store.nearby.order(middle, radius_meters, wanted).window(first, after, last, before)
        return NearbyTaskConnection.of(
            await store.nearby.list_nearby(info.context.database, middle, radius_meters, wanted, window)
        )
