"""Giving tasks to taskers, once their price is held."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import deadlines, events
from shared.transitions import By
from subgraphs.tasks import models, store
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command


async def tell_funding_started(session: AsyncSession, escrow: events.EscrowSnapshot, seq: int) -> None:
    """A bid was accepted, and its price is being charged; `seq` is when. Locks the task's row."""
    task = await _lock_funded(session, escrow, seq)
    if task is not None and (task.status, Command.ASSIGN) in TRANSITIONS:
        told = events.TaskFundingStarted(task=steps.snapshot(task), bid_id=escrow.bid_id)
        await steps.tell(session, task, told, actor_id=task.poster_id)


async def tell_funding_failed(session: AsyncSession, escrow: events.EscrowSnapshot, reason: str, seq: int) -> None:
    """The price of an accepted bid did not come; `seq` is when. Locks the task's row."""
    task = await _lock_funded(session, escrow, seq)
    if task is not None:
        told = events.TaskFundingFailed(task=steps.snapshot(task), bid_id=escrow.bid_id, reason=reason)
        await steps.tell(session, task, told)


async def assign_task(session: AsyncSession, escrow: events.EscrowSnapshot) -> None:
    """Gives a task, whose price is held, to the tasker of the accepted bid; or tells that it cannot have it any more.

    Locks the task's row. A bid that has the task already changes nothing.
    """
    task = await _lock(session, escrow)
    if task.bid_id == escrow.bid_id:
        return
    if (task.status, Command.ASSIGN) not in TRANSITIONS:
        await steps.tell(
            session,
            task,
            events.TaskAssignmentRejected(
                task=steps.snapshot(task),
                bid_id=escrow.bid_id,
                bid_version=escrow.bid_version,
                tasker_id=escrow.tasker_id,
                reason=f"The task is {task.status.lower()} already.",
            ),
        )
        return
    await steps.step(session, task, Command.ASSIGN, By.EVENT)
    task.tasker_id, task.bid_id, task.price_minor = escrow.tasker_id, escrow.bid_id, escrow.amount.minor
    await deadlines.cancel(session, steps.EXPIRY, task.id)
    told = events.TaskAssigned(task=steps.snapshot(task), bid_id=escrow.bid_id)
    await steps.tell(session, task, told, actor_id=task.poster_id)


async def _lock(session: AsyncSession, escrow: events.EscrowSnapshot) -> models.Task:
    task = await store.tasks.lock_task(session, escrow.task_id)
    if task is None:
        raise LookupError("the money is for a task that does not exist")
    return task


async def _lock_funded(session: AsyncSession, escrow: events.EscrowSnapshot, seq: int) -> models.Task | None:
    """The task, locked; None if something newer is known of its funding: an acceptance may fail and another follow."""
    task = await _lock(session, escrow)
    if task.funding_seq is not None and task.funding_seq >= seq:
        return None
    task.funding_seq = seq
    return task
