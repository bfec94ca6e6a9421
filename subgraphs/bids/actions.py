"""What can be done with bids: one function per mutation, event and deadline.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, deadlines, events
from shared.errors import NotFound, VersionConflict, collected
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import Entered, Money
from shared.privacy import erasure
from shared.transitions import By, is_repeat, next_status, take
from subgraphs.bids import models, rules, store
from subgraphs.bids.personal_data import HELD
from subgraphs.bids.rules import TRANSITIONS, Command, Status

EXPIRY = "bid_expiry"


async def place_bid(
    session: AsyncSession, actor: Actor, *, task_id: str, amount: Entered, message: str, estimated_minutes: int | None
) -> models.Bid:
    """Bids on an open task. Locks the task's row against decisions.

    Raises NotCopied, RoleRequired, OwnTask, TaskNotOpen, AccountSuspended, CounterpartSuspended or InteractionBlocked;
    then together what holds of InvalidAmount, CurrencyMismatch, BidTooLow, BidTooHigh, InvalidInput; then
    BidAlreadyPlaced.
    """
    task = await store.lock_task(session, task_id, shared=True)
    if task is None:
        raise copies.NotCopied("There is no such task.", models.Task, task_id, field=("taskId",))
    now = clock.now()
    rules.check_bidder(actor, task.poster_id)
    rules.check_task_open(task.status, task.expires_at, now)
    await _check_may_deal(session, actor.id, task.poster_id, field="taskId")
    with collected() as check:
        asked = check(rules.read_amount, amount, task.currency)
        message = check(rules.clean_message, message)
        check(rules.check_estimate, estimated_minutes)
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
        expires_at=now + rules.LIFETIME,
        version=1,
        last_step=None,
        created_at=now,
        updated_at=now,
    )
    if not await store.add_bid(session, bid):
        raise rules.BidAlreadyPlaced("You have a bid on this task; change or withdraw it.", field=("taskId",))
    await deadlines.schedule(session, EXPIRY, bid.id, bid.expires_at)
    await emit(session, events.BidPlaced(bid=snapshot(bid)))
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
    """Changes what is given of a pending bid; what is so already changes nothing.

    Raises as `place_bid`, and NotAllowed, InvalidTransition, VersionConflict.
    """
    task, bid = await _lock(session, actor, bid_id)
    rules.check_bidder_of(actor, bid.tasker_id)
    next_status(TRANSITIONS, bid.status, Command.UPDATE, By.TASKER)
    rules.check_task_open(task.status, task.expires_at, clock.now())
    await _check_may_deal(session, bid.tasker_id, bid.poster_id, field="bidId")
    with collected() as check:
        asked = check(rules.read_amount, amount, task.currency) if amount is not None else None
        message = check(rules.clean_message, message) if message is not None else None
        check(rules.check_estimate, estimated_minutes)
    given = {
        "amount_minor": asked.minor if asked is not None else None,
        "message": message,
        "estimated_minutes": estimated_minutes,
    }
    changed = {name: value for name, value in given.items() if value is not None and getattr(bid, name) != value}
    if not changed:
        return bid
    _check_version(bid, expected_version)
    for name, value in changed.items():
        setattr(bid, name, value)
    _step(bid, Command.UPDATE, By.TASKER)
    await emit(session, events.BidUpdated(bid=snapshot(bid)))
    return bid


async def withdraw_bid(session: AsyncSession, actor: Actor, bid_id: str) -> models.Bid:
    """Takes a pending bid back. Raises NotFound, NotAllowed, InvalidTransition."""
    _, bid = await _lock(session, actor, bid_id)
    rules.check_bidder_of(actor, bid.tasker_id)
    if is_repeat(bid, By.TASKER, Command.WITHDRAW):
        return bid
    _step(bid, Command.WITHDRAW, By.TASKER)
    await deadlines.cancel(session, EXPIRY, bid.id)
    await emit(session, events.BidWithdrawn(bid=snapshot(bid)))
    return bid


async def decline_bid(session: AsyncSession, actor: Actor, bid_id: str, reason: str | None) -> models.Bid:
    """Turns a pending bid down. Raises NotFound, NotAllowed, InvalidTransition, InvalidInput."""
    _, bid = await _lock(session, actor, bid_id)
    rules.check_poster_of(actor, bid.poster_id)
    if is_repeat(bid, By.POSTER, Command.DECLINE):
        return bid
    if reason is not None:
        reason = rules.clean_reason(reason)
    await _decline(session, bid, reason, By.POSTER)
    return bid


async def accept_bid(session: AsyncSession, actor: Actor, bid_id: str, expected_version: int) -> models.Bid:
    """Chooses a bid. Locks the task's row, so that of many acceptances at once one wins.

    Raises NotFound, NotAllowed, TaskNotOpen, TaskAlreadyTaken, VersionConflict, InvalidTransition,
    AccountSuspended, CounterpartSuspended, InteractionBlocked.
    """
    task, bid = await _lock(session, actor, bid_id, decide=True)
    rules.check_poster_of(actor, bid.poster_id)
    if is_repeat(bid, By.POSTER, Command.ACCEPT):
        return bid
    is_taken = await store.get_winner(session, task.id) is not None
    rules.check_free(rules.Deal(task.id, task.status, task.expires_at, is_taken), clock.now())
    _check_version(bid, expected_version)
    _step(bid, Command.ACCEPT, By.POSTER)
    rules.check_not_over(bid.expires_at, bid.updated_at)
    await _check_may_deal(session, bid.poster_id, bid.tasker_id, field="bidId")
    await deadlines.cancel(session, EXPIRY, bid.id)
    await emit(session, events.BidAccepted(bid=snapshot(bid)))
    return bid


async def copy_block(session: AsyncSession, blocker_id: str, blocked_id: str, *, is_blocked: bool, seq: int) -> None:
    """Takes over that a user blocked another one, or does so no more. Locks the pair against new bids.

    Bids that are there stay.
    """
    block = models.Block(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=is_blocked, seq=seq)
    await copies.save_block(session, block)


async def copy_suspension(session: AsyncSession, user_id: str, *, is_suspended: bool, seq: int) -> None:
    """Takes over that a user is suspended, or is no more. Bids that are there stay."""
    await copies.save_newer(session, models.Suspension(user_id=user_id, is_suspended=is_suspended, seq=seq))


async def copy_task(session: AsyncSession, task: events.TaskSnapshot) -> models.Task | None:
    """Takes over what `tasks` says of a task, and answers with what is known then. Locks the task's row.

    An event that comes again after newer ones (a replayed dead letter) changes nothing. None for a draft,
    which nobody but its poster may know of.
    """
    if task.published_at is None:
        return None
    await store.save_task(
        session,
        models.Task(
            id=task.id,
            poster_id=task.poster_id,
            title=task.title,
            status=task.status,
            currency=task.budget.currency,
            expires_at=task.expires_at,
            version=task.version,
        ),
    )
    return await store.lock_task(session, task.id)


async def close_bids(session: AsyncSession, task: events.TaskSnapshot, reason: str) -> None:
    """The task takes no bids any more: ends the pending ones, unless it has been opened again since."""
    known = await copy_task(session, task)
    if known is None or known.status == rules.TASK_OPEN:
        return
    for bid in await store.lock_pending_bids(session, task.id):
        await _expire(session, bid, reason, By.EVENT)


async def award_bid(session: AsyncSession, task: events.TaskSnapshot, bid_id: str) -> None:
    """The task went to this bid's tasker: awards the bid, declines the others."""
    await copy_task(session, task)
    bid = await store.lock_bid(session, bid_id)
    if bid is None or bid.status is not Status.ACCEPTED:
        return
    _step(bid, Command.AWARD, By.EVENT)
    await emit(session, events.BidAwarded(bid=snapshot(bid)))
    for other in await store.lock_pending_bids(session, task.id):
        await _decline(session, other, "The task was given to another tasker.", By.EVENT)


