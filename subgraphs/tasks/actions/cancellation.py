"""Calling tasks off."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import deadlines, events
from shared.actor import Actor
from shared.graphql.text import clean
from shared.outbox import emit
from subgraphs.tasks import models, rules
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import Command


async def cancel_task(session: AsyncSession, actor: Actor, task_id: str, reason: str) -> models.Task:
    """Calls a task off before its work begins. Locks its row.

    Raises NotFound, NotAllowed, RoleRequired, InvalidInput, InvalidTransition.
    """
    least, most = rules.tasks.REASON_LENGTH
    reason = clean(reason, field=("reason",), min_length=least, max_length=most, multiline=True)
    task = await steps.lock_own(session, actor, task_id)
    steps.step(task, Command.CANCEL)
    task.cancelled_reason = reason
    await deadlines.cancel(session, steps.EXPIRY, task.id)
    await emit(session, events.TaskCancelled(task=steps.snapshot(task), reason=reason, by="POSTER"))
    return task
