"""What payments takes over of tasks from `tasks`."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import copies, events
from subgraphs.payments import models


async def copy_title(session: AsyncSession, task: events.TaskSnapshot, *, seq: int) -> None:
    """Takes over what a task is called."""
    title = models.TaskTitle(task_id=task.id, poster_id=task.poster_id, title=task.title, seq=seq)
    await copies.save_newer(session, title)
