"""What `notifications` tells."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from shared.events.base import Body, Event, Personal


class NotificationSnapshot(Body):
    """A notification as it was after the event."""

    id: str
    user_id: str
    category: str
    title: Annotated[str, Personal("user_id")]
    body: Annotated[str, Personal("user_id")]
    link: str | None = Field(None, description="Path in the web app, such as `/tasks/task_…`.")
    created_at: AwareDatetime
    read_at: AwareDatetime | None = None


class _NotificationEvent(Event):
    topic: ClassVar[str] = "notifications.notification"

    notification: NotificationSnapshot

    @property
    def stream(self) -> str:
        return f"user:{self.notification.user_id}"


class NotificationCreated(_NotificationEvent):
    """Something happened that concerns a user."""

    type: ClassVar[str] = "notifications.notification.created"


class NotificationRead(_NotificationEvent):
    """A user read a notification."""

    type: ClassVar[str] = "notifications.notification.read"


class NotificationsAllRead(Event):
    """A user marked everything up to a time as read."""

    type: ClassVar[str] = "notifications.notification.all_read"
    topic: ClassVar[str] = "notifications.notification"

    user_id: str
    read_at: AwareDatetime

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"
