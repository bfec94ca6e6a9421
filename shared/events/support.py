"""What `support` tells."""

from typing import ClassVar

from pydantic import Field

from shared.events.base import Event


class DisputeEvent(Event):
    """Something that happened to a dispute of poster and tasker about a task."""

    topic: ClassVar[str] = "support.dispute"

    dispute_id: str
    task_id: str

    @property
    def stream(self) -> str:
        return f"task:{self.task_id}"


class DisputeOpened(DisputeEvent):
    """The money of the task stays where it is from now on."""

    type: ClassVar[str] = "support.dispute.opened"


class DisputeResolved(DisputeEvent):
    """It ended: the money is parted as it says."""

    type: ClassVar[str] = "support.dispute.resolved"

    poster_share_minor: int = Field(
        ge=0, description="What goes back to the poster, in minor units; the rest is the tasker's, minus the fee."
    )


class DisputeWithdrawn(DisputeEvent):
    """It is called off: the task and its money go on as before."""

    type: ClassVar[str] = "support.dispute.withdrawn"
