"""What `bids` tells."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime

from shared.events.base import Body, Event, Personal
from shared.money import Money


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
    created_at: AwareDatetime
    updated_at: AwareDatetime


class _BidEvent(Event):
    topic: ClassVar[str] = "bids.bid"

    bid: BidSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.bid.task_id}"


class BidPlaced(_BidEvent):
    """A tasker bid on an open task."""

    type: ClassVar[str] = "bids.bid.placed"


class BidUpdated(_BidEvent):
    """The bidder changed a pending bid."""

    type: ClassVar[str] = "bids.bid.updated"


class BidWithdrawn(_BidEvent):
    """The bidder took a pending bid back."""

    type: ClassVar[str] = "bids.bid.withdrawn"


class BidExpired(_BidEvent):
    """A pending bid's time ran out, or its task stopped taking bids."""

    type: ClassVar[str] = "bids.bid.expired"

    reason: str | None = None


class BidDeclined(_BidEvent):
    """The poster declined a pending bid, or another bid was awarded the task."""

    type: ClassVar[str] = "bids.bid.declined"

    reason: Annotated[str | None, Personal("bid.poster_id")] = None


class BidAccepted(_BidEvent):
    """The poster accepted a bid; the task is not assigned yet."""

    type: ClassVar[str] = "bids.bid.accepted"


class BidAcceptanceFailed(_BidEvent):
    """An accepted bid could not be awarded; its status in the snapshot tells what became of it."""

    type: ClassVar[str] = "bids.bid.acceptance_failed"

    reason: str


class BidAwarded(_BidEvent):
    """The task is assigned to the bidder of an accepted bid."""

    type: ClassVar[str] = "bids.bid.awarded"
