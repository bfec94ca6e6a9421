"""SQL of places."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.database.locks import lock
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.locations import models

Place = models.Place
Displacement = models.Displacement

NEWEST = Order("places.newest", col(Place.id), descending=True)
_place_columns = select(*columns_of(Place))


async def lock_owner(session: AsyncSession, owner_id: str) -> None:
    """Holds what is done with a person's places until the transaction ends; a first one has no row to lock."""
    await lock(session, "places", owner_id)


async def list_displacements(
    session: AsyncSession, owner_id: str, latitudes: tuple[float, float]
) -> Sequence[models.Displacement]:
    """How places of an owner between two latitudes are moved."""
    statement = select(Displacement).where(
        col(Displacement.owner_id) == owner_id, col(Displacement.latitude).between(*latitudes)
    )
    return (await session.scalars(statement)).all()


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
