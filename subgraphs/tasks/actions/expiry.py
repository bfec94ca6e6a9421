"""What becomes of open tasks that nobody got in time."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.outbox import emit
from subgraphs.tasks import store
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import Command, Status

_BUSY_RETRY = timedelta(seconds=1)


async def expire_task(session: AsyncSession, task_id: str) -> None:
    """The deadline of an open task. Locks its row, unless somebody else has it at the moment.

    Whoever changes a task locks its row first and its deadline after; this comes the other way round, so
    it must not wait.
    """
    task = await store.tasks.lock_task(session, task_id, skip_locked=True)
    if task is None:
        await deadlines.schedule(session, steps.EXPIRY, task_id, clock.now() + _BUSY_RETRY)
        return
    if task.status is not Status.OPEN or task.expires_at is None:
        return
    if task.expires_at > clock.now():
        await deadlines.schedule(session, steps.EXPIRY, task_id, task.expires_at)
        return
    steps.step(task, Command.EXPIRE)
    await emit(session, events.TaskExpired(task=steps.snapshot(task)))