async def fail_acceptance(session: AsyncSession, task: events.TaskSnapshot, bid_id: str, reason: str) -> None:
    """The task could not be assigned: the bid is pending again, and expires at once if the task is closed."""
    known = await copy_task(session, task)
    bid = await store.lock_bid(session, bid_id)
    if bid is None or bid.status is not Status.ACCEPTED:
        return
    _step(bid, Command.FAIL_ACCEPTANCE, By.EVENT)
    await deadlines.schedule(session, EXPIRY, bid.id, bid.expires_at)
    await emit(session, events.BidAcceptanceFailed(bid=snapshot(bid), reason=reason))
    if known is None or known.status != rules.TASK_OPEN:
        await _expire(session, bid, reason, By.EVENT)


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
        _step(bid, Command.WITHDRAW, By.EVENT)
        await deadlines.cancel(session, EXPIRY, bid.id)
        await emit(session, events.BidWithdrawn(bid=snapshot(bid)))


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
        await deadlines.schedule(session, EXPIRY, bid_id, locked.expires_at)
        return
    await _expire(session, locked, "Nobody decided on it in time.", By.TIMER)


def snapshot(bid: models.Bid) -> events.BidSnapshot:
    """The bid as its events carry it."""
    return events.BidSnapshot(
        id=bid.id,
        task_id=bid.task_id,
        poster_id=bid.poster_id,
        tasker_id=bid.tasker_id,
        amount=Money(bid.amount_minor, bid.currency),
        message=bid.message,
        estimated_minutes=bid.estimated_minutes,
        status=bid.status,
        expires_at=bid.expires_at,
        version=bid.version,
        created_at=bid.created_at,
        updated_at=bid.updated_at,
    )


