"""Choosing a bid, and what becomes of the choice."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, deadlines, events
from shared.identity.actor import Actor
from shared.messaging.outbox import emit
from shared.transitions import By, is_repeat
from subgraphs.bids import models, rules, store
from subgraphs.bids.actions import steps
from subgraphs.bids.actions.tasks import copy_task
from subgraphs.bids.rules.bids import Command, DeclineReason, Status

NOT_PAID = "The price was not paid."
CLOSED = "The task takes no bids any more."


async def accept_bid(
    session: AsyncSession, actor: Actor, bid_id: str, expected_version: int, payment_method_id: str | None
) -> models.Bid:
    """Chooses a bid at its amount, to be paid with a card of the poster's; None is their default one.

    An open offer of either side ends. Locks the task's row, so that of many acceptances at once one wins.

    Raises NotFound, NotAllowed, TaskNotOpen, TaskAlreadyTaken, VersionConflict, InvalidTransition,
    AccountSuspended, CounterpartSuspended, InteractionBlocked.
    """
    task, bid = await steps.lock(session, actor, bid_id, decide=True)
    rules.bids.check_poster_of(actor, bid.poster_id)
    if is_repeat(bid, By.POSTER, Command.ACCEPT):
        return bid
    is_taken = await store.get_winner(session, task.id) is not None
    rules.bids.check_free(rules.bids.Deal(task.id, task.status, task.expires_at, is_taken), clock.now())
    steps.check_version(bid, expected_version)
    await steps.step(session, bid, Command.ACCEPT, By.POSTER)
    rules.bids.check_not_over(bid.expires_at, bid.updated_at)
    await steps.check_may_deal(session, bid.poster_id, bid.tasker_id, field="bidId")
    await deadlines.cancel(session, steps.EXPIRY, bid.id)
    told = events.BidAccepted(
        bid=steps.snapshot(bid), category_id=task.category_id, payment_method_id=payment_method_id
    )
    await emit(session, told)
    return bid


async def award_bid(session: AsyncSession, task: events.TaskSnapshot, bid_id: str) -> None:
    """The task went to this bid's tasker: awards the bid, declines the others."""
    await copy_task(session, task)
    bid = await store.lock_bid(session, bid_id)
    if bid is None or bid.status is not Status.ACCEPTED:
        return
    await steps.step(session, bid, Command.AWARD, By.EVENT)
    await emit(session, events.BidAwarded(bid=steps.snapshot(bid)))
    for other in await store.lock_pending_bids(session, task.id):
        await steps.decline(session, other, DeclineReason.FOUND_SOMEBODY_ELSE, None, By.EVENT)


async def fail_acceptance(session: AsyncSession, rejected: events.TaskAssignmentRejected) -> None:
    """The task could not be assigned: the bid is pending again, and expires at once if the task is closed.

    A rejection of an earlier acceptance changes nothing.
    """
    known = await copy_task(session, rejected.task)
    bid = await store.lock_bid(session, rejected.bid_id)
    if bid is not None and bid.status is Status.ACCEPTED and rejected.bid_version in (None, bid.version):
        await _take_back(session, known, bid, rejected.reason)


async def fail_funding(session: AsyncSession, escrow: events.EscrowSnapshot, failure: str) -> None:
    """The price did not come: the same, if the bid is still accepted as it was when the charge was tried.

    Between then and now it may have been taken back and accepted anew, which is another charge.
    """
    task = await store.lock_task(session, escrow.task_id)
    bid = await store.lock_bid(session, escrow.bid_id)
    if bid is not None and bid.status is Status.ACCEPTED and bid.version == escrow.bid_version:
        await _take_back(session, task, bid, NOT_PAID, failure)


async def _take_back(
    session: AsyncSession, task: models.Task | None, bid: models.Bid, reason: str, funding_failure: str | None = None
) -> None:
    await steps.step(session, bid, Command.FAIL_ACCEPTANCE, By.EVENT)
    await deadlines.schedule(session, steps.EXPIRY, bid.id, bid.expires_at)
    failed = events.BidAcceptanceFailed(bid=steps.snapshot(bid), reason=reason, funding_failure=funding_failure)
    await emit(session, failed)
    if task is None or task.status != rules.bids.TASK_OPEN:
        await steps.expire(session, bid, CLOSED if funding_failure else reason, By.EVENT)
