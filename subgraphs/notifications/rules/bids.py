"""What people are told about bids."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers, amount, sentence

DECLINED_BECAUSE = {
    "TOO_EXPENSIVE": "It costs too much.",
    "TIMING": "The times do not fit.",
    "NOT_QUALIFIED": "The poster looks for somebody with other experience.",
    "FOUND_SOMEBODY_ELSE": "Somebody else does it.",
    "PLANS_CHANGED": "The poster's plans have changed.",
}
"""What is told of each reason; nothing of others."""


def _about(what: events.BidSnapshot | events.InvitationSnapshot, user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.BIDS, title, sentence(body), f"/tasks/{what.task_id}")


def _to_poster(bid: events.BidSnapshot, title: str, body: str) -> Message:
    return _about(bid, bid.poster_id, title, body)


def _to_tasker(bid: events.BidSnapshot, title: str, body: str) -> Message:
    return _about(bid, bid.tasker_id, title, body)


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
    bid = event.bid
    reason, word = DECLINED_BECAUSE.get(bid.decline_reason or "", ""), bid.decline_message or event.reason or ""
    body = " ".join(filter(None, [f"Your bid on {names.task(bid.task_id)} was declined.", reason, word]))
    return [_to_tasker(bid, "Bid declined", body)]


def _counter_offered(event: events.BidCounterOffered, names: Names) -> list[Message]:
    bid, offer = event.bid, event.bid.open_offer
    if offer is None:
        return []
    tell, wish = (_to_tasker, "would pay") if offer.side == "POSTER" else (_to_poster, "asks for")
    body = f"{names.person(offer.author_id)} {wish} {amount(offer.amount)} for {names.task(bid.task_id)}."
    return [tell(bid, "Another offer", f"{body} {offer.message or ''}".rstrip())]


def _offer_answered(event: events.OfferAnswered, names: Names, title: str, answer: str) -> list[Message]:
    bid, offer = event.bid, event.offer
    tell = _to_poster if offer.side == "POSTER" else _to_tasker
    body = f"{names.person(offer.recipient_id)} {answer} {amount(offer.amount)} for {names.task(bid.task_id)}."
    return [tell(bid, title, body)]


def _offer_accepted(event: events.BidOfferAccepted, names: Names) -> list[Message]:
    return _offer_answered(event, names, "Offer accepted", "agrees to")


def _offer_declined(event: events.BidOfferDeclined, names: Names) -> list[Message]:
    return _offer_answered(event, names, "Offer declined", "does not agree to")


def _invited(event: events.BidInvited, names: Names) -> list[Message]:
    invitation = event.invitation
    body = f"{names.person(invitation.poster_id)} invites you to bid on {names.task(invitation.task_id)}."
    return [_about(invitation, invitation.tasker_id, "Invitation", f"{body} {invitation.message or ''}".rstrip())]


def _invitation_declined(event: events.BidInvitationDeclined, names: Names) -> list[Message]:
    invitation = event.invitation
    body = f"{names.person(invitation.tasker_id)} does not want to bid on {names.task(invitation.task_id)}."
    return [_about(invitation, invitation.poster_id, "Invitation declined", body)]


def _accepted(event: events.BidAccepted, names: Names) -> list[Message]:
    bid = event.bid
    body = f"{names.person(bid.poster_id)} accepted your bid on {names.task(bid.task_id)}. It is yours once it is paid."
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
    events.BidCounterOffered: _counter_offered,
    events.BidOfferAccepted: _offer_accepted,
    events.BidOfferDeclined: _offer_declined,
    events.BidInvited: _invited,
    events.BidInvitationDeclined: _invitation_declined,
    events.BidAccepted: _accepted,
    events.BidAcceptanceFailed: _acceptance_failed,
    events.BidAwarded: _awarded,
}
