"""The rules of bids as tables."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import DomainError, InvalidInput, InvalidTransition, NotAllowed
from shared.transitions import next_status
from subgraphs.bids.rules import bids as rules
from subgraphs.bids.rules import invitations, offers
from subgraphs.bids.rules.bids import TRANSITIONS, Command, Side, Status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ILLEGAL = [(status, command) for status in Status for command in Command if (status, command) not in TRANSITIONS]


@pytest.mark.parametrize(("status", "command"), ILLEGAL)
def test_what_is_not_in_the_table_is_refused(status: Status, command: Command) -> None:
    with pytest.raises(InvalidTransition):
        next_status(TRANSITIONS, status, command)


def test_the_table_is_the_one_of_the_docs() -> None:
    edges = {(status, command, row.to) for (status, command), row in TRANSITIONS.items()}
    assert edges == {
        (Status.PENDING, Command.UPDATE, Status.PENDING),
        (Status.PENDING, Command.WITHDRAW, Status.WITHDRAWN),
        (Status.PENDING, Command.COUNTER_OFFER, Status.PENDING),
        (Status.PENDING, Command.ACCEPT_OFFER, Status.PENDING),
        (Status.PENDING, Command.DECLINE_OFFER, Status.PENDING),
        (Status.PENDING, Command.SHORTLIST, Status.PENDING),
        (Status.PENDING, Command.UNSHORTLIST, Status.PENDING),
        (Status.PENDING, Command.DECLINE, Status.DECLINED),
        (Status.PENDING, Command.ACCEPT, Status.ACCEPTED),
        (Status.PENDING, Command.EXPIRE, Status.EXPIRED),
        (Status.ACCEPTED, Command.FAIL_ACCEPTANCE, Status.PENDING),
        (Status.ACCEPTED, Command.AWARD, Status.AWARDED),
    }


@pytest.mark.parametrize("minutes", [0, -1, 60 * 24 * 365 + 1])
def test_an_estimate_is_a_minute_to_a_year(minutes: int) -> None:
    with pytest.raises(InvalidInput):
        rules.check_estimate(minutes)
    rules.check_estimate(None)
    rules.check_estimate(1)
    rules.check_estimate(60 * 24 * 365)


@pytest.mark.parametrize("status", ["DRAFT", "ASSIGNED", "IN_PROGRESS", "COMPLETED", "CANCELLED", "EXPIRED"])
def test_a_task_that_is_not_open_takes_no_bids(status: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(rules.TaskNotOpen):
        rules.check_task_open(status, None, now)


def test_a_task_past_its_end_takes_no_bids_even_before_its_event_arrives() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(rules.TaskNotOpen):
        rules.check_task_open("OPEN", now, now)
    rules.check_task_open("OPEN", now + timedelta(seconds=1), now)


def test_only_poster_and_bidder_may_see_a_bid() -> None:
    assert rules.may_see("poster", "poster", "tasker")
    assert rules.may_see("tasker", "poster", "tasker")
    assert not rules.may_see("another", "poster", "tasker")
    assert not rules.may_see(None, "poster", "tasker")


def test_every_refusal_of_bids_has_a_code_of_its_own() -> None:
    modules = (rules, offers, invitations)
    named = [(module, each) for module in modules for each in vars(module).values() if isinstance(each, type)]
    own = [each for module, each in named if issubclass(each, DomainError) and each.__module__ == module.__name__]
    assert len({each.code for each in own}) == len(own) == 10


def test_a_bid_whose_time_is_up_is_over() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    rules.check_not_over(now + timedelta(seconds=1), now)
    with pytest.raises(InvalidTransition):
        rules.check_not_over(now, now)


@pytest.mark.parametrize(
    ("side", "open_side", "counters", "answers"),
    [
        (Side.POSTER, None, True, False),
        (Side.TASKER, None, False, False),
        (Side.POSTER, Side.POSTER, False, False),
        (Side.TASKER, Side.POSTER, True, True),
        (Side.POSTER, Side.TASKER, True, True),
        (Side.TASKER, Side.TASKER, False, False),
    ],
)
def test_the_sides_take_turns(side: Side, open_side: Side | None, counters: bool, answers: bool) -> None:
    for check, passes in ((offers.check_turn, counters), (offers.check_answerer, answers)):
        with nullcontext() if passes else pytest.raises((NotAllowed, InvalidTransition)):
            check(side, open_side)


@pytest.mark.parametrize("takes_bids", [True, False])
@pytest.mark.parametrize("declined_at", [None, NOW])
@pytest.mark.parametrize("bid_id", [None, "bid_1"])
def test_where_an_invitation_stands(bid_id: str | None, declined_at: datetime | None, takes_bids: bool) -> None:
    found = invitations.status(bid_id, declined_at, takes_bids=takes_bids)
    expected = "ACCEPTED" if bid_id else "DECLINED" if declined_at else "OPEN" if takes_bids else "CLOSED"
    assert found == expected
