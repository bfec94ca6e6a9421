"""Every event of the product: what happened, told to the other subgraphs and to subscribers.

An event is written into the outbox by `shared.outbox.emit` in the transaction of what it tells, and
published to Kafka from there. Its body is the JSON of its model, with the field names below. A change is
additive (a new optional field) or a new type: old bodies stay readable, and readers skip fields and types
that they do not know. No event holds an e-mail address, a phone number or other contact data.

`docs/events.md` is the printed form of this module (`python -m shared.print_events`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.money import Money

DELETED_TEXT = "[deleted]"
"""What stands where an erased person had written something."""
DELETED_NAME = "Deleted user"
"""What an erased person is called."""


class Body(BaseModel):
    """A part of an event's JSON; unknown fields are skipped, so that writers may be newer than readers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a field that is personal data: `of` is the field of the same body with the person's id.

    `erased` is what stands in its place in the log once the person's data is erased.
    """

    of: str
    erased: str | None = DELETED_TEXT


class Event(Body):
    """What happened, in the past tense; a subclass with a `type` is one kind of event."""

    type: ClassVar[str] = ""
    """`<subgraph>.<aggregate>.<what happened>`."""
    topic: ClassVar[str] = ""
    """The Kafka topic, without the configured prefix."""

    @property
    def stream(self) -> str:
        """What the event is numbered in; streams of the same name in two databases are two streams."""
        raise NotImplementedError

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        if "type" not in cls.__dict__:
            return
        if _registry.setdefault(cls.type, cls) is not cls:
            raise TypeError(f"two event models for {cls.type}")
        if not cls.type.startswith(f"{cls.topic}."):
            raise TypeError(f"{cls.type} does not belong to topic {cls.topic}")

    @classmethod
    def from_json(cls, body: bytes | str) -> Self:
        """Raises pydantic.ValidationError."""
        return cls.model_validate_json(body)


_registry: dict[str, type[Event]] = {}

REGISTRY: Mapping[str, type[Event]] = MappingProxyType(_registry)
"""Every event model by its type."""

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """An event with its place in its stream."""

    event: E_co
    id: str
    """UUIDv7; the same at every delivery."""
    seq: int
    """1, 2, 3 … within the stream, without gaps."""
    stream: str
    occurred_at: datetime
    traceparent: str | None = None


class UnknownEventType(LookupError):
    """No model for this type: a newer replica or another version wrote it."""


def parse(type: str, body: bytes | str) -> Event:
    """The event in a JSON body. Raises UnknownEventType or pydantic.ValidationError."""
    model = REGISTRY.get(type)
    if model is None:
        raise UnknownEventType(type)
    return model.from_json(body)


# users ---------------------------------------------------------------------------------------------------


class _UserEvent(Event):
    topic: ClassVar[str] = "users.user"

    user_id: str

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"


class UserRegistered(_UserEvent):
    """Somebody signed up."""

    type: ClassVar[str] = "users.user.registered"

    display_name: Annotated[str, Personal("user_id", DELETED_NAME)]
    roles: tuple[str, ...]
    status: str


class UserEmailVerified(_UserEvent):
    """A user showed that the e-mail address of their account is theirs; carries the account's status from then on."""

    type: ClassVar[str] = "users.user.email_verified"

    status: str
    verified_at: AwareDatetime


class UserProfileUpdated(_UserEvent):
    """A user changed their profile; carries what others need of it, as it is now. Never the phone number."""

    type: ClassVar[str] = "users.user.profile_updated"

    display_name: Annotated[str, Personal("user_id", DELETED_NAME)]
    bio: Annotated[str | None, Personal("user_id", None)] = None
    avatar_url: Annotated[str | None, Personal("user_id", None)] = None
    skills: Annotated[tuple[str, ...] | None, Personal("user_id", None)] = Field(
        None, description="All of them; null where an older event does not tell."
    )
    locale: Annotated[str | None, Personal("user_id", None)] = Field(
        None, description="`EN` or `TH`; null where an older event does not tell."
    )
    time_zone: Annotated[str | None, Personal("user_id", None)] = Field(
        None, description="An IANA name such as `Asia/Bangkok`; null where an older event does not tell."
    )


