"""Doing the work, and approving it."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.identity.actor import Actor
from shared.transitions import By, is_repeat
from subgraphs.tasks import models, rules
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import Command


async def start_task(session: AsyncSession, actor: Actor, task_id: str, expected_version: int | None) -> models.Task:
    """The tasker begins. Locks the task's row. Raises NotFound, NotAllowed, VersionConflict, InvalidTransition."""
    task, _ = await steps.lock_as_party(session, actor, task_id, Command.START)
    if is_repeat(task, By.TASKER, Command.START):
        return task
    steps.check_version(task, expected_version)
    await steps.step(session, task, Command.START, By.TASKER)
    task.started_at = task.updated_at
    await steps.tell(session, task, events.TaskStarted(task=steps.snapshot(task)), actor_id=actor.id)
    return task


async def submit_delivery(
    session: AsyncSession, actor: Actor, task_id: str, expected_version: int | None, message: str
) -> models.Task:
    """The tasker says that the work is done; from now on the poster has 14 days for an answer. Locks the task's row.

    Raises NotFound, NotAllowed, VersionConflict, InvalidTransition, InvalidInput.
    """
    task, _ = await steps.lock_as_party(session, actor, task_id, Command.DELIVER)
    if is_repeat(task, By.TASKER, Command.DELIVER):
        return task
    steps.check_version(task, expected_version)
    await steps.step(session, task, Command.DELIVER, By.TASKER)
    message = rules.tasks.clean_message(message)
    task.delivered_at = task.updated_at
    await deadlines.schedule(session, steps.APPROVAL, task.id, task.delivered_at + rules.tasks.APPROVAL_PERIOD)
    told = events.TaskDelivered(
        task=steps.snapshot(task),
        message=message,
        approval_due_at=rules.tasks.approval_due_at(task.status, task.delivered_at),
    )
    await steps.tell(session, task, told, actor_id=actor.id, message=message)
    return task


async def request_changes(
    session: AsyncSession, actor: Actor, task_id: str, expected_version: int | None, message: str
) -> models.Task:
    """The poster sends a delivery back. Locks the task's row.

    Raises NotFound, NotAllowed, VersionConflict, InvalidTransition, InvalidInput.
    """
    task, _ = await steps.lock_as_party(session, actor, task_id, Command.REQUEST_CHANGES)
    if is_repeat(task, By.POSTER, Command.REQUEST_CHANGES):
        return task
    steps.check_version(task, expected_version)
    await steps.step(session, task, Command.REQUEST_CHANGES, By.POSTER)
    message = rules.tasks.clean_message(message)
    task.delivered_at = None
    await deadlines.cancel(session, steps.APPROVAL, task.id)
    told = events.TaskChangesRequested(task=steps.snapshot(task), message=message)
    await steps.tell(session, task, told, actor_id=actor.id, message=message)
    return task


async def approve_delivery(session: AsyncSession, actor: Actor, task_id: str, expected_version: int) -> models.Task:
    """The poster is content: the task is completed. Locks its row.

    Raises NotFound, NotAllowed, VersionConflict, InvalidTransition.
    """
    task, _ = await steps.lock_as_party(session, actor, task_id, Command.APPROVE)
    if is_repeat(task, By.POSTER, Command.APPROVE):
        return task
    steps.check_version(task, expected_version)
    await _complete(session, task, By.POSTER)
    return task


async def approve_unanswered(session: AsyncSession, task_id: str) -> None:
    """The deadline of a delivery. Locks the task's row, unless somebody else has it at the moment."""
    task = await steps.lock_when_due(session, steps.APPROVAL, task_id)
    if task is None:
        return
    due_at = rules.tasks.approval_due_at(task.status, task.delivered_at)
    if due_at is None:
        return
    if due_at > clock.now():
        await deadlines.schedule(session, steps.APPROVAL, task_id, due_at)
        return
    await _complete(session, task, By.TIMER)


async def _complete(session: AsyncSession, task: models.Task, by: By) -> None:
    await steps.step(session, task, Command.APPROVE, by)
    task.completed_at = task.updated_at
    await deadlines.cancel(session, steps.APPROVAL, task.id)
    is_poster = by is By.POSTER
    told = events.TaskCompleted(task=steps.snapshot(task), by="POSTER" if is_poster else "TIMER")
    await steps.tell(session, task, told, actor_id=task.poster_id if is_poster else None)
