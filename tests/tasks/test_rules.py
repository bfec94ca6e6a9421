"""The rules of tasks as tables."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidTransition, NotAllowed, NotFound, RoleRequired
from shared.identity.actor import Actor, Role
from shared.transitions import By, next_status
from subgraphs.tasks.rules import cancellation
from subgraphs.tasks.rules import tasks as rules
from subgraphs.tasks.rules.tasks import TRANSITIONS, Command, Party, Status

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ILLEGAL = [(status, command) for status in Status for command in Command if (status, command) not in TRANSITIONS]
times = st.integers(-(10**8), 10**8).map(lambda seconds: NOW + timedelta(seconds=seconds))


def actor(user_id: str = "user_a", *roles: Role) -> Actor:
    return Actor(user_id, "session_1", frozenset(roles), frozenset({"marketplace"}), NOW)


@pytest.mark.parametrize(("status", "command"), ILLEGAL)
def test_what_is_not_in_the_table_is_refused(status: Status, command: Command) -> None:
    with pytest.raises(InvalidTransition):
        next_status(TRANSITIONS, status, command)


@pytest.mark.parametrize(("status", "command"), list(TRANSITIONS))
@pytest.mark.parametrize("by", By)
def test_a_step_is_for_those_of_the_table(status: Status, command: Command, by: By) -> None:
    row = TRANSITIONS[status, command]
    if by in row.by:
        assert next_status(TRANSITIONS, status, command, by) is row.to
    else:
        with pytest.raises(InvalidTransition):
            next_status(TRANSITIONS, status, command, by)


def test_the_table_is_the_one_of_the_domain() -> None:
    """The edges of the product's description, which say nothing of who takes them."""
    edges = {(status.value, row.to.value) for (status, _), row in TRANSITIONS.items() if status is not row.to}
    assert edges == {
        ("DRAFT", "OPEN"), ("OPEN", "ASSIGNED"), ("ASSIGNED", "IN_PROGRESS"), ("IN_PROGRESS", "DELIVERED"),
        ("DELIVERED", "COMPLETED"), ("DELIVERED", "IN_PROGRESS"), ("OPEN", "EXPIRED"), ("EXPIRED", "OPEN"),
        ("DRAFT", "CANCELLED"), ("OPEN", "CANCELLED"), ("ASSIGNED", "CANCELLED"), ("IN_PROGRESS", "CANCELLED"),
        ("ASSIGNED", "DISPUTED"), ("IN_PROGRESS", "DISPUTED"), ("DELIVERED", "DISPUTED"),
        ("DISPUTED", "COMPLETED"), ("DISPUTED", "CANCELLED"),
    }  # fmt: skip


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


@pytest.mark.parametrize(
    ("viewer", "published_at", "sees"),
    [(None, None, False), ("user_b", None, False), ("user_a", None, True), (None, NOW, True), ("user_b", NOW, True)],
)
def test_a_draft_is_for_its_poster_alone(viewer: str | None, published_at: datetime | None, sees: bool) -> None:
    assert rules.may_see(viewer, "user_a", published_at) is sees


def test_who_gives_which_command() -> None:
    def asked_by(user_id: str, command: Command, published_at: datetime | None = NOW) -> Party:
        return rules.check_party(actor(user_id), command, "user_a", "user_b", published_at)

    assert asked_by("user_a", Command.UPDATE, None) is asked_by("user_a", Command.APPROVE) is Party.POSTER
    assert asked_by("user_b", Command.DELIVER) is asked_by("user_b", Command.CANCEL) is Party.TASKER
    with pytest.raises(NotFound):
        asked_by("user_c", Command.UPDATE, None)
    for user_id, command in [("user_c", Command.CANCEL), ("user_b", Command.APPROVE), ("user_a", Command.START)]:
        with pytest.raises(NotAllowed):
            asked_by(user_id, command)
    for command in (Command.EXPIRE, Command.ASSIGN, Command.SETTLE_AS_DONE):
        with pytest.raises(NotAllowed):
            asked_by("user_a", command)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("party", Party)
def test_what_a_cancellation_costs(status: Status, party: Party) -> None:
    fault = cancellation.fault(status, party)
    owes = cancellation.poster_owes_percent(status, fault)

    assert fault == ("NOBODY" if status in (Status.DRAFT, Status.OPEN) else party)
    assert owes == (15 if (status, party) == (Status.IN_PROGRESS, Party.POSTER) else 0)


def test_posters_need_their_role() -> None:
    rules.check_poster(actor("user_a", Role.POSTER, Role.TASKER))
    with pytest.raises(RoleRequired):
        rules.check_poster(actor("user_a", Role.TASKER, Role.ADMIN))
