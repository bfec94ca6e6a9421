"""Giving tasks to taskers."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import deadlines, events
from shared.transitions import By
from subgraphs.tasks import store
from subgraphs.tasks.actions import steps
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command


async def assign_task(session: AsyncSession, bid: events.BidSnapshot) -> None:
    """Gives a task to the tasker of an accepted bid, or tells that it cannot have it any more.

    Locks the task's row. A bid that has the task already changes nothing.
    """
    task = await store.tasks.lock_task(session, bid.task_id)
    if task is None:
        raise LookupError("an accepted bid names a task that does not exist")
    if task.bid_id == bid.id:
        return
    if (task.status, Command.ASSIGN) not in TRANSITIONS:
        await steps.tell(
            session,
            task,
            events.TaskAssignmentRejected(
                task=steps.snapshot(task),
                bid_id=bid.id,
                tasker_id=bid.tasker_id,
                reason=f"The task is {task.status.lower()} already.",
            ),
        )
        return
    await steps.step(session, task, Command.ASSIGN, By.EVENT)
    task.tasker_id, task.bid_id, task.price_minor = bid.tasker_id, bid.id, bid.amount.minor
    await deadlines.cancel(session, steps.EXPIRY, task.id)
    told = events.TaskAssigned(task=steps.snapshot(task), bid_id=bid.id)
    await steps.tell(session, task, told, actor_id=task.poster_id)
