"""What users' events about people do here."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies
from subgraphs.locations import models, store
from subgraphs.locations.actions import alerts


async def copy_block(session: AsyncSession, blocker_id: str, blocked_id: str, *, is_blocked: bool, seq: int) -> None:
    """Takes over that a user blocked another one, or does so no more."""
    block = models.Block(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=is_blocked, seq=seq)
    await copies.save_newer(session, block)


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more. Locks that, and the rows of their tasks.

    Their open tasks leave lists and the map with the suspension and come back with its end; whoever looks for one and
    was not told of it is told then.
    """
    await store.people.lock_suspension(session, user_id)
    suspension = models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq)
    if not await copies.save_newer(session, suspension):
        return
    for task_id in await store.tasks.hide_tasks_of(session, user_id, is_hidden=is_suspended):
        if not is_suspended:
            await alerts.look_for_searches(session, task_id)
