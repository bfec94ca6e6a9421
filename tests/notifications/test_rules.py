"""Who is told what about which event, and that nobody else is told anything."""

from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from shared import events
from shared.errors import InvalidInput
from shared.money import CurrencyCode, Money
from subgraphs.notifications import rules
from subgraphs.notifications.consumers import handlers
from subgraphs.notifications.rules import Category, Message, Names
from tests.support import factories

POSTER, TASKER, TASK = "user_poster", "user_tasker", "task_fence"
NAMES = Names({POSTER: "Ploy", TASKER: "Tom", "user_asker": "Ann"}, {TASK: "Paint the fence"})
NOW = datetime(2026, 1, 1, tzinfo=UTC)

BID = factories.bid_snapshot(task_id=TASK, poster_id=POSTER, tasker_id=TASKER, amount=Money(15_050, CurrencyCode.EUR))
OPEN = factories.task_snapshot(id=TASK, poster_id=POSTER)
TAKEN = OPEN.model_copy(update={"tasker_id": TASKER})


def cancelled(task: events.TaskSnapshot, by: Literal["POSTER", "TASKER", "ADMIN", "SYSTEM"]) -> events.TaskCancelled:
    return events.TaskCancelled(task=task, reason="Rain", by=by)


def about_bid(user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.BIDS, title, body, f"/tasks/{TASK}")


def about_task(user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.TASKS, title, body, f"/tasks/{TASK}")


def verification(title: str, body: str) -> Message:
    return Message(TASKER, Category.ACCOUNT, title, body, "/account/verification")


def asked(kind: str, by: Literal["POSTER", "TASKER"], **changes: Any) -> events.AgreementSnapshot:
    by_id = POSTER if by == "POSTER" else TASKER
    given = {"id": "agreement_1", "kind": kind, "status": "OPEN", "version": 1, "message": "It rains on Friday."}
    return events.AgreementSnapshot(requested_by=by, requested_by_id=by_id, **given | changes)


LESS = Money(12_000, CurrencyCode.EUR)
DECLINED = BID.model_copy(update={"decline_reason": "TOO_EXPENSIVE", "decline_message": "Maybe next year"})
INVITATION = events.InvitationSnapshot(
    id="invitation_1",
    task_id=TASK,
    poster_id=POSTER,
    tasker_id=TASKER,
    message="You did well last year.",
    created_at=NOW,
)


def offered(side: Literal["POSTER", "TASKER"], message: str | None = None) -> events.OfferSnapshot:
    author, recipient = (POSTER, TASKER) if side == "POSTER" else (TASKER, POSTER)
    return events.OfferSnapshot(
        id="offer_1",
        bid_id=BID.id,
        side=side,
        author_id=author,
        recipient_id=recipient,
        amount=LESS,
        message=message,
        status="OPEN",
        created_at=NOW,
    )


