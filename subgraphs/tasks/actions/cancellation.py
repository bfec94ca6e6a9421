"""Calling tasks off."""

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from shared import deadlines, events
from shared.identity.actor import Actor
from shared.transitions import By, is_repeat, next_status
from subgraphs.tasks import models, rules
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Party


async def cancel_task(session: AsyncSession, actor: Actor, task_id: str, reason: str) -> models.Task:
    """Calls a task off before its work begins: its poster, or the tasker who has it. Locks its row.

    Raises NotFound, NotAllowed, RoleRequired, InvalidTransition, InvalidInput.
    """
    task, party = await steps.lock_as_party(session, actor, task_id, Command.CANCEL)
    by = rules.tasks.by(party)
    if is_repeat(task, by, Command.CANCEL):
        return task
    # Before the reason, which is told to be wrong only where one is wanted.
    next_status(TRANSITIONS, task.status, Command.CANCEL, by)
    await end(session, task, Command.CANCEL, by, rules.tasks.clean_reason(reason), party)
    return task


async def end(session: AsyncSession, task: models.Task, command: Command, by: By, reason: str, party: Party) -> None:
    """Ends a task without its work; hold its lock. `party` is on whose account, `by` who takes the step.

    Raises InvalidTransition.
    """
    before = task.status
    await steps.step(session, task, command, by)
    fault = rules.cancellation.fault(before, party)
    task.cancelled_reason = reason
    teller: Literal["POSTER", "TASKER", "SYSTEM"] = "SYSTEM"
    if by is not By.EVENT:
        task.cancelled_by_id = task.poster_id if party is Party.POSTER else task.tasker_id
        teller = party.value
    await deadlines.cancel(session, steps.EXPIRY, task.id)
    await deadlines.cancel(session, steps.APPROVAL, task.id)
    told = events.TaskCancelled(
        task=steps.snapshot(task),
        reason=reason,
        by=teller,
        fault=fault.value,
        unanswered=by is By.TIMER,
        poster_owes_percent=rules.cancellation.poster_owes_percent(before, fault),
    )
    await steps.tell(session, task, told, actor_id=task.cancelled_by_id)
