"""Forgetting people who left."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import deadlines, erasure, events
from shared.outbox import emit
from subgraphs.tasks import store
from subgraphs.tasks.actions import steps
from subgraphs.tasks.personal_data import HELD
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left, and calls off what nobody can go on with now. Locks the rows of their tasks."""
    await store.tasks.lock_tasks_of(session, person_id)
    await erasure.erase(session, person_id, "tasks", HELD)
    for task in await store.tasks.lock_tasks_of(session, person_id):
        if (task.status, Command.CANCEL) in TRANSITIONS:
            steps.step(task, Command.CANCEL)
            reason = "The poster has left." if task.poster_id == person_id else "The tasker has left."
            await deadlines.cancel(session, steps.EXPIRY, task.id)
            await emit(session, events.TaskCancelled(task=steps.snapshot(task), reason=reason, by="SYSTEM"))
