"""Other amounts for a bid: offers that the two sides make each other in turn.

The bid itself is what the tasker offers, so that the poster begins. Between the sides stands one open offer at most;
whatever else happens to the bid ends it.
"""

from collections.abc import Mapping
from enum import StrEnum

from shared.errors import DomainError, InvalidInput, InvalidTransition, NotAllowed, UserErrorCode
from shared.money import CurrencyCode, Entered, Money
from subgraphs.bids.rules import bids
from subgraphs.bids.rules.bids import Command, Side

MOST_OFFERS = 20
"""Of one bid, of both sides together."""


class Status(StrEnum):
    """Where an offer stands."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    SUPERSEDED = "SUPERSEDED"


_ANSWERS: Mapping[Command, Status] = {Command.ACCEPT_OFFER: Status.ACCEPTED, Command.DECLINE_OFFER: Status.DECLINED}


class TooManyOffers(DomainError):
    code = UserErrorCode.TOO_MANY_OFFERS


def outcome(command: Command) -> Status:
    """What becomes of a bid's open offer by a step of the bid."""
    return _ANSWERS.get(command, Status.SUPERSEDED)


def check_turn(side: Side, open_side: Side | None) -> None:
    """Raises NotAllowed for whose offer is open, InvalidTransition for a tasker where the poster has made none."""
    if open_side is side:
        raise NotAllowed("The other side answers your offer first.", field=("bidId",))
    if open_side is None and side is Side.TASKER:
        raise InvalidTransition("There is no offer to counter; change your bid instead.")


def check_answerer(side: Side, open_side: Side | None) -> None:
    """Raises InvalidTransition without an open offer, NotAllowed for who made it."""
    if open_side is None:
        raise InvalidTransition("No offer waits for an answer.")
    if open_side is side:
        raise NotAllowed("The other side answers this offer.", field=("bidId",))


def check_count(made: int) -> None:
    """Raises TooManyOffers if the two have talked enough."""
    if made >= MOST_OFFERS:
        raise TooManyOffers(f"There are {MOST_OFFERS} offers for this bid already.", field=("bidId",), max=MOST_OFFERS)


def read_amount(entered: Entered, task_currency: CurrencyCode, *known: Money) -> Money:
    """Another amount than those `known`. Raises as `bids.read_amount`, and InvalidInput."""
    amount = bids.read_amount(entered, task_currency)
    if amount in known:
        raise InvalidInput("This amount is offered already.", field=("amount", "amount"))
    return amount
