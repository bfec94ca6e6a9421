"""What people are told about money."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers, amount, day, sentence

BALANCE = "/account/balance"
CARDS = "/account/cards"
DECLINED_BECAUSE = {
    "PAYMENT_METHOD_REQUIRED": "There is no card to charge.",
    "INSUFFICIENT_FUNDS": "There is not enough money on the card.",
    "EXPIRED_CARD": "The card has expired.",
    "LIMIT_EXCEEDED": "It is more than the card allows.",
    "AUTHENTICATION_FAILED": "The bank could not confirm that it is you.",
    "CURRENCY_NOT_SUPPORTED": "The card cannot be charged in this currency.",
    "PAYMENT_METHOD_UNUSABLE": "The card cannot be charged any more.",
    "PROCESSING_ERROR": "Something went wrong at the bank.",
}
# Nor is told that a card counts as stolen: whoever reads it may be the thief.
DECLINED = "The bank does not say why."
PAYOUT_FAILED_BECAUSE = {
    "ACCOUNT_CLOSED": "The account is closed.",
    "ACCOUNT_UNUSABLE": "The details of your account are not right any more.",
}
FROZEN_BECAUSE = {"DISPUTE": "while the dispute about it is open", "CHARGEBACK": "while a bank looks into the payment"}
FROZEN = "until that is settled"


def _about(escrow: events.EscrowSnapshot, user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.PAYMENTS, title, sentence(body), f"/tasks/{escrow.task_id}")


def _of_balance(user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.PAYMENTS, title, body, BALANCE)


def _to_both(escrow: events.EscrowSnapshot, title: str, body: str) -> list[Message]:
    return [_about(escrow, user_id, title, body) for user_id in (escrow.poster_id, escrow.tasker_id)]


def _what_is_paid(event: events.EscrowActionRequired | events.EscrowPaymentDeclined, names: Names) -> tuple[str, str]:
    """What the poster is to pay, and what becomes of it without."""
    task = names.task(event.escrow.task_id)
    if event.for_price_change:
        return f"the higher price of {task}", "the price stays"
    return f"{amount(event.escrow.amount)} for {task}", "the bid is open again"


def _action_required(event: events.EscrowActionRequired, names: Names) -> list[Message]:
    what, otherwise = _what_is_paid(event, names)
    body = f"Your bank wants you to confirm that you pay {what}. After 15 minutes without the money {otherwise}."
    return [_about(event.escrow, event.escrow.poster_id, "Confirm the payment", body)]


def _payment_declined(event: events.EscrowPaymentDeclined, names: Names) -> list[Message]:
    what, otherwise = _what_is_paid(event, names)
    body = (
        f"You could not be charged {what}. {DECLINED_BECAUSE.get(event.reason, DECLINED)} "
        f"Try again or take another card: after 15 minutes without the money {otherwise}."
    )
    return [_about(event.escrow, event.escrow.poster_id, "Payment declined", body)]


def _funded(event: events.EscrowFunded, names: Names) -> list[Message]:
    escrow = event.escrow
    held, task = amount(escrow.held), names.task(escrow.task_id)
    return [
        _about(escrow, escrow.poster_id, "Paid", f"You paid {held} for {task}. It is held until the work is approved."),
        _about(
            escrow, escrow.tasker_id, "Paid",
            f"{names.person(escrow.poster_id)} paid {held} for {task}. It is held until your work is approved.",
        ),
    ]  # fmt: skip


def _price_change_funded(event: events.EscrowPriceChangeFunded, names: Names) -> list[Message]:
    escrow = event.escrow
    body = f"The price of {names.task(escrow.task_id)} is {amount(escrow.amount)} now, and all of it is held."
    return _to_both(escrow, "Higher price paid", body)


def _price_change_failed(event: events.EscrowPriceChangeFailed, names: Names) -> list[Message]:
    escrow = event.escrow
    body = f"The higher price of {names.task(escrow.task_id)} was not paid: it stays {amount(escrow.amount)}."
    return _to_both(escrow, "Higher price not paid", body)


def _price_lowered(event: events.EscrowPriceLowered, names: Names) -> list[Message]:
    escrow = event.escrow
    body = f"{names.task(escrow.task_id)} costs {amount(escrow.amount)} now. The difference goes back to your card."
    return [_about(escrow, escrow.poster_id, "Lower price", body)]


def _auto_release_scheduled(event: events.EscrowAutoReleaseScheduled, names: Names) -> list[Message]:
    escrow = event.escrow
    when = f"On {day(escrow.release_at)}" if escrow.release_at else "After 14 days"
    body = (
        f"{when} {amount(escrow.held)} for {names.task(escrow.task_id)} goes to {names.person(escrow.tasker_id)}, "
        "unless you answer before."
    )
    return [_about(escrow, escrow.poster_id, "Payment due", body)]


def _frozen(event: events.EscrowFrozen, names: Names) -> list[Message]:
    because = FROZEN_BECAUSE.get(event.reason, FROZEN)
    body = f"The money for {names.task(event.escrow.task_id)} stays where it is {because}."
    return _to_both(event.escrow, "Money frozen", body)


def _unfrozen(event: events.EscrowUnfrozen, names: Names) -> list[Message]:
    body = f"The money for {names.task(event.escrow.task_id)} goes on as before."
    return _to_both(event.escrow, "Money no longer frozen", body)


def _earned(escrow: events.EscrowSnapshot, names: Names) -> Message:
    body = (
        f"{amount(escrow.released - escrow.fee)} for {names.task(escrow.task_id)} is in your balance: "
        f"{amount(escrow.released)} minus the fee of {amount(escrow.fee)}."
    )
    return _about(escrow, escrow.tasker_id, "You were paid", body)


def _released(event: events.EscrowReleased, names: Names) -> list[Message]:
    escrow = event.escrow
    body = f"{names.person(escrow.tasker_id)} was paid {amount(escrow.released)} for {names.task(escrow.task_id)}."
    return [_about(escrow, escrow.poster_id, "Tasker paid", body), _earned(escrow, names)]


def _refunded(event: events.EscrowRefunded, names: Names) -> list[Message]:
    escrow, task = event.escrow, names.task(event.escrow.task_id)
    body = f"In all {amount(escrow.refunded)} of what you paid for {task} goes back to your card."
    told = [_about(escrow, escrow.poster_id, "Refund", body)]
    # Without a reason the task was called off, which is told by itself; one that was paid keeps what it has.
    if event.reason is not None and escrow.status == "REFUNDED":
        taken = f"The money that was held for {task} went back to {names.person(escrow.poster_id)}."
        told.append(_about(escrow, escrow.tasker_id, "Refund", taken))
    return told


def _split(event: events.EscrowSplit, names: Names) -> list[Message]:
    escrow = event.escrow
    body = (
        f"{names.person(escrow.tasker_id)} was paid {amount(escrow.released)} for {names.task(escrow.task_id)}. "
        f"In all {amount(escrow.refunded)} of what you paid goes back to your card."
    )
    return [_about(escrow, escrow.poster_id, "Money parted", body), _earned(escrow, names)]


def _payout_requested(event: events.PayoutRequested, names: Names) -> list[Message]:
    payout = event.payout
    return [_of_balance(payout.tasker_id, "Payout begun", f"{amount(payout.amount)} is on its way to your bank.")]


def _payout_paid(event: events.PayoutPaid, names: Names) -> list[Message]:
    payout = event.payout
    return [_of_balance(payout.tasker_id, "Payout made", f"{amount(payout.amount)} was paid out to your bank.")]


def _payout_failed(event: events.PayoutFailed, names: Names) -> list[Message]:
    payout, because = event.payout, PAYOUT_FAILED_BECAUSE.get(event.reason, DECLINED)
    body = f"{amount(payout.amount)} could not be paid out, and is in your balance again. {because}"
    return [_of_balance(payout.tasker_id, "Payout failed", body)]


def _tipped(event: events.TransactionTipped, names: Names) -> list[Message]:
    body = (
        f"{names.person(event.poster_id)} gave you a tip of {amount(event.amount)} for {names.task(event.task_id)}. "
        "All of it is yours."
    )
    return [Message(event.user_id, Category.PAYMENTS, "A tip", body, f"/tasks/{event.task_id}")]


def _tasker_charged(event: events.TaskerCharged, names: Names) -> list[Message]:
    body = f"{amount(-event.amount)} was taken off your balance: {event.reason}"
    return [_of_balance(event.user_id, "Balance charged", body)]


def _card_expiring(event: events.PaymentMethodExpiring, names: Names) -> list[Message]:
    until = f"{event.expires_month:02}/{event.expires_year}"
    body = f"Your card {event.brand} ending in {event.last_four} expires with {until}. Add another one in time."
    return [Message(event.user_id, Category.PAYMENTS, "Card expires", body, CARDS)]


WRITERS: Writers = {
    events.EscrowActionRequired: _action_required,
    events.EscrowPaymentDeclined: _payment_declined,
    events.EscrowFunded: _funded,
    events.EscrowPriceChangeFunded: _price_change_funded,
    events.EscrowPriceChangeFailed: _price_change_failed,
    events.EscrowPriceLowered: _price_lowered,
    events.EscrowAutoReleaseScheduled: _auto_release_scheduled,
    events.EscrowFrozen: _frozen,
    events.EscrowUnfrozen: _unfrozen,
    events.EscrowReleased: _released,
    events.EscrowRefunded: _refunded,
    events.EscrowSplit: _split,
    events.PayoutRequested: _payout_requested,
    events.PayoutPaid: _payout_paid,
    events.PayoutFailed: _payout_failed,
    events.TransactionTipped: _tipped,
    events.TaskerCharged: _tasker_charged,
    events.PaymentMethodExpiring: _card_expiring,
}
