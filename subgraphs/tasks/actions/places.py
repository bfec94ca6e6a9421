"""What locations' events about places do here, and what they are for."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies
from shared.errors import NotFound
from subgraphs.tasks import models, store


async def copy_place(session: AsyncSession, place_id: str, owner_id: str, *, is_deleted: bool, seq: int) -> None:
    """Takes over whose a place is, or that it is no more. Tasks that are there stay; where, locations knows."""
    await copies.save_newer(session, models.Place(id=place_id, owner_id=owner_id, is_deleted=is_deleted, seq=seq))


async def check_own(session: AsyncSession, owner_id: str, place_id: str) -> None:
    """Raises NotFound unless the place is somebody's own; NotCopied while it may not have come yet."""
    place = await store.places.get_place(session, place_id)
    if place is None:
        raise copies.NotCopied("There is no such place of yours.", models.Place, place_id, field=("placeId",))
    if place.is_deleted or place.owner_id != owner_id:
        raise NotFound("There is no such place of yours.", field=("placeId",))
