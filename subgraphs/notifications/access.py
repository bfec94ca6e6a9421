"""Who may see and do what with notifications, in the words of `shared.access`."""

from shared.access import (
    EMPTY,
    NULL,
    OWN,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Query,
    Subscription,
    Type,
    connection,
    everybody,
    page_info,
    signed_in,
    user_error,
)

EVENTS = "notificationEvents(after: 0)"
FIELDS = "id category title body link createdAt readAt"

# Everybody has notifications, and sees those alone.
INBOX = signed_in(OWN, owner=VALUE)
OWN_ONE = everybody(NULL, owner=VALUE)

ACCESS: list[Declaration] = [
    Object("notification", "one that was read", owner="who was told"),
    Object("unread notification", "one that was not read", owner="who was told"),
    Query("notifications", "notification", INBOX),
    Query("node(id: $notification)", "notification", OWN_ONE),
    Query("nodes(ids: [$notification])", "notification", OWN_ONE),
    Query("unreadCount", "unread notification", signed_in(EMPTY, owner=VALUE)),
    Type("Notification", "notification", "notifications.nodes", {FIELDS: INBOX}),
    Type("Notification", "notification", "", {FIELDS: OWN_ONE}),
    *connection("Notification", "notification", "notifications", INBOX),
    page_info("notification", "notifications", INBOX),
    Subscription(EVENTS, "notification", INBOX),
    Type("NotificationEvent", "notification", EVENTS, {
        "seq previousSeq occurredAt type notification readUntil": INBOX,
    }),
    Mutation(
        "markRead(input: {notificationIds: [$notification]})",
        "unread notification", signed_in(EMPTY, owner=VALUE), gives="notifications", again=EMPTY,
    ),
    Mutation(
        "markAllRead(input: {})", "unread notification", signed_in(EMPTY, owner=VALUE), gives="count", again=EMPTY
    ),
    user_error("notification", "markRead(input: {notificationIds: []})", signed_in(VALUE), bounds=signed_in(VALUE)),
]  # fmt: skip
