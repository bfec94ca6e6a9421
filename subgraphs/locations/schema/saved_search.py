"""Saved searches: what their owners want to hear of."""

from collections.abc import Sequence
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.ids import CategoryId, SavedSearchId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation, query
from shared.graphql.types import Money, MoneyInput, Point, PointInput, UserError, register_enum
from shared.identity.actor import MARKETPLACE
from shared.money import Money as Amount
from shared.text_search.query import MOST_TERMS
from subgraphs.locations import actions, models, store
from subgraphs.locations.rules.saved_searches import Mode
from subgraphs.locations.schema.info import Info

_QUOTAS = [
    Quota("saved searches", "saved_searches_per_address"),
    Quota("saved searches account", "saved_searches_per_account", by_actor),
]

register_enum(
    Mode,
    name="TaskMode",
    description="Where the work is done.",
    values={Mode.ONSITE: "At a place.", Mode.REMOTE: "From anywhere."},
)


@entity(
    description="What its owner wants to hear of: tasks that have all of it are told to them once, when they open. "
    "For its owner alone."
)
class SavedSearch(Node):
    id: ID = strawberry.field(description="The saved search's id.")
    name: str = strawberry.field(description="What its owner calls it.")
    center: Point | None = strawberry.field(description="The middle of the area; null for everywhere.")
    radius_meters: float | None = strawberry.field(
        description="How far from `center` the task's `publicPoint` is at most; null for everywhere."
    )
    words: str | None = strawberry.field(description="What title and description are searched for; null for any text.")
    category_ids: list[ID] = strawberry.field(description="The task is in one of these categories; empty for all.")
    mode: Mode | None = strawberry.field(
        description="Where the work is done. Null for both; with an area then only at places."
    )
    min_budget: Money | None = strawberry.field(description="The least budget, in its currency; null for any.")

    @classmethod
    def of(cls, row: models.SavedSearch) -> Self:
        has_area = row.latitude is not None and row.longitude is not None
        return cls(
            id=ID(row.id),
            name=row.name,
            center=Point(latitude=row.latitude or 0.0, longitude=row.longitude or 0.0) if has_area else None,
            radius_meters=row.radius_meters,
            words=row.words,
            category_ids=[ID(each) for each in row.category_ids],
            mode=row.mode,
            min_budget=Money.of(Amount(row.budget_minor, row.currency))
            if row.budget_minor is not None and row.currency is not None
            else None,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["SavedSearch | None"]:
        rows = await info.context.loaders.saved_search_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.owner_id) else None for row in rows]


@strawberry.input(description="What to hear of; a task must have all that is said, and at least one thing must be.")
class CreateSavedSearchInput:
    name: str = strawberry.field(description="1 to 60 characters in one line.")
    center: PointInput | None = strawberry.field(
        default=None, description="The middle of an area; takes a `radiusMeters`."
    )
    radius_meters: float | None = strawberry.field(
        default=None, description="How far from `center` at most: above 0, up to 200,000."
    )
    words: str | None = strawberry.field(
        default=None,
        description='At most 200 characters, as in a search box: all of these, "a phrase", one or another, -without; '
        f"at most {MOST_TERMS} words and phrases.",
    )
    category_ids: list[CategoryId] | None = strawberry.field(
        default=None, description="Any of at most 20 categories of the lower level."
    )
    mode: Mode | None = strawberry.field(default=None, description="Where the work is done.")
    min_budget: MoneyInput | None = strawberry.field(
        default=None, description="Only tasks in this currency with at least this budget."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="A saved search to delete.")
class DeleteSavedSearchInput:
    saved_search_id: SavedSearchId = strawberry.field(description="One of one's own.")


@strawberry.type(description="The outcome of `createSavedSearch`.")
class CreateSavedSearchPayload:
    saved_search: SavedSearch | None = strawberry.field(
        default=None, description="The saved search; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `deleteSavedSearch`.")
class DeleteSavedSearchPayload:
    saved_search: SavedSearch | None = strawberry.field(
        default=None, description="The saved search that is no more; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class SavedSearchQuery:
    @query(description="The caller's own saved searches, newest first.", scope=MARKETPLACE)
    async def my_saved_searches(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[SavedSearch] | None:
        window = store.saved_searches.NEWEST.window(first, after, last, before)
        page = await store.saved_searches.list_saved_searches_of(
            info.context.database, info.context.require_actor().id, window
        )
        return Connection.of(page, SavedSearch.of)


@strawberry.type
class SavedSearchMutation:
    @mutation(
        description="Has the caller told of tasks of a kind, wherever or around a point, from now on, each once: when "
        "it is published or posted again, or changed so that it fits. At most 50 a person.",
        quotas=_QUOTAS,
    )
    async def create_saved_search(self, info: Info, input: CreateSavedSearchInput) -> CreateSavedSearchPayload:
        row = await act_once(
            info,
            input,
            store.saved_searches.get_saved_search,
            actions.saved_searches.create_saved_search,
            name=input.name,
            center=input.center,
            radius_meters=input.radius_meters,
            words=input.words,
            category_ids=input.category_ids or (),
            mode=input.mode,
            min_budget=input.min_budget,
        )
        return CreateSavedSearchPayload(saved_search=SavedSearch.of(row))

    @mutation(description="Deletes one's own saved search; nothing that it found is told from now on.")
    async def delete_saved_search(self, info: Info, input: DeleteSavedSearchInput) -> DeleteSavedSearchPayload:
        row = await act(info, actions.saved_searches.delete_saved_search, input.saved_search_id)
        return DeleteSavedSearchPayload(saved_search=SavedSearch.of(row))
