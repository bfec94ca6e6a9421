"""SQL of saved searches."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.database.locks import lock
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.privacy.personal_data import table_of
from shared.text_search.query import Query
from shared.text_search.sql import tsquery
from subgraphs.locations import models

SavedSearch = models.SavedSearch
TABLE = table_of(SavedSearch)
NEWEST = Order("saved_searches.newest", col(SavedSearch.id), descending=True)
_columns = select(*columns_of(SavedSearch))


async def lock_owner(session: AsyncSession, owner_id: str) -> None:
    """Holds what is done with a person's searches until the transaction ends; a first one has no row to lock."""
    await lock(session, "saved searches", owner_id)


async def count_saved_searches(session: AsyncSession, owner_id: str) -> int:
    """How many searches a person has."""
    statement = select(func.count()).select_from(SavedSearch).where(col(SavedSearch.owner_id) == owner_id)
    return int(await session.scalar(statement) or 0)


async def read_words(session: AsyncSession, query: Query) -> str:
    """What of a query a text is looked up by, as PostgreSQL's `querytree` writes it."""
    return str(await session.scalar(select(func.querytree(tsquery(query)))))


async def add_saved_search(session: AsyncSession, search: models.SavedSearch, query: Query | None) -> None:
    """Writes a search; `query` is what its words say."""
    values = search.model_dump()
    values["query"] = tsquery(query) if query is not None else None
    await session.execute(insert(TABLE).values(**values))


async def get_saved_search(session: AsyncSession, search_id: str) -> models.SavedSearch | None:
    return await session.get(SavedSearch, search_id)


async def lock_saved_search(session: AsyncSession, search_id: str) -> models.SavedSearch | None:
    return await session.get(SavedSearch, search_id, with_for_update=True, populate_existing=True)


async def delete_saved_search(session: AsyncSession, search_id: str) -> None:
    """Deletes a search; hold its lock."""
    await session.execute(delete(SavedSearch).where(col(SavedSearch.id) == search_id))


async def load_saved_searches(database: Database, search_ids: Sequence[str]) -> Sequence[models.SavedSearch]:
    return await database.rows(SavedSearch, _columns.where(any_of(col(SavedSearch.id), search_ids)))


async def list_saved_searches_of(database: Database, owner_id: str, window: Window) -> Page[models.SavedSearch]:
    """The searches of one person."""
    return await fetch_page(database, SavedSearch, _columns.where(col(SavedSearch.owner_id) == owner_id), window)
