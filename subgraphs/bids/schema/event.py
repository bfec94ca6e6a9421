"""What happens to the bids of a task, for subscribers."""

from collections.abc import AsyncIterator
from enum import StrEnum
from functools import partial
from typing import Annotated, Self

import strawberry

from shared import events
from shared.context import Followed
from shared.graphql.events import AFTER, StreamEvent, made_once
from shared.graphql.ids import TaskId
from shared.graphql.schema import subscription
from shared.graphql.types import register_enum
from shared.identity.actor import MARKETPLACE
from subgraphs.bids import rules
from subgraphs.bids.schema.bid import Bid, BidInvitation
from subgraphs.bids.schema.info import Info

FOR_THE_POSTER = (events.BidShortlisted, events.BidUnshortlisted)


class BidEventType(StrEnum):
    """What happened to a bid or an invitation: the last part of its event's type."""

    PLACED = "placed"
    UPDATED = "updated"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DECLINED = "declined"
    COUNTER_OFFERED = "counter_offered"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_DECLINED = "offer_declined"
    SHORTLISTED = "shortlisted"
    UNSHORTLISTED = "unshortlisted"
    ACCEPTED = "accepted"
    ACCEPTANCE_FAILED = "acceptance_failed"
    AWARDED = "awarded"
    INVITED = "invited"
    INVITATION_DECLINED = "invitation_declined"


register_enum(
    BidEventType,
    description="What happened to a bid or an invitation.",
    values={
        BidEventType.PLACED: "A tasker bid.",
        BidEventType.UPDATED: "The bidder changed the bid.",
        BidEventType.WITHDRAWN: "The bidder took the bid back.",
        BidEventType.EXPIRED: "The bid's time ran out, or the task takes no bids any more.",
        BidEventType.DECLINED: "The poster turned the bid down, or another bid got the task.",
        BidEventType.COUNTER_OFFERED: "One side offered the other another amount.",
        BidEventType.OFFER_ACCEPTED: "The other side accepted an offer: its amount is the bid's.",
        BidEventType.OFFER_DECLINED: "The other side turned an offer down.",
        BidEventType.SHORTLISTED: "The poster marked the bid; told to the poster alone.",
        BidEventType.UNSHORTLISTED: "The poster took the mark away; told to the poster alone.",
        BidEventType.ACCEPTED: "The poster chose the bid.",
        BidEventType.ACCEPTANCE_FAILED: "The chosen bid could not get the task; it is pending again.",
        BidEventType.AWARDED: "The task is assigned to the bidder.",
        BidEventType.INVITED: "The poster invited a tasker to bid.",
        BidEventType.INVITATION_DECLINED: "The invited tasker does not want to bid.",
    },
)


@strawberry.type(description="Something that happened to a bid or an invitation, which is as it was at that moment.")
class BidEvent(StreamEvent):
    type: BidEventType = strawberry.field(description="What happened.")
    bid: Bid | None = strawberry.field(description="The bid right after it; null where it is about an invitation.")
    invitation: BidInvitation | None = strawberry.field(
        description="The invitation right after it; null where it is about a bid."
    )

    @classmethod
    @made_once
    def of(cls, followed: Followed) -> Self:
        envelope = followed.envelope
        event = envelope.event
        return cls(
            seq=envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=envelope.occurred_at,
            type=BidEventType(event.type.rpartition(".")[2]),
            bid=Bid.of_snapshot(event.bid) if isinstance(event, events.BidEvent) else None,
            invitation=(
                BidInvitation.of_snapshot(event.invitation) if isinstance(event, events.InvitationEvent) else None
            ),
        )


def may_see(viewer_id: str, event: events.Event) -> bool:
    """Whether a person may be told of what happened."""
    if isinstance(event, events.InvitationEvent):
        return rules.invitations.may_see(viewer_id, event.invitation.poster_id, event.invitation.tasker_id)
    if isinstance(event, FOR_THE_POSTER):
        return viewer_id == event.bid.poster_id
    return isinstance(event, events.BidEvent) and rules.bids.may_see(
        viewer_id, event.bid.poster_id, event.bid.tasker_id
    )


@strawberry.type
class EventSubscription:
    @subscription(
        scope=MARKETPLACE,
        description="What happens to the bids of a task and the invitations to it: all of them for its poster, "
        "one's own for a bidder and for who is invited.",
    )
    async def bid_events(
        self,
        info: Info,
        task_id: Annotated[TaskId, strawberry.argument(description="The task whose bids to follow.")],
        after: Annotated[int | None, AFTER] = None,
    ) -> AsyncIterator[BidEvent]:
        visible = partial(may_see, info.context.require_actor().id)
        async for followed in info.context.follow(f"task:{task_id}", after, visible):
            yield BidEvent.of(followed)