class UserSessionRevoked(_UserEvent):
    """A session ended before its time: logged out, a new password, or its refresh token was used twice.

    Access tokens of the session are refused from then on.
    """

    type: ClassVar[str] = "users.user.session_revoked"

    session_id: str
    expires_at: AwareDatetime = Field(description="When the last access token of the session expires by itself.")


class UserRoleGranted(_UserEvent):
    """A user got a role; `roles` are all that they hold now."""

    type: ClassVar[str] = "users.user.role_granted"

    role: str
    roles: tuple[str, ...]
    by: str | None = Field(None, description="The admin's id; null for an operator at the command line.")


class UserRoleRevoked(_UserEvent):
    """A user lost a role; `roles` are all that they hold now. Their sessions end, since tokens name roles."""

    type: ClassVar[str] = "users.user.role_revoked"

    role: str
    roles: tuple[str, ...]
    by: str | None = Field(None, description="The admin's id.")


class UserSecondFactorEnabled(_UserEvent):
    """A user's logins take a one-time code from now on."""

    type: ClassVar[str] = "users.user.second_factor_enabled"


class UserSecondFactorDisabled(_UserEvent):
    """A user's logins take no one-time code any more."""

    type: ClassVar[str] = "users.user.second_factor_disabled"


class UserRecoveryCodesRegenerated(_UserEvent):
    """A user has new recovery codes; the old ones are worth nothing."""

    type: ClassVar[str] = "users.user.recovery_codes_regenerated"


class UserRecoveryCodeUsed(_UserEvent):
    """A user gave a recovery code in the place of a one-time code."""

    type: ClassVar[str] = "users.user.recovery_code_used"

    recovery_codes_left: int


class UserIdentityLinked(_UserEvent):
    """A user can sign in by way of a provider from now on."""

    type: ClassVar[str] = "users.user.identity_linked"

    provider: str = Field(description="The provider's id.")


class UserIdentityUnlinked(_UserEvent):
    """A user cannot sign in by way of an identity any more."""

    type: ClassVar[str] = "users.user.identity_unlinked"

    provider: str = Field(description="The provider's id.")


class UserSuspended(_UserEvent):
    """An admin suspended a user; all their access tokens are refused from then on."""

    type: ClassVar[str] = "users.user.suspended"

    reason: Annotated[str, Personal("user_id")]
    by: str | None = Field(None, description="The admin's id.")


class UserReinstated(_UserEvent):
    """An admin lifted a suspension."""

    type: ClassVar[str] = "users.user.reinstated"

    by: str | None = Field(None, description="The admin's id.")


class UserVerificationSubmitted(_UserEvent):
    """A user submitted a document for a check of their identity."""

    type: ClassVar[str] = "users.user.verification_submitted"

    verification_id: str
    document_type: str = Field(description="`NATIONAL_ID`, `PASSPORT` or `DRIVER_LICENSE`.")


class UserVerified(_UserEvent):
    """An admin accepted a document: the user is who they say until `expires_at`."""

    type: ClassVar[str] = "users.user.verified"

    verification_id: str
    expires_at: AwareDatetime
    by: str = Field(description="The admin's id.")


class UserVerificationRejected(_UserEvent):
    """An admin did not accept a document."""

    type: ClassVar[str] = "users.user.verification_rejected"

    verification_id: str
    reason: str = Field(
        description="`INVALID_NUMBER`, `NAME_MISMATCH`, `DOCUMENT_EXPIRED`, `DOCUMENT_NOT_SUPPORTED` or "
        "`CANNOT_CONFIRM`."
    )
    by: str = Field(description="The admin's id.")


class UserVerificationExpired(_UserEvent):
    """An accepted document counts no more: its time is over. The user is not verified now."""

    type: ClassVar[str] = "users.user.verification_expired"

    verification_id: str


class UserDocumentRevealed(_UserEvent):
    """An admin was shown the number of a document in full."""

    type: ClassVar[str] = "users.user.document_revealed"

    verification_id: str
    by: str = Field(description="The admin's id.")


class UserBlocked(_UserEvent):
    """A user wants nothing to do with another one; in the stream of the one who blocks."""

    type: ClassVar[str] = "users.user.blocked"

    blocked_id: str