QUESTION = events.QuestionSnapshot(id="question_1", asker_id="user_asker", poster_id=POSTER, text="Which colour?")
DAY = f"{NOW.day} {NOW:%B %Y}"
CANCELLED = ("Task cancelled", "“Paint the fence” was cancelled: Rain")
ALERT = events.AlertMatched(user_id=TASKER, task_id=TASK, poster_id=POSTER, saved_search_id="search_1", is_near=True)
CASES: dict[str, tuple[events.Event, list[Message]]] = {
    "alert near": (
        ALERT,
        [
            Message(
                TASKER,
                Category.ALERTS,
                "A new task near you",
                "A new task near you: “Paint the fence”.",
                f"/tasks/{TASK}",
            )
        ],
    ),
    "alert anywhere": (
        ALERT.model_copy(update={"is_near": False}),
        [
            Message(
                TASKER,
                Category.ALERTS,
                "A new task for you",
                "A new task for you: “Paint the fence”.",
                f"/tasks/{TASK}",
            )
        ],
    ),
    "registered": (
        events.UserRegistered(user_id=TASKER, display_name="Tom", roles=("TASKER",), status="ACTIVE"),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Welcome to Service Exchange",
                "Good to have you here, Tom. Post a task, or look for one to do.",
                "/",
            )
        ],
    ),
    "role granted": (
        events.UserRoleGranted(user_id=TASKER, role="SUPPORT", roles=("TASKER", "SUPPORT")),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "New role",
                "You now have the role SUPPORT. Log in again where you do not see what comes with it.",
                "/",
            )
        ],
    ),
    "role revoked": (
        events.UserRoleRevoked(user_id=TASKER, role="SUPPORT", roles=("TASKER",)),
        [Message(TASKER, Category.ACCOUNT, "Role taken", "You no longer have the role SUPPORT.", "/")],
    ),
    "reinstated": (
        events.UserReinstated(user_id=TASKER),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Welcome back",
                "Your account is no longer suspended. Good to have you back.",
                "/",
            )
        ],
    ),
    "second factor removed": (
        events.UserSecondFactorRemoved(user_id=TASKER, reason="They came with their passport.", by=POSTER),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Second factor removed",
                "Our support removed the second factor of your account. You can set up a new one.",
                "/account/security",
            )
        ],
    ),
    "export ready": (
        events.UserExportReady(user_id=TASKER, export_id="export_1"),
        [
            Message(
                TASKER,
                Category.ACCOUNT,
                "Your data is ready",
                "Everything that is stored about you can be read for a week.",
                "/account/data",
            )
        ],
    ),
    "verified": (
        events.UserVerified(user_id=TASKER, verification_id="verification_1", expires_at=NOW, by=POSTER),
        [verification("Identity verified", f"Your document was checked. You are verified until {DAY}.")],
    ),
    "document rejected": (
        events.UserVerificationRejected(
            user_id=TASKER, verification_id="verification_1", reason="DOCUMENT_EXPIRED", by=POSTER
        ),
        [verification("Document not accepted", "The document has expired. You can submit another one.")],
    ),
    "document rejected for a reason of a newer release": (
        events.UserVerificationRejected(user_id=TASKER, verification_id="verification_1", reason="NEW", by=POSTER),
        [
            verification(
                "Document not accepted",
                "We could not confirm that the document is yours. You can submit another one.",
            )
        ],
    ),
    "verification expired": (
        events.UserVerificationExpired(user_id=TASKER, verification_id="verification_1"),
        [
            verification(
                "No longer verified",
                "The check of your identity has run out. Submit a document to be verified again.",
            )
        ],
    ),
    "placed": (
        events.BidPlaced(bid=BID),
        [about_bid(POSTER, "New bid", "Tom offers to do “Paint the fence” for 150.50 EUR.")],
    ),
    "updated": (
        events.BidUpdated(bid=BID),
        [about_bid(POSTER, "Bid changed", "Tom now offers to do “Paint the fence” for 150.50 EUR.")],
    ),
    "withdrawn": (
        events.BidWithdrawn(bid=BID),
        [about_bid(POSTER, "Bid withdrawn", "Tom took their bid on “Paint the fence” back.")],
    ),
    "expired": (
        events.BidExpired(bid=BID, reason="The task expired."),
        [about_bid(TASKER, "Bid expired", "Your bid on “Paint the fence” has ended. The task expired.")],
    ),
    "expired without a reason": (
        events.BidExpired(bid=BID),
        [about_bid(TASKER, "Bid expired", "Your bid on “Paint the fence” has ended.")],
    ),
    "declined by an older release": (
        events.BidDeclined(bid=BID, reason="Too far away"),
        [about_bid(TASKER, "Bid declined", "Your bid on “Paint the fence” was declined. Too far away")],
    ),
    "declined with a reason and a word": (
        events.BidDeclined(bid=DECLINED),
        [
            about_bid(
                TASKER, "Bid declined", "Your bid on “Paint the fence” was declined. It costs too much. Maybe next year"
            )
        ],
    ),
    "declined for another reason": (
        events.BidDeclined(bid=DECLINED.model_copy(update={"decline_reason": "OTHER", "decline_message": None})),
        [about_bid(TASKER, "Bid declined", "Your bid on “Paint the fence” was declined.")],
    ),
    "countered by the poster": (
        events.BidCounterOffered(bid=BID.model_copy(update={"open_offer": offered("POSTER", "Half is in the shade.")})),
        [about_bid(TASKER, "Another offer", "Ploy would pay 120.00 EUR for “Paint the fence”. Half is in the shade.")],
    ),
    "countered by the tasker": (
        events.BidCounterOffered(bid=BID.model_copy(update={"open_offer": offered("TASKER")})),
        [about_bid(POSTER, "Another offer", "Tom asks for 120.00 EUR for “Paint the fence”.")],
    ),
    "offer of the poster accepted": (
        events.BidOfferAccepted(bid=BID, offer=offered("POSTER")),
        [about_bid(POSTER, "Offer accepted", "Tom agrees to 120.00 EUR for “Paint the fence”.")],
    ),
    "offer of the tasker declined": (
        events.BidOfferDeclined(bid=BID, offer=offered("TASKER")),
        [about_bid(TASKER, "Offer declined", "Ploy does not agree to 120.00 EUR for “Paint the fence”.")],
    ),
    "invited": (
        events.BidInvited(invitation=INVITATION),
        [about_bid(TASKER, "Invitation", "Ploy invites you to bid on “Paint the fence”. You did well last year.")],
    ),
    "invitation declined": (
        events.BidInvitationDeclined(invitation=INVITATION),
        [about_bid(POSTER, "Invitation declined", "Tom does not want to bid on “Paint the fence”.")],
    ),
    "declined without a reason": (
        events.BidDeclined(bid=BID),
        [about_bid(TASKER, "Bid declined", "Your bid on “Paint the fence” was declined.")],
    ),
    "accepted": (
        events.BidAccepted(bid=BID),
        [
            about_bid(
                TASKER, "Bid accepted", "Ploy accepted your bid on “Paint the fence”. It is yours once it is paid."
            )
        ],
    ),
    "acceptance failed": (
        events.BidAcceptanceFailed(bid=BID, reason="The task is cancelled already."),
        [
            about_bid(user_id, "Task not assigned", body)
            for user_id in (POSTER, TASKER)
            for body in ["“Paint the fence” could not be assigned. The task is cancelled already."]
        ],
    ),
    "awarded": (
        events.BidAwarded(bid=BID),
        [about_bid(TASKER, "The task is yours", "“Paint the fence” is yours, for 150.50 EUR.")],
    ),
    "assigned": (
        events.TaskAssigned(task=TAKEN, bid_id=BID.id),
        [about_task(POSTER, "Task assigned", "Tom will do “Paint the fence”.")],
    ),
    "reschedule requested": (
        events.TaskRescheduleRequested(task=TAKEN, agreement=asked("RESCHEDULE", "TASKER")),
        [about_task(POSTER, "Another time?", "Tom asks for another time for “Paint the fence”: It rains on Friday.")],
    ),
    "reschedule agreed to": (
        events.TaskRescheduleAnswered(task=TAKEN, agreement=asked("RESCHEDULE", "TASKER"), accepted=True),
        [about_task(TASKER, "Another time agreed on", "Ploy agreed to another time for “Paint the fence”.")],
    ),
    "reschedule not agreed to": (
        events.TaskRescheduleAnswered(task=TAKEN, agreement=asked("RESCHEDULE", "POSTER"), accepted=False),
        [about_task(POSTER, "No other time", "Tom did not agree to another time for “Paint the fence”.")],
    ),
    "price change requested": (
        events.TaskPriceChangeRequested(task=TAKEN, agreement=asked("PRICE_CHANGE", "POSTER", price=LESS)),
        [about_task(TASKER, "Another price?", "Ploy asks for 120.00 EUR for “Paint the fence”: It rains on Friday.")],
    ),
    "lower price agreed to": (
        events.TaskPriceChangeAnswered(task=TAKEN, agreement=asked("PRICE_CHANGE", "POSTER"), accepted=True),
        [about_task(POSTER, "Another price agreed on", "Tom agreed to another price for “Paint the fence”.")],
    ),
    "higher price agreed to": (
        events.TaskPriceChangeAnswered(
            task=TAKEN, agreement=asked("PRICE_CHANGE", "TASKER"), accepted=True, awaiting_funding=True
        ),
        [
            about_task(
                TASKER,
                "Another price agreed on",
                "Ploy agreed to a price that counts once the difference is held, for “Paint the fence”.",
            )
        ],
    ),
    "price not agreed to": (
        events.TaskPriceChangeAnswered(task=TAKEN, agreement=asked("PRICE_CHANGE", "TASKER"), accepted=False),
        [about_task(TASKER, "No other price", "Ploy did not agree to another price for “Paint the fence”.")],
    ),
    "cancellation requested": (
        events.TaskCancellationRequested(task=TAKEN, agreement=asked("CANCELLATION", "POSTER")),
        [
            about_task(
                TASKER,
                "Call it off?",
                "Ploy wants to call off “Paint the fence”: It rains on Friday. "
                "Answer within 48 hours; then it counts as agreed to.",
            )
        ],
    ),
    "cancellation agreed to": (
        events.TaskCancellationAnswered(task=TAKEN, agreement=asked("CANCELLATION", "POSTER"), accepted=True),
        [about_task(POSTER, "Agreed to call it off", "Tom agreed to call off “Paint the fence”.")],
    ),
    "cancellation not agreed to": (
        events.TaskCancellationAnswered(task=TAKEN, agreement=asked("CANCELLATION", "TASKER"), accepted=False),
        [about_task(TASKER, "Not called off", "Ploy did not agree to call off “Paint the fence”.")],
    ),
    "cancelled without an answer": (
        events.TaskCancelled(task=TAKEN, reason="Rain", by="POSTER", fault="POSTER", unanswered=True),
        [about_task(POSTER, *CANCELLED), about_task(TASKER, *CANCELLED)],
    ),
    "question asked": (
        events.TaskQuestionAsked(task=OPEN, question=QUESTION),
        [about_task(POSTER, "New question", "Ann asks about “Paint the fence”: Which colour?")],
    ),
    "question answered": (
        events.TaskQuestionAnswered(task=OPEN, question=QUESTION.model_copy(update={"answer": "Green."})),
        [about_task("user_asker", "Question answered", "Ploy answered about “Paint the fence”: Green.")],
    ),
    "task started": (
        events.TaskStarted(task=TAKEN),
        [about_task(POSTER, "Work begun", "Tom began to work on “Paint the fence”.")],
    ),
    "task delivered": (
        events.TaskDelivered(task=TAKEN, message="Two coats, as agreed."),
        [
            about_task(
                POSTER,
                "Work delivered",
                "Tom says that “Paint the fence” is done: Two coats, as agreed. "
                "Approve it or ask for changes within 14 days; then it counts as approved.",
            )
        ],
    ),
    "changes requested": (
        events.TaskChangesRequested(task=TAKEN, message="The gate is missing."),
        [about_task(TASKER, "Changes requested", "Ploy asks for changes to “Paint the fence”: The gate is missing.")],
    ),
    "task approved": (
        events.TaskCompleted(task=TAKEN, by="POSTER"),
        [about_task(TASKER, "Work approved", "Ploy approved your work on “Paint the fence”.")],
    ),
    "task approved by time": (
        events.TaskCompleted(task=TAKEN, by="TIMER"),
        [
            about_task(
                user_id,
                "Task completed",
                "“Paint the fence” is completed. 14 days passed without an answer.",
            )
            for user_id in (POSTER, TASKER)
        ],
    ),
    "task completed by a dispute": (
        events.TaskCompleted(task=TAKEN, by="SUPPORT"),
        [
            about_task(
                user_id,
                "Task completed",
                "“Paint the fence” is completed. The dispute about it has ended so.",
            )
            for user_id in (POSTER, TASKER)
        ],
    ),
    "task expired": (
        events.TaskExpired(task=OPEN),
        [about_task(POSTER, "Task expired", "“Paint the fence” takes no bids any more. You can post it again.")],
    ),
    # Nobody is told of what they did themselves.
    "cancelled by the poster before anybody had it": (cancelled(OPEN, "POSTER"), []),
    "cancelled by the poster": (cancelled(TAKEN, "POSTER"), [about_task(TASKER, *CANCELLED)]),
    "cancelled by the tasker": (cancelled(TAKEN, "TASKER"), [about_task(POSTER, *CANCELLED)]),
    "cancelled by an admin": (
        cancelled(TAKEN, "ADMIN"),
        [about_task(POSTER, *CANCELLED), about_task(TASKER, *CANCELLED)],
    ),
    "cancelled by the system": (cancelled(OPEN, "SYSTEM"), [about_task(POSTER, *CANCELLED)]),
}
EUR = CurrencyCode.EUR
PRICE, FEE, NOTHING = Money(15_000, EUR), Money(1_500, EUR), Money(0, EUR)
ESCROW = factories.escrow_snapshot(task_id=TASK, poster_id=POSTER, tasker_id=TASKER, amount=PRICE, held=PRICE)
PAID = ESCROW.model_copy(update={"status": "RELEASED", "held": NOTHING, "released": PRICE, "fee": FEE})
BACK = ESCROW.model_copy(update={"status": "REFUNDED", "held": NOTHING, "refunded": PRICE})
PARTED = PAID.model_copy(
    update={"status": "SPLIT", "released": LESS, "fee": Money(1_200, EUR), "refunded": Money(3_000, EUR)}
)
DUE = ESCROW.model_copy(update={"release_at": NOW})
PAYOUT = events.PayoutSnapshot(
    id="payout_1", tasker_id=TASKER, status="PENDING", amount=LESS, is_scheduled=False, created_at=NOW, updated_at=NOW
)
CARD = {"user_id": POSTER, "payment_method_id": "card_1", "brand": "Visa", "last_four": "4242"}


