"""SQL of places."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.database.locks import lock
from shared.graphql.pagination import Order, Page, Window, fetch_page
from shared.privacy.personal_data import table_of
from subgraphs.locations import models
from subgraphs.locations.rules.neighbourhoods import Neighbourhood

Place = models.Place

NEWEST = Order("places.newest", col(Place.id), descending=True)
_place_columns = select(*columns_of(Place))


async def lock_owner(session: AsyncSession, owner_id: str) -> None:
    """Holds what is done with a person's places until the transaction ends; a first one has no row to lock."""
    await lock(session, "places", owner_id)


async def list_neighbourhoods(
    session: AsyncSession, owner_id: str, among: Collection[Neighbourhood]
) -> Sequence[Neighbourhood]:
    """Those of these neighbourhoods in which a person has been shown, the first one first."""
    north, east = col(models.Neighbourhood.north), col(models.Neighbourhood.east)
    statement = (
        select(north, east)
        .where(
            col(models.Neighbourhood.owner_id) == owner_id,
            tuple_(north, east).in_([(each.north, each.east) for each in among]),
        )
        .order_by(table_of(models.Neighbourhood).c.number)
    )
    return [Neighbourhood(*row) for row in await session.execute(statement)]


async def count_places(session: AsyncSession, owner_id: str) -> int:
    """How many places a person has."""
    statement = select(func.count()).select_from(Place).where(col(Place.owner_id) == owner_id)
    return int(await session.scalar(statement) or 0)


async def get_place(session: AsyncSession, place_id: str) -> models.Place | None:
    return await session.get(Place, place_id)


async def lock_place(session: AsyncSession, place_id: str, *, shared: bool = False) -> models.Place | None:
    """A place, locked: `shared` against its deletion, otherwise against everything."""
    return await session.get(Place, place_id, with_for_update={"read": shared}, populate_existing=True)


async def delete_place(session: AsyncSession, place_id: str) -> None:
    """Deletes a place; hold its lock."""
    await session.execute(delete(Place).where(col(Place.id) == place_id))


async def load_places(database: Database, place_ids: Sequence[str]) -> Sequence[models.Place]:
    return await database.rows(Place, _place_columns.where(any_of(col(Place.id), place_ids)))


async def list_places_of(database: Database, owner_id: str, window: Window) -> Page[models.Place]:
    """The places of one person."""
    return await fetch_page(database, Place, _place_columns.where(col(Place.owner_id) == owner_id), window)
