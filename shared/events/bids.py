"""What `bids` tells."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from shared.events.base import Body, Event, Personal
from shared.money import Money


class OfferSnapshot(Body):
    """Another amount that one side of a bid offers the other, as it was after the event. For the bid's two alone."""

    id: str
    bid_id: str
    side: str
    author_id: str
    recipient_id: str
    amount: Money
    message: Annotated[str | None, Personal("author_id", None)] = None
    status: str
    created_at: AwareDatetime


class BidSnapshot(Body):
    """A bid as it was after the event. Only the task's poster and the bidder may see amount and message."""

    id: str
    task_id: str
    poster_id: str
    tasker_id: str
    amount: Money
    message: Annotated[str, Personal("tasker_id")]
    estimated_minutes: int | None = None
    status: str
    expires_at: AwareDatetime
    version: int
    open_offer: OfferSnapshot | None = None
    offers_made: int = 0
    shortlisted_at: AwareDatetime | None = Field(None, description="For the poster's eyes alone.")
    decline_reason: str | None = None
    decline_message: Annotated[str | None, Personal("poster_id", None)] = None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class BidEvent(Event):
    """Something that happened to a bid."""

    topic: ClassVar[str] = "bids.bid"

    bid: BidSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.bid.task_id}"


class BidPlaced(BidEvent):
    """A tasker bid on an open task."""

    type: ClassVar[str] = "bids.bid.placed"


class BidUpdated(BidEvent):
    """The bidder changed a pending bid."""

    type: ClassVar[str] = "bids.bid.updated"


class BidWithdrawn(BidEvent):
    """The bidder took a pending bid back."""

    type: ClassVar[str] = "bids.bid.withdrawn"


class BidExpired(BidEvent):
    """A pending bid's time ran out, or its task stopped taking bids."""

    type: ClassVar[str] = "bids.bid.expired"

    reason: str | None = None


class BidDeclined(BidEvent):
    """The poster declined a pending bid, or another bid was awarded the task."""

    type: ClassVar[str] = "bids.bid.declined"

    reason: Annotated[str | None, Personal("bid.poster_id")] = Field(
        None, description="What the poster wrote, in older events; in newer ones the bid has it."
    )


class BidCounterOffered(BidEvent):
    """One side offers another amount: the bid's open offer, whose place it takes. The bid's own amount stays."""

    type: ClassVar[str] = "bids.bid.counter_offered"


class OfferAnswered(BidEvent):
    """The other side answered an offer."""

    offer: OfferSnapshot


class BidOfferAccepted(OfferAnswered):
    """The other side accepted an offer: its amount is the bid's now."""

    type: ClassVar[str] = "bids.bid.offer_accepted"


class BidOfferDeclined(OfferAnswered):
    """The other side declined an offer: the bid's amount stays."""

    type: ClassVar[str] = "bids.bid.offer_declined"


class BidShortlisted(BidEvent):
    """The poster marked a bid as one of those to choose from. For the poster's eyes alone."""

    type: ClassVar[str] = "bids.bid.shortlisted"


class BidUnshortlisted(BidEvent):
    """The poster took that mark away. For the poster's eyes alone."""

    type: ClassVar[str] = "bids.bid.unshortlisted"


class BidAccepted(BidEvent):
    """The poster accepted a bid; the task is not assigned yet."""

    type: ClassVar[str] = "bids.bid.accepted"

    category_id: str | None = Field(None, description="The task's; null where an older event does not tell.")
    payment_method_id: str | None = Field(None, description="The card to be charged; null: the poster's default.")


class BidAcceptanceFailed(BidEvent):
    """An accepted bid could not be awarded; its status in the snapshot tells what became of it."""

    type: ClassVar[str] = "bids.bid.acceptance_failed"

    reason: str
    funding_failure: str | None = Field(
        None, description="A value of `EscrowFailureReason`, if it was the price that did not come."
    )


class BidAwarded(BidEvent):
    """The task is assigned to the bidder of an accepted bid."""

    type: ClassVar[str] = "bids.bid.awarded"


class InvitationSnapshot(Body):
    """An invitation to bid as it was after the event. For the task's poster and the invited tasker alone."""

    id: str
    task_id: str
    poster_id: str
    tasker_id: str
    message: Annotated[str | None, Personal("poster_id", None)] = None
    declined_at: AwareDatetime | None = None
    created_at: AwareDatetime


class InvitationEvent(Event):
    """Something that happened to an invitation, before there is a bid."""

    topic: ClassVar[str] = "bids.bid"

    invitation: InvitationSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.invitation.task_id}"


class BidInvited(InvitationEvent):
    """A poster invited a tasker to bid on their open task."""

    type: ClassVar[str] = "bids.bid.invited"


class BidInvitationDeclined(InvitationEvent):
    """The tasker does not want to bid."""

    type: ClassVar[str] = "bids.bid.invitation_declined"
