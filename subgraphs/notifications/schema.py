"""The GraphQL schema of notifications: authorize, call, return."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self, cast

import strawberry
from strawberry import ID

from shared import events
from shared.context import Context, Followed
from shared.graphql.acting import act
from shared.graphql.entities import Node, entity
from shared.graphql.events import AFTER, StreamEvent, made_once
from shared.graphql.ids import NotificationId
from shared.graphql.nodes import NodeQuery, references
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.schema import build_schema, mutation, query, subscription
from shared.graphql.types import UserError, register_enum
from shared.identity.actor import MARKETPLACE
from subgraphs.notifications import actions, models, store
from subgraphs.notifications.loaders import Loaders
from subgraphs.notifications.rules import Category

Info = strawberry.Info[Context[Loaders], None]


class NotificationEventType(StrEnum):
    """What happened in an inbox: the last part of its event's type."""

    CREATED = "created"
    READ = "read"
    ALL_READ = "all_read"


register_enum(
    Category,
    name="NotificationCategory",
    description="What a notification is about.",
    values={
        Category.ACCOUNT: "The account itself.",
        Category.TASKS: "A task that one posted or does.",
        Category.BIDS: "A bid that one placed or got.",
        Category.ALERTS: "A task that one of one's saved searches found.",
        Category.CHAT: "A message from the other side of a task.",
        Category.PAYMENTS: "Money held, released, refunded or paid out.",
        Category.REVIEWS: "A review to write or to read.",
        Category.SUPPORT: "A ticket or a dispute.",
    },
)
register_enum(
    NotificationEventType,
    description="What happened in an inbox.",
    values={
        NotificationEventType.CREATED: "A notification arrived.",
        NotificationEventType.READ: "A notification was marked as read.",
        NotificationEventType.ALL_READ: "All notifications until `readUntil` were marked as read.",
    },
)


@entity(description="Something that a person is told. Only they can see it.")
class Notification(Node):
    id: ID = strawberry.field(description="The notification's id.")
    category: Category = strawberry.field(description="What it is about.")
    title: str = strawberry.field(description="The headline.")
    body: str = strawberry.field(description="The text.")
    link: str = strawberry.field(description="The path of what it is about in the web app.")
    created_at: datetime = strawberry.field(description="When it was sent.")
    read_at: datetime | None = strawberry.field(description="When it was marked as read; null until then.")

    @classmethod
    def of(cls, row: models.Notification | events.NotificationSnapshot) -> Self:
        return cls(
            id=ID(row.id),
            category=Category(row.category),
            title=row.title,
            body=row.body,
            link=row.link or "/",
            created_at=row.created_at,
            read_at=row.read_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence[Self | None]:
        rows = await info.context.loaders.notification_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.user_id) else None for row in rows]


@strawberry.type(description="Something that happened in the caller's inbox.")
class NotificationEvent(StreamEvent):
    type: NotificationEventType = strawberry.field(description="What happened.")
    notification: Notification | None = strawberry.field(
        description="The notification right after it; null for `ALL_READ`, which concerns many."
    )
    read_until: datetime | None = strawberry.field(
        description="For `ALL_READ`: everything sent until then has been read. Null for the others."
    )

    @classmethod
    @made_once
    def of(cls, followed: Followed) -> Self:
        envelope = followed.envelope
        happened = cls(
            seq=envelope.seq,
            previous_seq=followed.previous_seq,
            occurred_at=envelope.occurred_at,
            type=NotificationEventType(envelope.event.type.rpartition(".")[2]),
            notification=None,
            read_until=None,
        )
        if isinstance(envelope.event, events.NotificationsAllRead):
            happened.read_until = envelope.event.read_at
        else:
            happened.notification = Notification.of(cast("events.NotificationCreated", envelope.event).notification)
        return happened


@strawberry.input(description="Which notifications to list; what is left out does not matter.")
class NotificationFilter:
    category: Category | None = strawberry.field(default=None, description="Only those about this.")
    unread: bool = strawberry.field(default=False, description="Only those that are not marked as read.")


@strawberry.input(description="The notifications to mark.")
class MarkReadInput:
    notification_ids: list[NotificationId] = strawberry.field(description="1 to 100 of one's own notifications.")


@strawberry.input(description="How far to mark.")
class MarkAllReadInput:
    until: datetime | None = strawberry.field(
        default=None, description="Only those sent until then, such as the newest one shown; now if left out."
    )


@strawberry.type(description="The outcome of `markRead`.")
class MarkReadPayload:
    notifications: list[Notification] = strawberry.field(
        default_factory=list, description="Those that were unread until now; others are passed over."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `markAllRead`.")
class MarkAllReadPayload:
    count: int = strawberry.field(default=0, description="How many were unread until now.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class Query(NodeQuery):
    @query(description="The caller's notifications, newest first.", scope=MARKETPLACE)
    async def notifications(
        self,
        info: Info,
        filter: Annotated[
            NotificationFilter | None, strawberry.argument(description="Which of them; all if left out.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Notification] | None:
        chosen = filter or NotificationFilter()
        window = store.NEWEST.window(first, after, last, before)
        page = await store.list_notifications(
            info.context.database, info.context.require_actor().id, chosen.category, chosen.unread, window
        )
        return Connection.of(page, Notification.of)

    @query(description="How many of the caller's notifications are unread.", scope=MARKETPLACE)
    async def unread_count(self, info: Info) -> int | None:
        return await store.count_unread(info.context.database, info.context.require_actor().id)


@strawberry.type
class Mutation:
    @mutation(description="Marks some of one's own notifications as read.")
    async def mark_read(self, info: Info, input: MarkReadInput) -> MarkReadPayload:
        rows = await act(info, actions.mark_read, input.notification_ids)
        return MarkReadPayload(notifications=[Notification.of(row) for row in rows])

    @mutation(description="Marks all of one's own notifications as read.")
    async def mark_all_read(self, info: Info, input: MarkAllReadInput) -> MarkAllReadPayload:
        return MarkAllReadPayload(count=await act(info, actions.mark_all_read, input.until))


@strawberry.type
class Subscription:
    @subscription(scope=MARKETPLACE, description="What happens in the caller's inbox.")
    async def notification_events(
        self, info: Info, after: Annotated[int | None, AFTER] = None
    ) -> AsyncIterator[NotificationEvent]:
        stream = f"user:{info.context.require_actor().id}"
        async for followed in info.context.follow(stream, after):
            yield NotificationEvent.of(followed)


schema = build_schema(Query, Mutation, Subscription, types=references([Notification]))
