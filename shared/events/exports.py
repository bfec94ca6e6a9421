"""What every subgraph answers to somebody who wants all of their data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from pydantic import Field

from shared.events.base import Event


class DataSealed(Event):
    """A part of a subgraph's answer to `users.user.export_requested`."""

    export_id: str
    user_id: str
    number: int = Field(description="1, 2, 3 … of this subgraph.")
    last: bool = Field(description="Whether it is the subgraph's last part.")
    sealed: str = Field(description="JSON in a libsodium sealed box for the export's key, base64.")

    @property
    def stream(self) -> str:
        return f"export:{self.export_id}"


class UsersDataSealed(DataSealed):
    """A part of what `users` holds of a user."""

    type: ClassVar[str] = "users.export.sealed"
    topic: ClassVar[str] = "users.export"


class TasksDataSealed(DataSealed):
    """A part of what `tasks` holds of a user."""

    type: ClassVar[str] = "tasks.export.sealed"
    topic: ClassVar[str] = "tasks.export"


class BidsDataSealed(DataSealed):
    """A part of what `bids` holds of a user."""

    type: ClassVar[str] = "bids.export.sealed"
    topic: ClassVar[str] = "bids.export"


class PaymentsDataSealed(DataSealed):
    """A part of what `payments` holds of a user."""

    type: ClassVar[str] = "payments.export.sealed"
    topic: ClassVar[str] = "payments.export"


class NotificationsDataSealed(DataSealed):
    """A part of what `notifications` holds of a user."""

    type: ClassVar[str] = "notifications.export.sealed"
    topic: ClassVar[str] = "notifications.export"


class LocationsDataSealed(DataSealed):
    """A part of what `locations` holds of a user."""

    type: ClassVar[str] = "locations.export.sealed"
    topic: ClassVar[str] = "locations.export"


DATA_SEALED: Mapping[str, type[DataSealed]] = MappingProxyType(
    {
        model.type.partition(".")[0]: model
        for model in (
            UsersDataSealed,
            TasksDataSealed,
            BidsDataSealed,
            PaymentsDataSealed,
            NotificationsDataSealed,
            LocationsDataSealed,
        )
    }
)
"""How each subgraph answers; an export is whole when all of these have."""