def about_money(user_id: str, title: str, body: str, link: str = f"/tasks/{TASK}") -> Message:
    return Message(user_id, Category.PAYMENTS, title, body, link)


def declined(reason: str, **given: Any) -> events.EscrowPaymentDeclined:
    return events.EscrowPaymentDeclined(escrow=ESCROW, reason=reason, **given)


EARNED = (
    "You were paid",
    "135.00 EUR for “Paint the fence” is in your balance: 150.00 EUR minus the fee of 15.00 EUR.",
)
CASES |= {
    "bank asks": (
        events.EscrowActionRequired(escrow=ESCROW),
        [
            about_money(
                POSTER,
                "Confirm the payment",
                "Your bank wants you to confirm that you pay 150.00 EUR for “Paint the fence”. "
                "After 15 minutes without the money the bid is open again.",
            )
        ],
    ),
    "bank asks for a higher price": (
        events.EscrowActionRequired(escrow=ESCROW, for_price_change=True),
        [
            about_money(
                POSTER,
                "Confirm the payment",
                "Your bank wants you to confirm that you pay the higher price of “Paint the fence”. "
                "After 15 minutes without the money the price stays.",
            )
        ],
    ),
    "payment declined": (
        declined("INSUFFICIENT_FUNDS"),
        [
            about_money(
                POSTER,
                "Payment declined",
                "You could not be charged 150.00 EUR for “Paint the fence”. There is not enough money on the card. "
                "Try again or take another card: after 15 minutes without the money the bid is open again.",
            )
        ],
    ),
    "payment of a higher price declined, as of a stolen card": (
        declined("LOST_OR_STOLEN_CARD", for_price_change=True),
        [
            about_money(
                POSTER,
                "Payment declined",
                "You could not be charged the higher price of “Paint the fence”. The bank does not say why. "
                "Try again or take another card: after 15 minutes without the money the price stays.",
            )
        ],
    ),
    "funded": (
        events.EscrowFunded(escrow=ESCROW),
        [
            about_money(
                POSTER, "Paid", "You paid 150.00 EUR for “Paint the fence”. It is held until the work is approved."
            ),
            about_money(
                TASKER, "Paid", "Ploy paid 150.00 EUR for “Paint the fence”. It is held until your work is approved."
            ),
        ],
    ),
    "higher price paid": (
        events.EscrowPriceChangeFunded(escrow=ESCROW, agreement_id="agreement_1"),
        [
            about_money(
                user_id,
                "Higher price paid",
                "The price of “Paint the fence” is 150.00 EUR now, and all of it is held.",
            )
            for user_id in (POSTER, TASKER)
        ],
    ),
    "higher price not paid": (
        events.EscrowPriceChangeFailed(escrow=ESCROW, agreement_id="agreement_1", reason="NOT_PAID_IN_TIME"),
        [
            about_money(
                user_id,
                "Higher price not paid",
                "The higher price of “Paint the fence” was not paid: it stays 150.00 EUR.",
            )
            for user_id in (POSTER, TASKER)
        ],
    ),
    "price lowered": (
        events.EscrowPriceLowered(escrow=ESCROW, agreement_id="agreement_1"),
        [
            about_money(
                POSTER,
                "Lower price",
                "“Paint the fence” costs 150.00 EUR now. The difference goes back to your card.",
            )
        ],
    ),
    "release scheduled": (
        events.EscrowAutoReleaseScheduled(escrow=DUE),
        [
            about_money(
                POSTER,
                "Payment due",
                f"On {DAY} 150.00 EUR for “Paint the fence” goes to Tom, unless you answer before.",
            )
        ],
    ),
    "frozen by a dispute": (
        events.EscrowFrozen(escrow=ESCROW, reason="DISPUTE"),
        [
            about_money(
                user_id,
                "Money frozen",
                "The money for “Paint the fence” stays where it is while the dispute about it is open.",
            )
            for user_id in (POSTER, TASKER)
        ],
    ),
    "frozen by a chargeback": (
        events.EscrowFrozen(escrow=ESCROW, reason="CHARGEBACK"),
        [
            about_money(
                user_id,
                "Money frozen",
                "The money for “Paint the fence” stays where it is while a bank looks into the payment.",
            )
            for user_id in (POSTER, TASKER)
        ],
    ),
    "unfrozen": (
        events.EscrowUnfrozen(escrow=ESCROW),
        [
            about_money(user_id, "Money no longer frozen", "The money for “Paint the fence” goes on as before.")
            for user_id in (POSTER, TASKER)
        ],
    ),
    "released": (
        events.EscrowReleased(escrow=PAID),
        [
            about_money(POSTER, "Tasker paid", "Tom was paid 150.00 EUR for “Paint the fence”."),
            about_money(TASKER, *EARNED),
        ],
    ),
    "refunded as the task was called off": (
        events.EscrowRefunded(escrow=BACK),
        [
            about_money(
                POSTER, "Refund", "In all 150.00 EUR of what you paid for “Paint the fence” goes back to your card."
            )
        ],
    ),
    "refunded by an admin": (
        events.EscrowRefunded(escrow=BACK, reason="The tasker is ill"),
        [
            about_money(
                POSTER, "Refund", "In all 150.00 EUR of what you paid for “Paint the fence” goes back to your card."
            ),
            about_money(TASKER, "Refund", "The money that was held for “Paint the fence” went back to Ploy."),
        ],
    ),
    "refunded by an admin after the tasker was paid": (
        events.EscrowRefunded(escrow=PAID.model_copy(update={"refunded": LESS}), reason="Goodwill"),
        [
            about_money(
                POSTER, "Refund", "In all 120.00 EUR of what you paid for “Paint the fence” goes back to your card."
            )
        ],
    ),
    "split": (
        events.EscrowSplit(escrow=PARTED),
        [
            about_money(
                POSTER,
                "Money parted",
                "Tom was paid 120.00 EUR for “Paint the fence”. "
                "In all 30.00 EUR of what you paid goes back to your card.",
            ),
            about_money(
                TASKER,
                "You were paid",
                "108.00 EUR for “Paint the fence” is in your balance: 120.00 EUR minus the fee of 12.00 EUR.",
            ),
        ],
    ),
    "payout requested": (
        events.PayoutRequested(payout=PAYOUT),
        [about_money(TASKER, "Payout begun", "120.00 EUR is on its way to your bank.", "/account/balance")],
    ),
    "payout paid": (
        events.PayoutPaid(payout=PAYOUT),
        [about_money(TASKER, "Payout made", "120.00 EUR was paid out to your bank.", "/account/balance")],
    ),
    "payout failed": (
        events.PayoutFailed(payout=PAYOUT, reason="ACCOUNT_CLOSED"),
        [
            about_money(
                TASKER,
                "Payout failed",
                "120.00 EUR could not be paid out, and is in your balance again. The account is closed.",
                "/account/balance",
            )
        ],
    ),
    "tipped": (
        events.TransactionTipped(
            user_id=TASKER, transaction_id="charge_1", amount=LESS, task_id=TASK, poster_id=POSTER
        ),
        [about_money(TASKER, "A tip", "Ploy gave you a tip of 120.00 EUR for “Paint the fence”. All of it is yours.")],
    ),
    "tasker charged": (
        events.TaskerCharged(
            user_id=TASKER, transaction_id="recovery_1", amount=-LESS, reason="A chargeback was lost."
        ),
        [
            about_money(
                TASKER,
                "Balance charged",
                "120.00 EUR was taken off your balance: A chargeback was lost.",
                "/account/balance",
            )
        ],
    ),
    "card expires": (
        events.PaymentMethodExpiring(**CARD, expires_month=3, expires_year=2026),
        [
            about_money(
                POSTER,
                "Card expires",
                "Your card Visa ending in 4242 expires with 03/2026. Add another one in time.",
                "/account/cards",
            )
        ],
    ),
}
SILENT: list[events.Event] = [
    events.BidShortlisted(bid=BID),
    events.BidUnshortlisted(bid=BID),
    events.UserProfileUpdated(user_id=TASKER, display_name="Tom"),
    events.UserSuspended(user_id=TASKER, reason="Spam"),
    events.UserSessionRevoked(user_id=TASKER, session_id="session_1", expires_at=NOW),
    events.TaskCreated(task=OPEN),
    events.TaskPublished(task=OPEN),
    events.TaskUpdated(task=OPEN),
    events.TaskAssignmentRejected(task=OPEN, bid_id=BID.id, tasker_id=TASKER, reason="Taken"),
    # Told by what they lead to, or what led to them.
    events.TaskFundingStarted(task=OPEN, bid_id=BID.id),
    events.TaskFundingFailed(task=OPEN, bid_id=BID.id, reason="NOT_PAID_IN_TIME"),
    events.TaskPriceChangeSettled(task=TAKEN, agreement=asked("PRICE_CHANGE", "TASKER"), funded=True),
    events.EscrowOpened(escrow=ESCROW),
    events.EscrowFundingFailed(escrow=ESCROW, reason="NOT_PAID_IN_TIME"),
    events.TransactionProcessed(user_id=TASKER, transaction_id="transaction_1", amount=LESS, kind="EARNING"),
    events.TransactionChargedBack(
        user_id=POSTER, transaction_id="chargeback_1", amount=LESS, task_id=TASK, status="OPEN"
    ),
    events.BalanceChanged(user_id=TASKER, balance=LESS, on_its_way=NOTHING),
    events.PaymentMethodAdded(**CARD),
    events.PaymentMethodRemoved(**CARD),
]
# They carry no title of their task.
NAME_NO_TASK = (
    *rules.BID_EVENTS,
    *rules.INVITATION_EVENTS,
    *rules.ALERT_EVENTS,
    *rules.ESCROW_EVENTS,
    *rules.BALANCE_EVENTS,
)