async def _lock(
    session: AsyncSession, actor: Actor, bid_id: str, *, decide: bool = False
) -> tuple[models.Task, models.Bid]:
    """A bid with its task, both locked in that order; raises NotFound for what the actor may not see."""
    found = await store.get_bid(session, bid_id)
    if found is None or not rules.may_see(actor.id, found.poster_id, found.tasker_id):
        raise NotFound("There is no such bid.", field=("bidId",))
    task = await store.lock_task(session, found.task_id, shared=not decide)
    bid = await store.lock_bid(session, bid_id)
    assert task is not None, "tasks are never deleted"
    assert bid is not None, "bids are never deleted"
    return task, bid


async def _check_may_deal(session: AsyncSession, actor_id: str, other_id: str, *, field: str) -> None:
    """Raises AccountSuspended, CounterpartSuspended, InteractionBlocked.

    Otherwise no block of the two comes before the end of the transaction. A suspension may: its copy is late
    in any case.
    """
    rules.check_not_suspended(await store.list_suspended(session, (actor_id, other_id)), actor_id, field=field)
    await copies.check_not_blocked(session, models.Block, actor_id, other_id, field=(field,))


def _check_version(bid: models.Bid, expected_version: int | None) -> None:
    """Raises VersionConflict if the bid is not the one that the caller saw; None is content with any."""
    if expected_version is not None and bid.version != expected_version:
        raise VersionConflict("The bid changed meanwhile; look at it again.", current=bid)


def _step(bid: models.Bid, command: Command, by: By) -> None:
    take(TRANSITIONS, bid, command, by)
    bid.updated_at = clock.now()


async def _decline(session: AsyncSession, bid: models.Bid, reason: str | None, by: By) -> None:
    _step(bid, Command.DECLINE, by)
    await deadlines.cancel(session, EXPIRY, bid.id)
    await emit(session, events.BidDeclined(bid=snapshot(bid), reason=reason))


async def _expire(session: AsyncSession, bid: models.Bid, reason: str, by: By) -> None:
    _step(bid, Command.EXPIRE, by)
    await deadlines.cancel(session, EXPIRY, bid.id)
    await emit(session, events.BidExpired(bid=snapshot(bid), reason=reason))
