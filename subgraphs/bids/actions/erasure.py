"""Erasing somebody who left."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import deadlines, events
from shared.messaging.outbox import emit
from shared.privacy import erasure
from shared.transitions import By
from subgraphs.bids import store
from subgraphs.bids.actions import steps
from subgraphs.bids.personal_data import HELD
from subgraphs.bids.rules.bids import Command, Status


async def forget_person(session: AsyncSession, person_id: str) -> None:
    """Erases somebody who left, and takes their pending bids back. Locks the rows of those and of their tasks."""
    pending = await store.list_pending_bids_of(session, person_id)
    for found in pending:
        await store.lock_task(session, found.task_id, shared=True)
    await erasure.erase(session, person_id, "bids", HELD)
    for found in pending:
        bid = await store.lock_bid(session, found.id)
        if bid is None or bid.status is not Status.PENDING:
            continue
        await steps.step(session, bid, Command.WITHDRAW, By.EVENT)
        await deadlines.cancel(session, steps.EXPIRY, bid.id)
        await emit(session, events.BidWithdrawn(bid=steps.snapshot(bid)))
