"""Who is told what about which event. Pure: no I/O. What is told stands in a module for each noun."""

from shared import events
from shared.errors import InvalidInput
from subgraphs.notifications.rules import accounts, alerts, bids, payments, tasks
from subgraphs.notifications.rules.messages import A_TASK, SOMEBODY, Category, Mentions, Message, Names, Writers

MOST_MARKED_AT_ONCE = 100
ABOUT_ERASED = "This was about somebody who has left."

ACCOUNT_EVENTS = (
    events.UserRoleGranted,
    events.UserRoleRevoked,
    events.UserReinstated,
    events.UserSecondFactorRemoved,
    events.UserExportReady,
    events.UserVerified,
    events.UserVerificationRejected,
    events.UserVerificationExpired,
)
BID_EVENTS = (
    events.BidPlaced,
    events.BidUpdated,
    events.BidWithdrawn,
    events.BidExpired,
    events.BidDeclined,
    events.BidCounterOffered,
    events.BidOfferAccepted,
    events.BidOfferDeclined,
    events.BidAccepted,
    events.BidAcceptanceFailed,
    events.BidAwarded,
)
INVITATION_EVENTS = (events.BidInvited, events.BidInvitationDeclined)
TASK_EVENTS = (
    events.TaskAssigned,
    events.TaskExpired,
    events.TaskStarted,
    events.TaskDelivered,
    events.TaskChangesRequested,
    events.TaskCompleted,
    events.TaskRescheduleRequested,
    events.TaskRescheduleAnswered,
    events.TaskPriceChangeRequested,
    events.TaskPriceChangeAnswered,
    events.TaskCancellationRequested,
    events.TaskCancellationAnswered,
    events.TaskQuestionAsked,
    events.TaskQuestionAnswered,
    events.TaskCancelled,
)
ALERT_EVENTS = (events.AlertMatched,)
ESCROW_EVENTS = (
    events.EscrowActionRequired,
    events.EscrowPaymentDeclined,
    events.EscrowFunded,
    events.EscrowPriceChangeFunded,
    events.EscrowPriceChangeFailed,
    events.EscrowPriceLowered,
    events.EscrowAutoReleaseScheduled,
    events.EscrowFrozen,
    events.EscrowUnfrozen,
    events.EscrowReleased,
    events.EscrowRefunded,
    events.EscrowSplit,
)
BALANCE_EVENTS = (
    events.PayoutRequested,
    events.PayoutPaid,
    events.PayoutFailed,
    events.TransactionTipped,
    events.TaskerCharged,
    events.PaymentMethodExpiring,
)

WRITERS: Writers = {
    **accounts.WRITERS,
    **bids.WRITERS,
    **alerts.WRITERS,
    **tasks.WRITERS,
    **payments.WRITERS,
}

__all__ = ["A_TASK", "SOMEBODY", "Category", "Mentions", "Message", "Names", "mentions", "messages"]


def mentions(event: events.Event) -> Mentions:
    """The people and the task that `messages` names for this event."""
    if isinstance(event, BID_EVENTS):
        return Mentions((event.bid.poster_id, event.bid.tasker_id), event.bid.task_id)
    if isinstance(event, INVITATION_EVENTS):
        return Mentions((event.invitation.poster_id, event.invitation.tasker_id), event.invitation.task_id)
    if isinstance(event, ALERT_EVENTS):
        return Mentions(task_id=event.task_id)
    if isinstance(event, ESCROW_EVENTS):
        return Mentions((event.escrow.poster_id, event.escrow.tasker_id), event.escrow.task_id)
    if isinstance(event, events.TransactionTipped):
        return Mentions((event.poster_id,), event.task_id)
    if isinstance(event, TASK_EVENTS):
        return Mentions(tuple(sorted(people(event))))
    return Mentions()


def people(event: events.Event) -> set[str]:
    """Everybody whose name or words a message about this event may hold."""
    if isinstance(event, BID_EVENTS):
        return {event.bid.poster_id, event.bid.tasker_id}
    if isinstance(event, INVITATION_EVENTS):
        return {event.invitation.poster_id, event.invitation.tasker_id}
    if isinstance(event, ALERT_EVENTS):
        return {event.poster_id}
    if isinstance(event, ESCROW_EVENTS):
        return {event.escrow.poster_id, event.escrow.tasker_id}
    if isinstance(event, events.TransactionTipped):
        return {event.poster_id}
    if isinstance(event, TASK_EVENTS):
        sides = {event.task.poster_id, *([event.task.tasker_id] if event.task.tasker_id else [])}
        return sides | ({event.question.asker_id} if isinstance(event, events.TaskQuestionEvent) else set())
    return set()


def messages(event: events.Event, names: Names) -> list[Message]:
    """Who is told what about an event; nobody about most of them."""
    writer = WRITERS.get(type(event))
    return writer(event, names) if writer else []


def check_marked(count: int) -> None:
    """Raises InvalidInput for more notifications than one request may mark."""
    if not 1 <= count <= MOST_MARKED_AT_ONCE:
        raise InvalidInput(
            f"Mark 1 to {MOST_MARKED_AT_ONCE} notifications at once.",
            field=("notificationIds",),
            min=1,
            max=MOST_MARKED_AT_ONCE,
        )
