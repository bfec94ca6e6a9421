"""Placing, changing and taking back bids; what the poster does with them short of choosing one."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, deadlines, events
from shared.errors import collected
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import Entered
from shared.transitions import By, is_repeat, next_status
from subgraphs.bids import models, rules, store
from subgraphs.bids.actions import steps
from subgraphs.bids.rules.bids import TRANSITIONS, Command, DeclineReason, Status


async def place_bid(
    session: AsyncSession, actor: Actor, *, task_id: str, amount: Entered, message: str, estimated_minutes: int | None
) -> models.Bid:
    """Bids on an open task, which accepts the invitation to it. Locks the task's row against decisions.

    Raises NotCopied, RoleRequired, OwnTask, TaskNotOpen, AccountSuspended, CounterpartSuspended or InteractionBlocked;
    then together what holds of InvalidAmount, CurrencyMismatch, BidTooLow, BidTooHigh, InvalidInput; then
    BidAlreadyPlaced.
    """
    task = await store.lock_task(session, task_id, shared=True)
    if task is None:
        raise copies.NotCopied("There is no such task.", models.Task, task_id, field=("taskId",))
    now = clock.now()
    rules.bids.check_bidder(actor, task.poster_id)
    rules.bids.check_task_open(task.status, task.expires_at, now)
    await steps.check_may_deal(session, actor.id, task.poster_id, field="taskId")
    with collected() as check:
        asked = check(rules.bids.read_amount, amount, task.currency)
        message = check(rules.bids.clean_message, message)
        check(rules.bids.check_estimate, estimated_minutes)
    bid = models.Bid(
        id=new_id("bid"),
        task_id=task.id,
        poster_id=task.poster_id,
        tasker_id=actor.id,
        amount_minor=asked.minor,
        currency=asked.currency,
        message=message,
        estimated_minutes=estimated_minutes,
        status=Status.PENDING,
        expires_at=now + rules.bids.LIFETIME,
        version=1,
        last_step=None,
        open_offer_side=None,
        offers_made=0,
        shortlisted_at=None,
        decline_reason=None,
        decline_message=None,
        created_at=now,
        updated_at=now,
    )
    if not await store.add_bid(session, bid):
        raise rules.bids.BidAlreadyPlaced("You have a bid on this task; change or withdraw it.", field=("taskId",))
    await store.accept_invitation(session, bid)
    await deadlines.schedule(session, steps.EXPIRY, bid.id, bid.expires_at)
    await emit(session, events.BidPlaced(bid=steps.snapshot(bid)))
    return bid


async def update_bid(
    session: AsyncSession,
    actor: Actor,
    bid_id: str,
    expected_version: int | None,
    *,
    amount: Entered | None,
    message: str | None,
    estimated_minutes: int | None,
) -> models.Bid:
    """Changes what is given of a pending bid, which ends an open offer; what is so already changes nothing.

    Raises as `place_bid`, and NotAllowed, InvalidTransition, VersionConflict.
    """
    task, bid = await steps.lock(session, actor, bid_id)
    rules.bids.check_bidder_of(actor, bid.tasker_id)
    next_status(TRANSITIONS, bid.status, Command.UPDATE, By.TASKER)
    rules.bids.check_task_open(task.status, task.expires_at, clock.now())
    await steps.check_may_deal(session, bid.tasker_id, bid.poster_id, field="bidId")
    with collected() as check:
        asked = check(rules.bids.read_amount, amount, task.currency) if amount is not None else None
        message = check(rules.bids.clean_message, message) if message is not None else None
        check(rules.bids.check_estimate, estimated_minutes)
    given = {
        "amount_minor": asked.minor if asked is not None else None,
        "message": message,
        "estimated_minutes": estimated_minutes,
    }
    changed = {name: value for name, value in given.items() if value is not None and getattr(bid, name) != value}
    if not changed:
        return bid
    steps.check_version(bid, expected_version)
    for name, value in changed.items():
        setattr(bid, name, value)
    await steps.step(session, bid, Command.UPDATE, By.TASKER)
    await emit(session, events.BidUpdated(bid=steps.snapshot(bid)))
    return bid


async def withdraw_bid(session: AsyncSession, actor: Actor, bid_id: str) -> models.Bid:
    """Takes a pending bid back. Raises NotFound, NotAllowed, InvalidTransition."""
    _, bid = await steps.lock(session, actor, bid_id)
    rules.bids.check_bidder_of(actor, bid.tasker_id)
    if is_repeat(bid, By.TASKER, Command.WITHDRAW):
        return bid
    await steps.step(session, bid, Command.WITHDRAW, By.TASKER)
    await deadlines.cancel(session, steps.EXPIRY, bid.id)
    await emit(session, events.BidWithdrawn(bid=steps.snapshot(bid)))
    return bid


async def decline_bid(
    session: AsyncSession, actor: Actor, bid_id: str, reason: DeclineReason, message: str | None
) -> models.Bid:
    """Turns a pending bid down. Raises NotFound, NotAllowed, InvalidTransition, InvalidInput."""
    _, bid = await steps.lock(session, actor, bid_id)
    rules.bids.check_poster_of(actor, bid.poster_id)
    if is_repeat(bid, By.POSTER, Command.DECLINE):
        return bid
    await steps.decline(session, bid, reason, rules.bids.clean_note(message), By.POSTER)
    return bid


async def shortlist_bid(session: AsyncSession, actor: Actor, bid_id: str) -> models.Bid:
    """Marks a pending bid as one of those to choose from. Raises NotFound, NotAllowed, InvalidTransition."""
    bid = await _lock_to_mark(session, actor, bid_id, Command.SHORTLIST)
    if bid.shortlisted_at is None:
        bid.shortlisted_at = clock.now()
        open_offer = await steps.open_offer(session, bid)
        await emit(session, events.BidShortlisted(bid=steps.snapshot(bid, open_offer)))
    return bid


async def unshortlist_bid(session: AsyncSession, actor: Actor, bid_id: str) -> models.Bid:
    """Takes that mark away. Raises NotFound, NotAllowed, InvalidTransition."""
    bid = await _lock_to_mark(session, actor, bid_id, Command.UNSHORTLIST)
    if bid.shortlisted_at is not None:
        bid.shortlisted_at = None
        open_offer = await steps.open_offer(session, bid)
        await emit(session, events.BidUnshortlisted(bid=steps.snapshot(bid, open_offer)))
    return bid


async def _lock_to_mark(session: AsyncSession, actor: Actor, bid_id: str, command: Command) -> models.Bid:
    """The bid, whose version and time of change stay: they would tell the bidder of the mark."""
    _, bid = await steps.lock(session, actor, bid_id)
    rules.bids.check_poster_of(actor, bid.poster_id)
    next_status(TRANSITIONS, bid.status, command, By.POSTER)
    return bid
