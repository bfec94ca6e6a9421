"""What other subgraphs' events do here."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.messaging.outbox import emit
from shared.privacy import erasure
from subgraphs.locations import models, store
from subgraphs.locations.actions import alerts
from subgraphs.locations.personal_data import HELD


async def copy_task(session: AsyncSession, task: events.TaskSnapshot) -> None:
    """Takes over what `tasks` says of a task, and puts it where its place is.

    Locks whether its poster is suspended, and the rows of both. A place that is not the poster's counts for nothing:
    whoever knows an id must not put their task there, nor be shown where it is. An event that comes again after newer
    ones changes nothing. A draft, which nobody but its poster may know of, is not taken over.
    """
    if task.published_at is None:
        return
    is_hidden = await store.people.lock_suspension(session, task.poster_id, shared=True)
    place = None
    if task.place_id is not None:
        place = await store.places.lock_place(session, task.place_id, shared=True)
        if place is not None and place.owner_id != task.poster_id:
            place = None
    before = await store.tasks.lock_task(session, task.id)
    mattered = await store.alerts.get_matter(session, task.id)
    was_at = before.place_id if before is not None else None
    copy = models.Task(
        id=task.id,
        poster_id=task.poster_id,
        tasker_id=task.tasker_id,
        place_id=task.place_id,
        title=task.title,
        category_id=task.category_id,
        budget_minor=task.budget.minor,
        currency=task.budget.currency,
        mode=task.mode,
        status=task.status,
        is_hidden=is_hidden,
        version=task.version,
        published_at=task.published_at,
        expires_at=task.expires_at,
        latitude=place.public_latitude if place is not None else None,
        longitude=place.public_longitude if place is not None else None,
    )
    if not await store.tasks.save_task(session, copy, task.description):
        return
    await alerts.follow(session, task.id, mattered)
    if task.place_id is not None and task.place_id != was_at:
        told = events.TaskGeocoded if place is not None else events.TaskGeocodeFailed
        await emit(session, told(task_id=task.id, place_id=task.place_id))


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left. Locks their places against tasks that are on their way, and their searches."""
    await store.places.lock_owner(session, person_id)
    await store.saved_searches.lock_owner(session, person_id)
    await erasure.erase(session, person_id, "locations", HELD)
