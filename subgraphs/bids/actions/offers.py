"""Counter-offers to a bid, and their answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import collected
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from shared.money import Entered, Money
from shared.transitions import next_status
from subgraphs.bids import models, rules, store
from subgraphs.bids.actions import steps
from subgraphs.bids.rules.bids import TRANSITIONS, Command, Side


async def counter_offer(
    session: AsyncSession, actor: Actor, bid_id: str, expected_version: int, *, amount: Entered, message: str | None
) -> models.Bid:
    """Offers the other side another amount for a pending bid, in the place of what they offered. Locks the bid's row.

    Raises NotFound, VersionConflict, InvalidTransition, NotAllowed, TaskNotOpen, TooManyOffers, AccountSuspended,
    CounterpartSuspended or InteractionBlocked; then together what holds of InvalidAmount, CurrencyMismatch, BidTooLow,
    BidTooHigh, InvalidInput.
    """
    task, bid = await steps.lock(session, actor, bid_id)
    side = rules.bids.side_of(actor.id, bid.poster_id)
    steps.check_version(bid, expected_version)
    next_status(TRANSITIONS, bid.status, Command.COUNTER_OFFER, rules.bids.by(side))
    rules.offers.check_turn(side, bid.open_offer_side)
    rules.offers.check_count(bid.offers_made)
    await _check_still_possible(session, task, bid, actor.id)
    known = [Money(bid.amount_minor, bid.currency)]
    answered = await steps.open_offer(session, bid)
    if answered is not None:
        known.append(Money(answered.amount_minor, answered.currency))
    with collected() as check:
        asked = check(rules.offers.read_amount, amount, task.currency, *known)
        message = check(rules.bids.clean_note, message)
    await steps.step(session, bid, Command.COUNTER_OFFER, rules.bids.by(side))
    offer = models.Offer(
        id=new_id("offer"),
        bid_id=bid.id,
        side=side,
        author_id=actor.id,
        recipient_id=bid.tasker_id if side is Side.POSTER else bid.poster_id,
        amount_minor=asked.minor,
        currency=asked.currency,
        message=message,
        status=rules.offers.Status.OPEN,
        created_at=bid.updated_at,
    )
    # What it takes the place of must be written as such before it: one is open at a time.
    await session.flush()
    session.add(offer)
    bid.open_offer_side = side
    bid.offers_made += 1
    await emit(session, events.BidCounterOffered(bid=steps.snapshot(bid, offer)))
    return bid


async def accept_offer(session: AsyncSession, actor: Actor, bid_id: str, expected_version: int) -> models.Bid:
    """Makes what the other side offers the amount of a pending bid. Locks the bid's row.

    Raises NotFound, VersionConflict, InvalidTransition, NotAllowed, TaskNotOpen, AccountSuspended,
    CounterpartSuspended, InteractionBlocked.
    """
    task, bid = await steps.lock(session, actor, bid_id)
    side = rules.bids.side_of(actor.id, bid.poster_id)
    if await _is_answered(session, bid, side, expected_version, rules.offers.Status.ACCEPTED):
        return bid
    steps.check_version(bid, expected_version)
    next_status(TRANSITIONS, bid.status, Command.ACCEPT_OFFER, rules.bids.by(side))
    rules.offers.check_answerer(side, bid.open_offer_side)
    await _check_still_possible(session, task, bid, actor.id)
    offer = await steps.step(session, bid, Command.ACCEPT_OFFER, rules.bids.by(side))
    assert offer is not None, "the bid says that one is open"
    bid.amount_minor = offer.amount_minor
    await emit(session, events.BidOfferAccepted(bid=steps.snapshot(bid), offer=steps.offer_snapshot(offer)))
    return bid


async def decline_offer(session: AsyncSession, actor: Actor, bid_id: str, expected_version: int) -> models.Bid:
    """Turns down what the other side offers; the bid stays as it is. Locks the bid's row.

    Raises NotFound, VersionConflict, InvalidTransition, NotAllowed.
    """
    _, bid = await steps.lock(session, actor, bid_id)
    side = rules.bids.side_of(actor.id, bid.poster_id)
    if await _is_answered(session, bid, side, expected_version, rules.offers.Status.DECLINED):
        return bid
    steps.check_version(bid, expected_version)
    next_status(TRANSITIONS, bid.status, Command.DECLINE_OFFER, rules.bids.by(side))
    rules.offers.check_answerer(side, bid.open_offer_side)
    offer = await steps.step(session, bid, Command.DECLINE_OFFER, rules.bids.by(side))
    assert offer is not None, "the bid says that one is open"
    await emit(session, events.BidOfferDeclined(bid=steps.snapshot(bid), offer=steps.offer_snapshot(offer)))
    return bid


async def _is_answered(
    session: AsyncSession, bid: models.Bid, side: Side, expected_version: int, answer: rules.offers.Status
) -> bool:
    """Whether this side has given this answer to what it saw, and nothing happened since: it is sent again."""
    if bid.open_offer_side is not None or bid.version != expected_version + 1:
        return False
    offer = await store.get_newest_offer(session, bid.id)
    return offer is not None and offer.status is answer and offer.side is not side


async def _check_still_possible(session: AsyncSession, task: models.Task, bid: models.Bid, actor_id: str) -> None:
    """Raises TaskNotOpen, InvalidTransition, AccountSuspended, CounterpartSuspended, InteractionBlocked."""
    now = clock.now()
    rules.bids.check_task_open(task.status, task.expires_at, now)
    rules.bids.check_not_over(bid.expires_at, now)
    other_id = bid.tasker_id if actor_id == bid.poster_id else bid.poster_id
    await steps.check_may_deal(session, actor_id, other_id, field="bidId")