class UserUnblocked(_UserEvent):
    """A user took a block back."""

    type: ClassVar[str] = "users.user.unblocked"

    blocked_id: str


class UserReported(_UserEvent):
    """A user reported another one; in the stream of the one who reports. What they wrote stays in users."""

    type: ClassVar[str] = "users.user.reported"

    report_id: str
    reported_id: str
    reason: str


class UserExportRequested(_UserEvent):
    """A user wants all of their data: every subgraph answers with what it holds, sealed to the key."""

    type: ClassVar[str] = "users.user.export_requested"

    export_id: str
    public_key: str = Field(description="X25519, base64; the private half exists in `users` alone, until it expires.")


class UserErased(_UserEvent):
    """A user left: every subgraph erases what it holds of them. Ids stay."""

    type: ClassVar[str] = "users.user.erased"

    by: str | None = Field(None, description="The admin's id; null for the user themselves.")
    reason: Annotated[str | None, Personal("user_id", None)] = Field(None, description="Why an admin did it.")


class UserExportReady(_UserEvent):
    """Everything that a user asked for is there to be read."""

    type: ClassVar[str] = "users.user.export_ready"

    export_id: str


# data exports --------------------------------------------------------------------------------------------


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


class NotificationsDataSealed(DataSealed):
    """A part of what `notifications` holds of a user."""

    type: ClassVar[str] = "notifications.export.sealed"
    topic: ClassVar[str] = "notifications.export"


DATA_SEALED: Mapping[str, type[DataSealed]] = MappingProxyType(
    {
        model.type.partition(".")[0]: model
        for model in (UsersDataSealed, TasksDataSealed, BidsDataSealed, NotificationsDataSealed)
    }
)
"""How each subgraph answers; an export is whole when all of these have."""


# tasks ---------------------------------------------------------------------------------------------------


class TaskSnapshot(Body):
    """A task as it was after the event."""

    id: str
    poster_id: str
    tasker_id: str | None = Field(None, description="Set once the task is assigned.")
    title: Annotated[str, Personal("poster_id")]
    description: Annotated[str, Personal("poster_id")]
    category_id: str
    budget: Money
    mode: str = Field(description="`ONSITE` or `REMOTE`.")
    status: str
    version: int
    due_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = Field(None, description="When the task stops taking bids by itself.")
    created_at: AwareDatetime
    updated_at: AwareDatetime
    published_at: AwareDatetime | None = None
    cancelled_reason: Annotated[str | None, Personal("poster_id")] = Field(
        None, description="What was said when the task was called off."
    )


class _TaskEvent(Event):
    topic: ClassVar[str] = "tasks.task"

    task: TaskSnapshot

    @property
    def stream(self) -> str:
        return f"task:{self.task.id}"


class TaskCreated(_TaskEvent):
    """A poster wrote a draft, which nobody else may see."""

    type: ClassVar[str] = "tasks.task.created"


class TaskPublished(_TaskEvent):
    """A task is open for bids: a draft was published, or an expired task posted again."""

    type: ClassVar[str] = "tasks.task.published"


class TaskUpdated(_TaskEvent):
    """The poster changed a draft or an open task."""

    type: ClassVar[str] = "tasks.task.updated"


class TaskExpired(_TaskEvent):
    """An open task was not assigned in time."""

    type: ClassVar[str] = "tasks.task.expired"


class TaskAssigned(_TaskEvent):
    """The tasker of an accepted bid has the task."""

    type: ClassVar[str] = "tasks.task.assigned"

    bid_id: str


class TaskAssignmentRejected(_TaskEvent):
    """A bid was accepted, but the task cannot be assigned any more (cancelled or expired meanwhile)."""

    type: ClassVar[str] = "tasks.task.assignment_rejected"

    bid_id: str
    tasker_id: str
    reason: str


class TaskCancelled(_TaskEvent):
    """A task was called off."""

    type: ClassVar[str] = "tasks.task.cancelled"

    reason: Annotated[str, Personal("task.poster_id")]
    by: Literal["POSTER", "TASKER", "ADMIN", "SYSTEM"]


# bids ----------------------------------------------------------------------------------------------------


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


# notifications -------------------------------------------------------------------------------------------


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
