"""Categories in the graph."""

from collections.abc import Mapping, Sequence
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.entities import Node, entity
from shared.graphql.limits import list_size
from shared.graphql.schema import query
from subgraphs.tasks import models
from subgraphs.tasks.loaders import Categories
from subgraphs.tasks.schema.info import Info


@entity(description="A kind of work. Two levels; tasks belong to the lower one.")
class Category(Node):
    id: ID = strawberry.field(description="The category's id; it never changes.")
    slug: str = strawberry.field(description="A name for addresses, such as `home-cleaning`; it never changes.")
    name: str = strawberry.field(description="The name in English.")
    name_th: str = strawberry.field(description="The name in Thai.")
    parent: "Category | None" = strawberry.field(description="The upper category; null for one itself.")
    children: list["Category"] = strawberry.federation.field(
        description="The categories below, in the order to show; empty for a lower one.",
        directives=[list_size(assumed_size=6)],
    )

    @classmethod
    def tree(cls, rows: Sequence[models.Category]) -> Mapping[str, Self]:
        """All categories by id, parents and children linked."""
        by_id = {
            row.id: cls(id=ID(row.id), slug=row.slug, name=row.name, name_th=row.name_th, parent=None, children=[])
            for row in rows
        }
        for row in rows:
            if row.parent_id is not None:
                by_id[row.id].parent = by_id[row.parent_id]
                by_id[row.parent_id].children.append(by_id[row.id])
        return by_id

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Category | None"]:
        known = await categories.know(info.context.database, ids)
        return [known.get(each) for each in ids]


categories = Categories(Category.tree)


@strawberry.type
class CategoryQuery:
    @query(
        description="The categories of the upper level, in the order to show.", directives=[list_size(assumed_size=15)]
    )
    async def categories(self, info: Info) -> list[Category] | None:
        known = await categories.know(info.context.database)
        return [category for category in known.values() if category.parent is None]
