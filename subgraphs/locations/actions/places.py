"""What can be done with places."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.geo import Point
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.locations import models, rules, store
from subgraphs.locations.rules.places import Precision


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a place before it is made. `public_point` is where others see it."""

    address: str | None
    locality: str | None
    country: str | None
    precision: Precision
    point: Point
    public_point: Point


async def place_for_others(session: AsyncSession, actor: Actor, point: Point) -> Point:
    """Where others see a place of the actor's that is at this point.

    Locks the actor's places. That they have been shown there stays, also if no place is made then.
    """
    await store.places.lock_owner(session, actor.id)
    known = await store.places.list_neighbourhoods(session, actor.id, rules.neighbourhoods.near(point))
    shown = rules.neighbourhoods.shown_in(point, known)
    if shown not in known:
        session.add(models.Neighbourhood(owner_id=actor.id, north=shown.north, east=shown.east))
    return rules.neighbourhoods.public_point(actor.id, shown)


async def create_place(session: AsyncSession, actor: Actor, described: Described) -> models.Place:
    """Makes a place. Locks the actor's places. Raises TooManyPlaces."""
    await store.places.lock_owner(session, actor.id)
    rules.places.check_count(await store.places.count_places(session, actor.id))
    place = models.Place(
        id=new_id("place"),
        owner_id=actor.id,
        address=described.address,
        locality=described.locality,
        country=described.country,
        precision=described.precision,
        latitude=described.point.latitude,
        longitude=described.point.longitude,
        public_latitude=described.public_point.latitude,
        public_longitude=described.public_point.longitude,
        created_at=clock.now(),
    )
    session.add(place)
    await emit(session, events.PlaceCreated(place_id=place.id, owner_id=place.owner_id))
    return place


async def delete_place(session: AsyncSession, actor: Actor, place_id: str) -> models.Place:
    """Deletes a place that no task needs; those that are over are nowhere then. Locks its row.

    Raises NotFound, PlaceInUse.
    """
    place = await store.places.lock_place(session, place_id)
    if place is None:
        raise NotFound("There is no such place.", field=("placeId",))
    rules.places.check_owner(actor, place.owner_id)
    rules.places.check_unused(await store.tasks.is_place_needed(session, place.id))
    await store.tasks.take_off_the_map(session, place.id)
    await store.places.delete_place(session, place.id)
    await emit(session, events.PlaceDeleted(place_id=place.id, owner_id=place.owner_id))
    return place
