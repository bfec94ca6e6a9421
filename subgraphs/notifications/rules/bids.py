"""What people are told about bids."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers, amount, sentence


def _to_poster(bid: events.BidSnapshot, title: str, body: str) -> Message:
    return Message(bid.poster_id, Category.BIDS, title, sentence(body), f"/tasks/{bid.task_id}")


def _to_tasker(bid: events.BidSnapshot, title: str, body: str) -> Message:
    return Message(bid.tasker_id, Category.BIDS, title, sentence(body), f"/tasks/{bid.task_id}")


def _placed(event: events.BidPlaced, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.tasker_id)} offers to do {names.task(bid.task_id)} for {amount(bid.amount)}."
    return [_to_poster(bid, "New bid", body)]


def _updated(event: events.BidUpdated, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.tasker_id)} now offers to do {names.task(bid.task_id)} for {amount(bid.amount)}."
    return [_to_poster(bid, "Bid changed", body)]


def _withdrawn(event: events.BidWithdrawn, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.tasker_id)} took their bid on {names.task(bid.task_id)} back."
    return [_to_poster(bid, "Bid withdrawn", body)]


def _expired(event: events.BidExpired, names: Names) -> list[Message]:
    body = f"Your bid on {names.task(event.bid.task_id)} has ended. {event.reason or ''}".rstrip()
    return [_to_tasker(event.bid, "Bid expired", body)]


def _declined(event: events.BidDeclined, names: Names) -> list[Message]:
    body = f"Your bid on {names.task(event.bid.task_id)} was declined. {event.reason or ''}".rstrip()
    return [_to_tasker(event.bid, "Bid declined", body)]


def _accepted(event: events.BidAccepted, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.poster_id)} accepted your bid on {names.task(bid.task_id)}. It is being assigned to you."
    return [_to_tasker(bid, "Bid accepted", body)]


def _acceptance_failed(event: events.BidAcceptanceFailed, names: Names) -> list[Message]:
    bid, title = event.bid, "Task not assigned"
    body = f"{names.task(bid.task_id)} could not be assigned. {event.reason}"
    return [_to_poster(bid, title, body), _to_tasker(bid, title, body)]


def _awarded(event: events.BidAwarded, names: Names) -> list[Message]:
    body = f"{names.task(event.bid.task_id)} is yours, for {amount(event.bid.amount)}."
    return [_to_tasker(event.bid, "The task is yours", body)]


WRITERS: Writers = {
    events.BidPlaced: _placed,
    events.BidUpdated: _updated,
    events.BidWithdrawn: _withdrawn,
    events.BidExpired: _expired,
    events.BidDeclined: _declined,
    events.BidAccepted: _accepted,
    events.BidAcceptanceFailed: _acceptance_failed,
    events.BidAwarded: _awarded,
}
