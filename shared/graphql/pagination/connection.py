"""Connections and edges as the graph shows them, and the arguments of a list."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import strawberry
from strawberry.federation.schema_directives import Cost

from shared.graphql.limits import list_size
from shared.graphql.pagination.window import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page
from shared.graphql.types import PageInfo

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
