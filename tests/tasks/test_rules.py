"""The rules of tasks as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actor import Actor, Role
from shared.errors import InvalidInput, InvalidTransition, NotAllowed, NotFound, RoleRequired
from shared.money import DIGITS, CurrencyCode, Money
from shared.transitions import By, next_status
from subgraphs.tasks import rules
from subgraphs.tasks.rules import TRANSITIONS, Command, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ILLEGAL = [(status, command) for status in Status for command in Command if (status, command) not in TRANSITIONS]
times = st.integers(-(10**8), 10**8).map(lambda seconds: NOW + timedelta(seconds=seconds))


def actor(user_id: str = "user_a", *roles: Role) -> Actor:
    return Actor(user_id, "session_1", frozenset(roles), frozenset({"marketplace"}), NOW)


@pytest.mark.parametrize(("status", "command"), ILLEGAL)
def test_what_is_not_in_the_table_is_refused(status: Status, command: Command) -> None:
    with pytest.raises(InvalidTransition):
        next_status(TRANSITIONS, status, command)


def test_the_table_is_the_one_of_the_docs() -> None:
    edges = {(status, command, row.to, *sorted(row.by)) for (status, command), row in TRANSITIONS.items()}
    assert edges == {
        (Status.DRAFT, Command.UPDATE, Status.DRAFT, By.POSTER),
        (Status.DRAFT, Command.PUBLISH, Status.OPEN, By.POSTER),
        (Status.DRAFT, Command.CANCEL, Status.CANCELLED, By.EVENT, By.POSTER),
        (Status.OPEN, Command.UPDATE, Status.OPEN, By.POSTER),
        (Status.OPEN, Command.ASSIGN, Status.ASSIGNED, By.EVENT),
        (Status.OPEN, Command.EXPIRE, Status.EXPIRED, By.TIMER),
        (Status.OPEN, Command.CANCEL, Status.CANCELLED, By.EVENT, By.POSTER),
        (Status.ASSIGNED, Command.CANCEL, Status.CANCELLED, By.EVENT, By.POSTER),
    }


@given(st.sampled_from(CurrencyCode), st.integers(-(10**9), 10**9))
def test_a_budget_is_1_to_100000_units(currency: CurrencyCode, minor: int) -> None:
    unit: int = 10 ** DIGITS[currency]
    if unit <= minor <= 100_000 * unit:
        rules.check_budget(Money(minor, currency))
    else:
        with pytest.raises(InvalidInput):
            rules.check_budget(Money(minor, currency))


@pytest.mark.parametrize("currency", [CurrencyCode.EUR, CurrencyCode.JPY, CurrencyCode.KWD])
def test_the_bounds_of_a_budget_belong_to_it(currency: CurrencyCode) -> None:
    unit: int = 10 ** DIGITS[currency]
    for minor in (unit, 100_000 * unit):
        rules.check_budget(Money(minor, currency))
    for minor in (unit - 1, 100_000 * unit + 1):
        with pytest.raises(InvalidInput):
            rules.check_budget(Money(minor, currency))


@given(times, st.none() | times)
def test_a_task_expires_after_30_days_or_when_due(published_at: datetime, due_at: datetime | None) -> None:
    expires_at = rules.expires_at(published_at, due_at)

    assert expires_at <= published_at + timedelta(days=30)
    assert expires_at in (published_at + timedelta(days=30), due_at)
    assert due_at is None or expires_at <= due_at


@pytest.mark.parametrize("seconds", [-1, 0])
def test_what_is_due_lies_ahead(seconds: int) -> None:
    with pytest.raises(rules.DueInPast):
        rules.check_due(NOW + timedelta(seconds=seconds), NOW)
    rules.check_due(NOW + timedelta(seconds=1), NOW)
    rules.check_due(None, NOW)


def test_a_published_task_keeps_its_currency() -> None:
    rules.check_currency(CurrencyCode.EUR, CurrencyCode.EUR)
    with pytest.raises(rules.CurrencyMismatch):
        rules.check_currency(CurrencyCode.USD, CurrencyCode.EUR)


@pytest.mark.parametrize(
    ("viewer", "published_at", "sees"),
    [(None, None, False), ("user_b", None, False), ("user_a", None, True), (None, NOW, True), ("user_b", NOW, True)],
)
def test_a_draft_is_for_its_poster_alone(viewer: str | None, published_at: datetime | None, sees: bool) -> None:
    assert rules.may_see(viewer, "user_a", published_at) is sees


def test_who_may_change_a_task() -> None:
    rules.check_poster_of(actor("user_a"), "user_a", None)
    rules.check_poster_of(actor("user_a"), "user_a", NOW)
    with pytest.raises(NotFound):
        rules.check_poster_of(actor("user_b"), "user_a", None)
    with pytest.raises(NotAllowed):
        rules.check_poster_of(actor("user_b"), "user_a", NOW)


def test_posters_need_their_role() -> None:
    rules.check_poster(actor("user_a", Role.POSTER, Role.TASKER))
    with pytest.raises(RoleRequired):
        rules.check_poster(actor("user_a", Role.TASKER, Role.ADMIN))
