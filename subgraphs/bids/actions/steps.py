"""What all steps of a bid have in common: finding and locking it, taking the step, telling of it."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, deadlines, events
from shared.errors import NotFound, VersionConflict
from shared.identity.actor import Actor
from shared.messaging.outbox import emit
from shared.money import Money
from shared.transitions import By, take
from subgraphs.bids import models, rules, store
from subgraphs.bids.rules.bids import TRANSITIONS, Command, DeclineReason

EXPIRY = "bid_expiry"


async def lock(
    session: AsyncSession, actor: Actor, bid_id: str, *, decide: bool = False
) -> tuple[models.Task, models.Bid]:
    """A bid with its task, both locked in that order; raises NotFound for what the actor may not see."""
    found = await store.get_bid(session, bid_id)
    if found is None or not rules.bids.may_see(actor.id, found.poster_id, found.tasker_id):
        raise NotFound("There is no such bid.", field=("bidId",))
    task = await store.lock_task(session, found.task_id, shared=not decide)
    bid = await store.lock_bid(session, bid_id)
    assert task is not None, "tasks are never deleted"
    assert bid is not None, "bids are never deleted"
    return task, bid


async def check_may_deal(session: AsyncSession, actor_id: str, other_id: str, *, field: str) -> None:
    """Raises AccountSuspended, CounterpartSuspended, InteractionBlocked.

    Otherwise no block of the two comes before the end of the transaction. A suspension may: its copy is late
    in any case.
    """
    suspended = await copies.list_suspended(session, models.Suspension, (actor_id, other_id))
    rules.bids.check_not_suspended(suspended, actor_id, field=field)
    await copies.check_not_blocked(session, models.Block, actor_id, other_id, field=(field,))


def check_version(bid: models.Bid, expected_version: int | None) -> None:
    """Raises VersionConflict if the bid is not the one that the caller saw; None is content with any."""
    if expected_version is not None and bid.version != expected_version:
        raise VersionConflict("The bid changed meanwhile; look at it again.", current=bid)


async def step(session: AsyncSession, bid: models.Bid, command: Command, by: By) -> models.Offer | None:
    """Takes a step of a locked bid, which ends its open offer. Answers with that. Raises InvalidTransition."""
    take(TRANSITIONS, bid, command, by)
    bid.updated_at = clock.now()
    offer = await open_offer(session, bid)
    if offer is not None:
        offer.status = rules.offers.outcome(command)
        bid.open_offer_side = None
    return offer


async def open_offer(session: AsyncSession, bid: models.Bid) -> models.Offer | None:
    """The offer that waits for an answer; hold the bid's lock."""
    return await store.get_newest_offer(session, bid.id) if bid.open_offer_side is not None else None


async def decline(session: AsyncSession, bid: models.Bid, reason: DeclineReason, message: str | None, by: By) -> None:
    """Turns a locked bid down, and tells of it. Raises InvalidTransition."""
    await step(session, bid, Command.DECLINE, by)
    bid.decline_reason, bid.decline_message = reason, message
    await deadlines.cancel(session, EXPIRY, bid.id)
    await emit(session, events.BidDeclined(bid=snapshot(bid)))


async def expire(session: AsyncSession, bid: models.Bid, reason: str, by: By) -> None:
    """Ends a locked bid, and tells of it. Raises InvalidTransition."""
    await step(session, bid, Command.EXPIRE, by)
    await deadlines.cancel(session, EXPIRY, bid.id)
    await emit(session, events.BidExpired(bid=snapshot(bid), reason=reason))


def snapshot(bid: models.Bid, open_offer: models.Offer | None = None) -> events.BidSnapshot:
    """The bid as its events carry it; `open_offer` is for those that leave one open."""
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
        open_offer=offer_snapshot(open_offer) if open_offer is not None else None,
        offers_made=bid.offers_made,
        shortlisted_at=bid.shortlisted_at,
        decline_reason=bid.decline_reason,
        decline_message=bid.decline_message,
        created_at=bid.created_at,
        updated_at=bid.updated_at,
    )


def offer_snapshot(offer: models.Offer) -> events.OfferSnapshot:
    """The offer as events carry it."""
    return events.OfferSnapshot(
        id=offer.id,
        bid_id=offer.bid_id,
        side=offer.side,
        author_id=offer.author_id,
        recipient_id=offer.recipient_id,
        amount=Money(offer.amount_minor, offer.currency),
        message=offer.message,
        status=offer.status,
        created_at=offer.created_at,
    )
