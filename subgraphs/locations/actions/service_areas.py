"""What can be done with service areas."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import collected
from shared.geo import Entered
from shared.identity.actor import Actor
from shared.messaging.outbox import emit
from subgraphs.locations import models, rules, store
from subgraphs.locations.actions.places import place_for_others
from subgraphs.locations.rules.service_areas import Circle, Polygon

_WHEN = {"updated_at"}


async def set_service_area(
    session: AsyncSession,
    actor: Actor,
    *,
    center: Entered | None,
    radius_meters: float | None,
    corners: Sequence[Entered] | None,
    category_ids: Sequence[str],
) -> models.ServiceArea:
    """Sets where the actor works, in place of what they set before; the same once more changes nothing.

    Locks the actor's places: for others the centre is shown as those are, and a polygon around it. Raises RoleRequired;
    then together what is InvalidInput.
    """
    rules.service_areas.check_tasker(actor)
    with collected() as check:
        area = check(rules.service_areas.area_of, center, radius_meters, corners)
        categories = check(rules.saved_searches.read_categories, category_ids)
    public = await place_for_others(session, actor, area.center)
    polygon = area if isinstance(area, Polygon) else None
    wanted = models.ServiceArea(
        tasker_id=actor.id,
        latitude=area.center.latitude,
        longitude=area.center.longitude,
        radius_meters=area.radius_meters if isinstance(area, Circle) else None,
        outline=rules.service_areas.geojson_of(polygon) if polygon is not None else None,
        public_latitude=public.latitude,
        public_longitude=public.longitude,
        public_outline=rules.service_areas.geojson_of(polygon.around(public)) if polygon is not None else None,
        category_ids=categories,
        updated_at=clock.now(),
    )
    known = await store.service_areas.lock_service_area(session, actor.id)
    if known is not None and known.model_dump(exclude=_WHEN) == wanted.model_dump(exclude=_WHEN):
        return known
    await store.service_areas.save_service_area(session, wanted)
    await emit(session, events.ServiceAreaChanged(user_id=actor.id, is_set=True))
    return wanted


async def remove_service_area(session: AsyncSession, actor: Actor) -> models.ServiceArea:
    """Removes the actor's area. Locks its row. Raises NotFound."""
    area = await forget_service_area(session, actor.id)
    if area is None:
        raise rules.service_areas.no_service_area()
    return area


async def forget_service_area(session: AsyncSession, tasker_id: str) -> models.ServiceArea | None:
    """Removes the area of somebody, such as of who is no tasker any more, if they have one. Locks its row."""
    area = await store.service_areas.lock_service_area(session, tasker_id)
    if area is not None:
        await store.service_areas.delete_service_area(session, tasker_id)
        await emit(session, events.ServiceAreaChanged(user_id=tasker_id, is_set=False))
    return area
