"""The end of a bid that nobody decided on."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines
from shared.transitions import By
from subgraphs.bids import store
from subgraphs.bids.actions import steps
from subgraphs.bids.rules.bids import Status


async def expire_bid(session: AsyncSession, bid_id: str) -> None:
    """The deadline of a bid: ends it if it is still pending and its time has come."""
    bid = await store.get_bid(session, bid_id)
    if bid is None:
        return
    await store.lock_task(session, bid.task_id, shared=True)
    locked = await store.lock_bid(session, bid_id)
    if locked is None or locked.status is not Status.PENDING:
        return
    if locked.expires_at > clock.now():
        await deadlines.schedule(session, steps.EXPIRY, bid_id, locked.expires_at)
        return
    await steps.expire(session, locked, "Nobody decided on it in time.", By.TIMER)
