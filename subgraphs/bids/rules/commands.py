"""What somebody can do with a bid now, by the rules that the actions ask."""

from dataclasses import dataclass
from datetime import datetime

from shared.errors import InvalidTransition
from shared.transitions import By, possible, sides
from subgraphs.bids.rules import bids, offers
from subgraphs.bids.rules.bids import TRANSITIONS, Command, Deal, Side, Status


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a bid decides what can be done with it."""

    poster_id: str
    tasker_id: str
    status: Status
    expires_at: datetime
    open_offer_side: Side | None
    offers_made: int
    is_shortlisted: bool


def commands(viewer_id: str, facts: Facts, deal: Deal, now: datetime) -> list[Command]:
    """What a person can do with a bid now, but for what would change nothing."""

    def check(command: Command, by: By) -> None:
        if command in (Command.UPDATE, Command.COUNTER_OFFER, Command.ACCEPT_OFFER):
            bids.check_task_open(deal.status, deal.expires_at, now)
        if command is Command.ACCEPT:
            bids.check_free(deal, now)
        if command in (Command.ACCEPT, Command.COUNTER_OFFER, Command.ACCEPT_OFFER):
            bids.check_not_over(facts.expires_at, now)
        side = Side.POSTER if by is By.POSTER else Side.TASKER
        if command is Command.COUNTER_OFFER:
            offers.check_turn(side, facts.open_offer_side)
            offers.check_count(facts.offers_made)
        if command in (Command.ACCEPT_OFFER, Command.DECLINE_OFFER):
            offers.check_answerer(side, facts.open_offer_side)
        if command in (Command.SHORTLIST, Command.UNSHORTLIST):
            _check_changes(command, facts.is_shortlisted)

    people = {By.POSTER: facts.poster_id, By.TASKER: facts.tasker_id}
    return possible(TRANSITIONS, facts.status, sides(viewer_id, people), check)


def _check_changes(command: Command, is_shortlisted: bool) -> None:
    if is_shortlisted is (command is Command.SHORTLIST):
        raise InvalidTransition("It is so already.")
