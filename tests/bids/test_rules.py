"""The rules of bids as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import DomainError, InvalidInput, InvalidTransition
from shared.graphql.scalars import DecimalText
from shared.graphql.types import MoneyInput
from shared.money import DIGITS, CurrencyCode, Money
from shared.transitions import next_status
from subgraphs.bids import rules
from subgraphs.bids.rules import TRANSITIONS, Command, Status

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
        (Status.PENDING, Command.DECLINE, Status.DECLINED),
        (Status.PENDING, Command.ACCEPT, Status.ACCEPTED),
        (Status.PENDING, Command.EXPIRE, Status.EXPIRED),
        (Status.ACCEPTED, Command.FAIL_ACCEPTANCE, Status.PENDING),
        (Status.ACCEPTED, Command.AWARD, Status.AWARDED),
    }


def entered(money: Money) -> MoneyInput:
    return MoneyInput(amount=DecimalText(money.format()), currency=money.currency)


@given(st.sampled_from(CurrencyCode), st.integers(0, 10**11))
def test_an_amount_is_1_to_100000_units(currency: CurrencyCode, minor: int) -> None:
    unit: int = 10 ** DIGITS[currency]
    amount = Money(minor, currency)
    try:
        assert rules.read_amount(entered(amount), currency) == amount
        assert unit <= minor <= 100_000 * unit
    except rules.BidTooLow:
        assert minor < unit
    except rules.BidTooHigh:
        assert minor > 100_000 * unit


def test_an_amount_in_another_currency_is_refused() -> None:
    with pytest.raises(rules.CurrencyMismatch):
        rules.read_amount(entered(Money(10_000, CurrencyCode.USD)), CurrencyCode.EUR)


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
    refusals = [each for each in vars(rules).values() if isinstance(each, type) and issubclass(each, DomainError)]
    own = [each for each in refusals if each.__module__ == rules.__name__]
    assert len({each.code for each in own}) == len(own) == 9


def test_a_bid_whose_time_is_up_is_over() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    rules.check_not_over(now + timedelta(seconds=1), now)
    with pytest.raises(InvalidTransition):
        rules.check_not_over(now, now)
