"""What becomes of open tasks that nobody got in time."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.transitions import By
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import Command, Status


async def expire_task(session: AsyncSession, task_id: str) -> None:
    """The deadline of an open task. Locks its row, unless somebody else has it at the moment."""
    task = await steps.lock_when_due(session, steps.EXPIRY, task_id)
    if task is None or task.status is not Status.OPEN or task.expires_at is None:
        return
    if task.expires_at > clock.now():
        await deadlines.schedule(session, steps.EXPIRY, task_id, task.expires_at)
        return
    await steps.step(session, task, Command.EXPIRE, By.TIMER)
    await steps.tell(session, task, events.TaskExpired(task=steps.snapshot(task)))
