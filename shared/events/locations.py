"""What `locations` tells. No event holds an address or a point."""

from typing import ClassVar

from pydantic import Field

from shared.events.base import Event


class _TaskPlaceEvent(Event):
    topic: ClassVar[str] = "locations.task"

    task_id: str

    @property
    def stream(self) -> str:
        return f"task:{self.task_id}"


class TaskGeocoded(_TaskPlaceEvent):
    """A published task is on the map: it is at a place that its poster has made."""

    type: ClassVar[str] = "locations.task.geocoded"

    place_id: str


class TaskGeocodeFailed(_TaskPlaceEvent):
    """A published task names a place that does not exist any more or is not its poster's; it is not on the map."""

    type: ClassVar[str] = "locations.task.geocode_failed"

    place_id: str | None = Field(None, description="What the task names.")
