"""Forgetting people who left."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared.privacy import erasure
from shared.transitions import By
from subgraphs.tasks import store
from subgraphs.tasks.actions import attachments, cancellation
from subgraphs.tasks.personal_data import HELD
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Party


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left, and calls off what nobody can go on with now. Locks the rows of their tasks."""
    await store.tasks.lock_tasks_of(session, person_id)
    await attachments.discard_all_of(session, person_id)
    await erasure.erase(session, person_id, "tasks", HELD)
    for task in await store.tasks.lock_tasks_of(session, person_id):
        if (task.status, Command.CANCEL) in TRANSITIONS:
            left = Party.POSTER if task.poster_id == person_id else Party.TASKER
            reason = "The poster has left." if left is Party.POSTER else "The tasker has left."
            await cancellation.end(session, task, Command.CANCEL, By.EVENT, reason, left)
