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


class _PlaceEvent(Event):
    topic: ClassVar[str] = "locations.place"

    place_id: str
    owner_id: str

    @property
    def stream(self) -> str:
        return f"place:{self.place_id}"


class PlaceCreated(_PlaceEvent):
    """A person made a place, where their tasks may be from now on."""

    type: ClassVar[str] = "locations.place.created"


class PlaceDeleted(_PlaceEvent):
    """A person deleted a place. One that goes with its owner is not told of."""

    type: ClassVar[str] = "locations.place.deleted"


class AlertMatched(Event):
    """A saved search of a user's found a task that is open now; once for each user and task."""

    type: ClassVar[str] = "locations.alert.matched"
    topic: ClassVar[str] = "locations.alert"

    user_id: str
    task_id: str
    poster_id: str
    saved_search_id: str
    is_near: bool = Field(description="Whether the search has an area, in which the task is.")

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"


class ServiceAreaChanged(Event):
    """A tasker said where they work, or took it back."""

    type: ClassVar[str] = "locations.service_area.changed"
    topic: ClassVar[str] = "locations.service_area"

    user_id: str
    is_set: bool = Field(description="Whether they have a service area now.")

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"