@pytest.mark.parametrize("name", CASES)
def test_an_event_is_told_to_whom_it_concerns_and_nobody_else(name: str) -> None:
    event, expected = CASES[name]
    assert rules.messages(event, NAMES) == expected


@pytest.mark.parametrize("event", SILENT, ids=lambda event: event.type)
def test_nobody_is_told_of_the_rest(event: events.Event) -> None:
    assert rules.messages(event, NAMES) == []


def test_every_event_that_is_told_has_a_case_and_a_consumer() -> None:
    assert {type(event) for event, _ in CASES.values()} == set(rules.WRITERS)
    assert set(rules.WRITERS) == {
        events.UserRegistered,
        *rules.ACCOUNT_EVENTS,
        *rules.BID_EVENTS,
        *rules.INVITATION_EVENTS,
        *rules.TASK_EVENTS,
        *rules.ALERT_EVENTS,
        *rules.ESCROW_EVENTS,
        *rules.BALANCE_EVENTS,
    }
    assert {event.type for event in rules.WRITERS} <= set(handlers.by_type())
    assert set(rules.WRITERS).isdisjoint(type(event) for event in SILENT)


@pytest.mark.parametrize("name", CASES)
def test_what_an_event_mentions_is_all_that_its_text_needs(name: str) -> None:
    event, expected = CASES[name]
    mentions = rules.mentions(event)
    known = Names(
        {user_id: NAMES.people[user_id] for user_id in mentions.user_ids},
        {mentions.task_id: NAMES.tasks[mentions.task_id]} if mentions.task_id else {},
    )
    assert rules.messages(event, known) == expected


@pytest.mark.parametrize("name", CASES)
def test_who_and_what_is_not_known_is_called_somebody_and_a_task(name: str) -> None:
    event, expected = CASES[name]

    found = rules.messages(event, Names({}, {}))

    assert [each.user_id for each in found] == [each.user_id for each in expected]
    for message, known in zip(found, expected, strict=True):
        assert not message.body[0].islower()
        task = rules.A_TASK if isinstance(event, NAME_NO_TASK) else "“Paint the fence”"
        body = known.body.replace("“Paint the fence”", task)
        if not isinstance(event, events.UserRegistered):
            for name_of_person in NAMES.people.values():
                body = body.replace(name_of_person, rules.SOMEBODY)
        assert message.body == body[0].upper() + body[1:]


@pytest.mark.parametrize("count", [0, 101])
def test_one_request_marks_1_to_100(count: int) -> None:
    rules.check_marked(1)
    rules.check_marked(100)
    with pytest.raises(InvalidInput):
        rules.check_marked(count)
