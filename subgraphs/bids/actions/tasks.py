"""What is taken over of tasks."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import events
from shared.transitions import By
from subgraphs.bids import models, rules, store
from subgraphs.bids.actions import steps


async def copy_task(session: AsyncSession, task: events.TaskSnapshot) -> models.Task | None:
    """Takes over what `tasks` says of a task, and answers with what is known then. Locks the task's row.

    An event that comes again after newer ones (a replayed dead letter) changes nothing. None for a draft,
    which nobody but its poster may know of.
    """
    if task.published_at is None:
        return None
    await store.save_task(
        session,
        models.Task(
            id=task.id,
            poster_id=task.poster_id,
            title=task.title,
            category_id=task.category_id,
            status=task.status,
            currency=task.budget.currency,
            expires_at=task.expires_at,
            version=task.version,
        ),
    )
    return await store.lock_task(session, task.id)


async def close_bids(session: AsyncSession, task: events.TaskSnapshot, reason: str) -> None:
    """The task takes no bids any more: ends the pending ones, unless it has been opened again since."""
    known = await copy_task(session, task)
    if known is None or known.status == rules.bids.TASK_OPEN:
        return
    for bid in await store.lock_pending_bids(session, task.id):
        await steps.expire(session, bid, reason, By.EVENT)
